/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start.c - the parent's side of a start
 *
 * Actors: the parent walks its steps up to GO and then only listens; the child
 * (child.c) walks its own. Stages: until STEP_CLONE a failure leaves nothing but
 * files to take back; from there on struct proc owns a process, and every
 * failure drops it. The parent must not touch the child's namespaces after GO, and
 * must not print: errors of both sides come out of start() as one value.
 */
#include "apply/start.h"
#include "base/fault.h"
#include "base/own.h"
#include "sys/clone.h"
#include "sys/idmap.h"
#include "sys/spawn.h"
#include "sys/tty.h"
#include "wire/msg.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void become_child(struct starter *s) __attribute__((noreturn));
static void become_child(struct starter *s)
{
	/* The parent's ends: the child must see end-of-file when the parent dies. */
	clean_fd(&s->proc.wire_fd);
	clean_fd(&s->proc.lock_fd);
	clean_fd(&s->proc.overlay_lock_fd);
	clean_fd(&s->proc.cgroup_fd);
	clean_fd(&s->proc.notify_fd);
	clean_fd(&s->proc.cgroup_parent_fd);
	/* Or nobody would see that the go-between has died. */
	clean_fd(&s->report_fd);
	clean_fd(&s->proc.port_fd);
	ports_close(&s->ports);
	s->child.wire_fd = s->child_wire_fd;
	s->child.net_fd = s->proc.net_fd;
	child_main(&s->child);
}

static bool make_wire(struct starter *s, struct err *e)
{
	int wire[2];
	if (!msg_pair(wire, e))
		return false;
	s->proc.wire_fd = wire[0];
	s->child_wire_fd = wire[1];
	return true;
}

static bool clone_child(struct starter *s, const struct step *step, struct err *e)
{
	uint64_t flags = s->plan->clone_flags | (s->is_between ? CLONE_PARENT : 0);
	pid_t pid;
	(void)step;
	/* A go-between has found it made: its other end is the parent's. */
	if (!s->is_between && !make_wire(s, e))
		return false;
	if (!clone_process(flags, s->proc.cgroup_fd, &pid, &s->proc.pid_fd, e)) {
		int sys = e->sys;
		clean_fd(&s->child_wire_fd);
		err_what(e, ERR_HOST, "cannot make namespaces");
		if (sys == EPERM || sys == EACCES || sys == ENOSPC || sys == EINVAL)
			err_hint(e, "see what forbids user namespaces here with: guscio doctor");
		/* What our own filter says of it, and that of others. */
		if (sys == ENOSYS)
			err_hint(e, "in a container of guscio's: start that one with --nest");
		return false;
	}
	if (pid == 0)
		become_child(s);
	s->proc.pid = pid;
	clean_fd(&s->child_wire_fd);
	return true;
}

static bool map_ids(struct starter *s, const struct step *step, struct err *e)
{
	const struct plan *plan = s->plan;
	bool by_helpers = plan->ids.rung == MAP_HELPERS;
	struct idmap_write maps = {.uid = &plan->ids.uid,
		.gid = &plan->ids.gid,
		.newuidmap = by_helpers ? plan->host->newuidmap : NULL,
		.newgidmap = by_helpers ? plan->host->newgidmap : NULL,
		.deny_setgroups = plan->ids.rung == MAP_SINGLE};
	(void)step;
	if (plan->net.lease)
		return between_map_ids(s, e);
	return idmap_write_from_parent(s->proc.pid, &maps, e);
}

static bool go(struct starter *s, const struct step *step, struct err *e)
{
	struct msg m = {.kind = MSG_GO};
	struct err gone = ERR_INIT;
	(void)step;
	/* A child that failed early has said why: that is read below. */
	if (!msg_send(s->proc.wire_fd, &m, NULL, 0, &gone) && gone.sys != EPIPE)
		return *e = gone, false;
	return true;
}

static bool walk(struct starter *s, enum actor actor, struct err *e);

static void be_between(struct starter *s) __attribute__((noreturn));
static void be_between(struct starter *s)
{
	struct msg m = {.kind = MSG_DONE};
	struct err ignored;
	clean_fd(&s->proc.wire_fd);
	s->is_between = true;
	m.err = (struct err)ERR_INIT;
	if (!walk(s, ACTOR_BETWEEN, &m.err))
		m.kind = MSG_FAIL;
	/* Also of one that failed later on: the child is the parent's, to reap as well. */
	m.value = (uint64_t)s->proc.pid;
	msg_send(s->report_fd, &m, &s->proc.pid_fd, s->proc.pid_fd >= 0, &ignored);
	_exit(0); /* lint: child */
}

