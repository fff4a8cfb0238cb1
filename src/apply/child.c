/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/child.h"
#include "base/fault.h"
#include "base/own.h"
#include "sys/clone.h"
#include "sys/mount.h"
#include "sys/netif.h"
#include "wire/msg.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

bool child_tie_to_parent(struct child *child, struct err *e)
{
	struct pollfd wire = {.fd = child->wire_fd};
	if (prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L) < 0)
		return err_sys(e, "set the parent death signal");
	/*
	 * The parent may have died before the signal was armed. Its pid cannot tell
	 * (from inside a pid namespace it reads 0), its end of the wire can.
	 */
	if (poll(&wire, 1, 0) > 0 && (wire.revents & POLLHUP))
		return err_msg(e, ERR_INTERNAL, "the starter is gone");
	return true;
}

static bool tie(struct child *child, const struct step *step, struct err *e)
{
	(void)step;
	/* What the caller of guscio left open must not reach the program. */
	return child_tie_to_parent(child, e) && fds_close_on_exec_from(3, e);
}

static bool await_go(struct child *child, const struct step *step, struct err *e)
{
	struct msg m;
	(void)step;
	switch (msg_receive(child->wire_fd, &m, NULL, NULL, e)) {
	case MSG_GOT_RECORD:
		if (m.kind == MSG_GO)
			return true;
		return err_msg(e, ERR_INTERNAL, "expected GO, got record %u", m.kind);
	case MSG_GOT_EOF:
		return err_msg(e, ERR_INTERNAL, "the starter is gone");
	default:
		return false;
	}
}

static bool loopback(struct child *child, const struct step *step, struct err *e)
{
	(void)child;
	(void)step;
	return netif_up("lo", e);
}

/*
 * A mount that hangs nowhere is dissolved when its last descriptor closes, which is in the
 * program's execve: that would wait for a grace period of its own, 0.1 ms. Attached to the
 * old tree it goes with that. Only now, since the host's mirror must not show it.
 */
static void hang_init_up(struct child *child)
{
	char path[4096];
	struct err ignored;
	if (child->init_fd < 0)
		return;
	snprintf(path, sizeof(path), "%s/guscio-init", child->plan->host->helper_dir);
	mount_attach(child->init_fd, AT_FDCWD, path, &ignored);
}

static bool pivot_early(struct child *child, const struct step *step, struct err *e)
{
	(void)step;
	hang_init_up(child);
	return mount_pivot_below(child->root_fd, e);
}

static bool detach_old_root(struct child *child, const struct step *step, struct err *e)
{
	(void)step;
	if (!plan_has_thread(child->plan))
		return mount_detach_old_root(e);
	return aside_detach_old_root(&child->aside, child->aside_stack, e);
}

static bool pivot(struct child *child, const struct step *step, struct err *e)
{
	return pivot_early(child, step, e) && detach_old_root(child, step, e);
}

static bool finish_aside(struct child *child, const struct step *step, struct err *e)
{
	(void)step;
	return aside_finish(&child->aside, e);
}

static bool set_hostname(struct child *child, const struct step *step, struct err *e)
{
	(void)child;
	if (sethostname(step->text, strlen(step->text)) < 0)
		return err_sys(e, "set host name '%s'", step->text);
	return true;
}

static bool set_domainname(struct child *child, const struct step *step, struct err *e)
{
	(void)child;
	if (setdomainname(step->text, strlen(step->text)) < 0)
		return err_sys(e, "set domain name '%s'", step->text);
	return true;
}

static bool visit(struct child *child, const struct step *step, struct err *e)
{
	(void)step;
	return child->plan->visit(child, child->plan->visit_argument, e);
}

