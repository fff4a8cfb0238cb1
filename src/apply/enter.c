/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enter.c - one more program in a container that runs
 *
 * The starter joins everything but the container's files; its child, born into the
 * pid namespace, joins these too. The starter is a process of its own that only waits:
 * its child must be reaped even while the caller's terminal has stopped the caller, or
 * the container's pid 1 could not end.
 *
 * The container may be hostile and sees the child before it has become the program.
 * It cannot reach into it: not dumpable, and its memory belongs to the host's user namespace
 * until exec [ptrace(2), CVE-2019-5736].
 */
#include "apply/child.h"
#include "apply/limits.h"
#include "apply/start.h"
#include "base/own.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef DEVPTS_SUPER_MAGIC
#define DEVPTS_SUPER_MAGIC 0x1cd1
#endif

/* What is started in the container counts for its limits; where that is forbidden it is said. */
static void enter_cgroup(struct starter *s)
{
	const struct container *record = s->plan->record;
	struct err why = ERR_INIT;
	if (!record || !record->cgroup[0] ||
		limits_join(s->plan->host, record, s->plan->spec->arena, &why))
		return;
	notes_add(s->notes, "the program runs outside the container's limits: %s", why.cause);
}

bool parent_enter(struct starter *s, const struct step *step, struct err *e)
{
	prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
	enter_cgroup(s);
	if (!step->enter.flags || setns(s->plan->enter_fd, (int)step->enter.flags) == 0) {
		/* The kernel clears the death signal when credentials change [prctl(2)]. */
		if (!s->plan->is_detached)
			prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L);
		return true;
	}
	int sys = errno;
	err_sys(e, "setns");
	if (sys == ESRCH)
		return err_what(e, ERR_STATE, "the container has ended");
	return err_what(e, ERR_HOST, "cannot enter the container's namespaces");
}

bool child_enter_root(struct child *child, const struct step *step, struct err *e)
{
	struct statfs fs;
	if (step->enter.flags && setns(child->plan->enter_fd, (int)step->enter.flags) < 0) {
		err_sys(e, "setns");
		return err_what(e, ERR_STATE, "cannot enter the container's root");
	}
	child->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (child->root_fd < 0)
		return err_sys(e, "open the container's root");
	if (!child->plan->spec->process.terminal)
		return true;
	/* What the container put in its place must not be taken for terminals. */
	child->pts_fd = open("/dev/pts", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (child->pts_fd >= 0 &&
		(fstatfs(child->pts_fd, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC))
		clean_fd(&child->pts_fd);
	return true;
}