static bool take_report(struct starter *s, int report_fd, struct err *e)
{
	struct msg m;
	int fds[MSG_FDS_MAX];
	size_t n_fds = 0;
	switch (msg_receive(report_fd, &m, fds, &n_fds, e)) {
	case MSG_GOT_EOF:
		return err_msg(e, ERR_INTERNAL, "the go-between ended without a word");
	case MSG_GOT_ERROR:
		return false;
	case MSG_GOT_RECORD:
		break;
	}
	s->proc.pid = (pid_t)m.value;
	if (n_fds > 0)
		s->proc.pid_fd = fds[0];
	return m.kind == MSG_DONE || (*e = m.err, false);
}

static bool send_between(struct starter *s, const struct step *step, struct err *e)
{
	CLEAN(clean_fd) int report_fd = -1;
	int report[2];
	(void)step;
	if (!make_wire(s, e) || !msg_pair(report, e))
		return false;
	report_fd = report[0];
	pid_t pid = clone_plain();
	if (pid == 0) {
		s->report_fd = report[1];
		clean_fd(&report_fd);
		be_between(s);
	}
	close(report[1]);
	clean_fd(&s->child_wire_fd);
	if (pid < 0)
		return err_sys(e, "fork");
	bool ok = take_report(s, report_fd, e);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return ok;
}

static parent_step *const steps[STEP_KINDS] = {
	[STEP_SCOPE] = parent_scope,
	[STEP_CGROUP] = parent_cgroup,
	[STEP_LIMIT] = parent_limit,
	[STEP_SCOPE_CGROUP] = parent_scope_cgroup,
	[STEP_SCOPE_LIMIT] = parent_limit,
	[STEP_CREATE_SOURCE] = parent_create_source,
	[STEP_CLAIM] = parent_claim,
	[STEP_WRITE_FILES] = parent_write_files,
	[STEP_OVERLAY_DIRECTORY] = parent_overlay_directory,
	[STEP_NETWORK_HELPER] = parent_network_helper,
	[STEP_OPEN_PORTS] = parent_open_ports,
	[STEP_HOLD_NETWORK] = parent_hold_network,
	[STEP_SERVE_PORTS] = parent_serve_ports,
	[STEP_PORTS_READY] = parent_ports_ready,
	[STEP_FILTER] = parent_filter,
	[STEP_BETWEEN] = send_between,
	[STEP_JOIN] = between_join,
	[STEP_NETWORK_ENTER] = between_network_enter,
	[STEP_NETWORK_CABLE] = between_network_cable,
	[STEP_NETWORK_BIND] = parent_network_bind,
	[STEP_ENTER] = parent_enter,
	[STEP_KEEP] = parent_keep,
	[STEP_CLONE] = clone_child,
	[STEP_FILES_READY] = go,
	[STEP_RECORD] = parent_record,
	[STEP_MAP_IDS] = map_ids,
	[STEP_GO] = go,
};

static bool walk(struct starter *s, enum actor actor, struct err *e)
{
	const struct plan *plan = s->plan;
	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = &plan->steps[i];
		if (plan_actor(plan, step->kind) != actor)
			continue;
		s->proc.progress->step[i].begin_ns = now_ns();
		if (plan->record)
			fault_point("start", plan_rule(step->kind)->name);
		if (!steps[step->kind](s, step, e)) {
			if (e->step < 0)
				e->step = (int)i;
			return false;
		}
		s->proc.progress->step[i].end_ns = now_ns();
	}
	return true;
}

/* The child ended without a word: say where, and of what. */
static bool explain_silence(struct starter *s, struct err *e)
{
	int status = 0;
	int step = atomic_load_explicit(&s->proc.progress->child_step, memory_order_relaxed);
	while (waitpid(s->proc.pid, &status, 0) < 0 && errno == EINTR)
		;
	s->proc.pid = 0;
	if (WIFSIGNALED(status))
		err_msg(e, ERR_INTERNAL, "the setup process was killed by signal %d",
			WTERMSIG(status));
	else
		err_msg(e, ERR_INTERNAL, "the setup process ended with status %d",
			WEXITSTATUS(status));
	e->step = step;
	return false;
}