/* lint: table */
static child_step *const steps[STEP_KINDS] = {
	[STEP_TIE] = tie,
	[STEP_CGROUP_NAMESPACE] = child_cgroup_namespace,
	[STEP_OPEN_ROOT] = child_open_root,
	[STEP_OPEN_SOURCE] = child_open_source,
	[STEP_OPEN_INIT] = child_open_init,
	[STEP_AWAIT_GO] = await_go,
	[STEP_BECOME_ROOT] = child_become_root,
	[STEP_ENTER_ROOT] = child_enter_root,
	[STEP_ROOT_BIND] = child_root_bind,
	[STEP_ROOT_OVERLAY] = child_root_overlay,
	[STEP_ROOT_TMPFS] = child_root_tmpfs,
	[STEP_MIRROR_HOST] = child_mirror_host,
	[STEP_SKELETON] = child_skeleton,
	[STEP_MOUNT] = child_mount,
	[STEP_MOUNT_LATE] = child_mount,
	[STEP_AWAIT_FILES] = await_go,
	[STEP_MOUNT_FILES] = child_mount,
	[STEP_LOOPBACK] = loopback,
	[STEP_NETWORK_BEGIN] = child_network_begin,
	[STEP_NETWORK_BEGIN_LATE] = child_network_begin,
	[STEP_NETWORK_ADOPT] = child_network_adopt,
	[STEP_NETWORK_DEVICE] = child_network_device,
	[STEP_NETWORK_DEFAULTS] = child_network_defaults,
	[STEP_NETWORK_READY] = child_network_ready,
	[STEP_NETWORK_BRIDGE] = child_network_bridge,
	[STEP_SECRETS] = child_secrets,
	[STEP_PIVOT_EARLY] = pivot_early,
	[STEP_OLD_ROOT] = detach_old_root,
	[STEP_PIVOT] = pivot,
	[STEP_ASIDE_DONE] = finish_aside,
	[STEP_ASIDE_DONE_LATE] = finish_aside,
	[STEP_TIME] = child_time,
	[STEP_HOSTNAME] = set_hostname,
	[STEP_DOMAINNAME] = set_domainname,
	[STEP_SYSCTL] = child_sysctl,
	[STEP_MASK_EARLY] = child_mask,
	[STEP_READONLY_EARLY] = child_readonly_paths,
	[STEP_MASK_SYS] = child_mask,
	[STEP_MASK] = child_mask,
	[STEP_READONLY_PATHS] = child_readonly_paths,
	[STEP_ROOT_READONLY] = child_root_readonly,
	[STEP_USER_EARLY] = child_look_up_user,
	[STEP_USER] = child_look_up_user,
	[STEP_TERMINAL_EARLY] = child_terminal,
	[STEP_TERMINAL] = child_terminal,
	[STEP_DIRECTORY] = child_directory,
	[STEP_RLIMITS] = child_rlimits,
	[STEP_FALLBACK] = child_fallback,
	[STEP_OOM_SCORE] = child_oom_score,
	[STEP_BOUNDING] = child_bounding,
	[STEP_PROGRAM_IDS] = child_program_ids,
	[STEP_NO_NEW_PRIVS] = child_no_new_privs,
	[STEP_INSTALL_FILTER] = child_install_filter,
	[STEP_VISIT] = visit,
	[STEP_EXEC] = child_exec,
};

void child_note(struct child *child, const char *fmt, ...)
{
	struct msg m = {.kind = MSG_NOTE};
	struct err ignored;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(m.err.what, sizeof(m.err.what), fmt, ap);
	va_end(ap);
	msg_send(child->wire_fd, &m, NULL, 0, &ignored);
}

static void fail(struct child *child, int step, struct err *e) __attribute__((noreturn));
static void fail(struct child *child, int step, struct err *e)
{
	struct msg m = {.kind = MSG_FAIL};
	struct err ignored;
	e->step = step;
	m.err = *e;
	msg_send(child->wire_fd, &m, NULL, 0, &ignored);
	_exit(err_exit_code(e)); /* lint: child */
}

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void child_main(struct child *child)
{
	const struct plan *plan = child->plan;
	struct progress *progress = child->progress;
	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = &plan->steps[i];
		struct err e = ERR_INIT;
		if (plan_actor(plan, step->kind) != ACTOR_CHILD)
			continue;
		atomic_store_explicit(&progress->child_step, (int)i, memory_order_relaxed);
		progress->step[i].begin_ns = now_ns();
		if (plan->record)
			fault_point("child", plan_rule(step->kind)->name);
		if (!steps[step->kind](child, step, &e))
			fail(child, (int)i, &e);
		progress->step[i].end_ns = now_ns();
	}
	_exit(0); /* of a plan that executes nothing; lint: child */
}