static void take_note(struct starter *s, const struct msg *m, const int *fds, size_t n_fds)
{
	if (n_fds > 0 && s->proc.pty_fd < 0)
		s->proc.pty_fd = fds[0];
	else if (n_fds > 0)
		close(fds[0]);
	for (size_t i = 1; i < n_fds; i++)
		close(fds[i]);
	if (m->err.what[0])
		notes_add(s->notes, "%s", m->err.what);
}

/*
 * Nothing of ours fails any more but execve, which would say so. A child that makes a
 * network executes nothing: it has done its last step.
 */
static bool is_execing(const struct starter *s)
{
	const struct progress *progress = s->proc.progress;
	int step = atomic_load_explicit(&progress->child_step, memory_order_acquire);
	enum step_kind kind = s->plan->steps[step].kind;
	return kind == STEP_EXEC ||
	       ((kind == STEP_NETWORK_BRIDGE || kind == STEP_VISIT) && progress->step[step].end_ns);
}

/* Until end-of-file: in the last step that means that the program runs. */
static bool listen(struct starter *s, struct err *e)
{
	for (;;) {
		struct msg m;
		int fds[MSG_FDS_MAX];
		size_t n_fds = 0;
		switch (msg_receive(s->proc.wire_fd, &m, fds, &n_fds, e)) {
		case MSG_GOT_ERROR:
			return false;
		case MSG_GOT_EOF:
			return is_execing(s) || explain_silence(s, e);
		case MSG_GOT_RECORD:
			break;
		}
		if (m.kind == MSG_FAIL) {
			*e = m.err;
			return false;
		}
		if (m.kind == MSG_NOTE)
			take_note(s, &m, fds, n_fds);
	}
}

/* When both sides fail, the child's words come first: ours are mostly about its absence. */
static void prefer_childs_words(struct starter *s, struct err *e)
{
	struct pollfd wire = {.fd = s->proc.wire_fd, .events = POLLIN};
	struct err child = ERR_INIT;
	struct msg m;
	if (s->proc.pid <= 0)
		return;
	while (poll(&wire, 1, 0) > 0 &&
		msg_receive(s->proc.wire_fd, &m, NULL, NULL, &child) == MSG_GOT_RECORD)
		if (m.kind == MSG_FAIL)
			*e = m.err;
}

static bool make_progress(struct starter *s, struct err *e)
{
	size_t size =
		sizeof(struct progress) + s->plan->n_steps * sizeof(s->proc.progress->step[0]);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return err_sys(e, "map %zu bytes", size);
	s->proc.progress = page;
	s->proc.progress_size = size;
	s->proc.progress->start_ns = now_ns();
	return true;
}

/*
 * Beside the descriptors, which are written to before there is a second thread: the first write to
 * a page of the starter's beside that would have to interrupt its processor, 20 us.
 */
static char **copy_environment(const struct plan *plan, struct arena *arena)
{
	size_t n = plan->envp ? plan->home_place : 0;
	char **copy = arena_array(arena, n + 2 + PLAN_LOGIN_ENV, sizeof(char *));
	for (size_t i = 0; i < n; i++)
		copy[i] = plan->envp[i];
	return copy;
}

static void fill_child(struct starter *s)
{
	struct arena *arena = s->plan->spec->arena;
	s->child = (struct child){.plan = s->plan,
		.wire_fd = -1,
		.net_fd = -1,
		.progress = s->proc.progress,
		.mask_before = s->proc.mask_before,
		.ignored = s->proc.ignored,
		.init_fd = -1,
		.root_fd = -1,
		.proc_fd = -1,
		.sys_fd = -1,
		.dev_fd = -1,
		.pts_fd = -1,
		.empty_fd = -1};
	s->child.filter = (struct seccomp_filter){0};
	s->child.has_window = tty_size(STDIN_FILENO, &s->child.window) ||
			      tty_size(STDOUT_FILENO, &s->child.window);
	s->child.slots = arena_array(arena, s->plan->n_slots + 1, sizeof(int));
	s->child.envp = copy_environment(s->plan, arena);
	/* Last: behind a megabyte each, everything else would lie on pages of its own. */
	s->child.passwd_text = arena_alloc(arena, PASSWD_SIZE_MAX);
	s->child.group_text = arena_alloc(arena, PASSWD_SIZE_MAX);
	s->child.aside_stack = arena_alloc(arena, ASIDE_STACK_SIZE);
	for (size_t i = 0; i < s->plan->n_slots; i++)
		s->child.slots[i] = -1;
}

bool start(const struct plan *plan, struct proc *ret, struct notes *notes, struct err *e)
{
	struct starter s = {.plan = plan,
		.proc = PROC_INIT,
		.child_wire_fd = -1,
		.report_fd = -1,
		.scope_fd = -1,
		.port_network = NETWORK_OF_NONE,
		.notes = notes};
	sigset_t all;
	/* Before the clone: from its first instruction on the child has them blocked too. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &s.proc.mask_before);
	s.proc.has_mask = true;
	signals_ignored(&s.proc.ignored);
	bool ok = make_progress(&s, e);
	if (ok) {
		fill_child(&s);
		ok = walk(&s, ACTOR_PARENT, e);
		if (!ok)
			prefer_childs_words(&s, e);
		ok = ok && listen(&s, e);
	}
	ports_close(&s.ports);
	network_close(&s.port_network);
	clean_fd(&s.scope_fd);
	if (!ok) {
		if (!e->what[0] && e->step >= 0)
			err_what(e, e->kind, "cannot start the container: step '%s'",
				plan_rule(plan->steps[e->step].kind)->name);
		else if (!e->what[0])
			err_what(e, e->kind, "cannot start the container");
		proc_drop(plan, &s.proc);
		return false;
	}
	clean_fd(&s.proc.wire_fd);
	*ret = s.proc;
	return true;
}

void proc_drop(const struct plan *plan, struct proc *proc)
{
	int saved = errno;
	bool has_failed = proc->pid > 0;
	if (has_failed) {
		kill(proc->pid, SIGKILL);
		while (waitpid(proc->pid, NULL, 0) < 0 && errno == EINTR)
			;
		proc->pid = 0;
	}
	/*
	 * It ends by itself with the container, but not at once: what programs said last still
	 * goes out, and its device goes together with the network namespace, for which the
	 * kernel takes its time. Nobody waits for that.
	 */
	if (has_failed && proc->net_pid > 0)
		kill(proc->net_pid, SIGKILL);
	clean_fd(&proc->pid_fd);
	clean_fd(&proc->wire_fd);
	clean_fd(&proc->pty_fd);
	clean_fd(&proc->net_fd);
	ports_release(proc);
	clean_fd(&proc->notify_fd);
	parent_release_cgroup(proc);
	parent_release(plan, proc);
	if (proc->net_pid > 0)
		waitpid(proc->net_pid, NULL, WNOHANG);
	proc->net_pid = 0;
	clean_fd(&proc->lock_fd);
	clean_fd(&proc->overlay_lock_fd);
	if (proc->progress)
		munmap(proc->progress, proc->progress_size);
	proc->progress = NULL;
	/* Last: what was pending may end us now, with nothing left to take back. */
	if (proc->has_mask)
		sigprocmask(SIG_SETMASK, &proc->mask_before, NULL);
	proc->has_mask = false;
	errno = saved;
}

const char *proc_trace(const struct plan *plan, const struct proc *proc)
{
	const struct progress *p = proc->progress;
	size_t size = 160 * (plan->n_steps + 2), n = 0;
	char *text = arena_alloc(plan->spec->arena, size);
	char detail[64];
	n += (size_t)snprintf(text, size, "%9s %8s  %-7s %-13s %s\n", "at us", "took us", "actor",
		"phase", "step");
	for (size_t i = 0; i < plan->n_steps && n < size; i++) {
		const struct step_rule *rule = plan_rule(plan->steps[i].kind);
		uint64_t begin = p->step[i].begin_ns, end = p->step[i].end_ns;
		char took[16] = "-"; /* exec does not come back */
		if (end)
			snprintf(took, sizeof(took), "%.0f", (double)(end - begin) / 1000);
		plan_step_describe(plan, &plan->steps[i], detail, sizeof(detail));
		n += (size_t)snprintf(text + n, size - n, "%9.0f %8s  %-7s %-13s %s %s\n",
			(double)(begin - p->start_ns) / 1000, took,
			plan_actor_name(plan_actor(plan, plan->steps[i].kind)),
			plan_phase_name(rule->phase), rule->name, detail);
	}
	return text;
}
