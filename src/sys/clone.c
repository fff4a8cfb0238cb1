/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/clone.h"

#include <linux/close_range.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

bool clone_process(uint64_t flags, int cgroup_fd, pid_t *ret_pid, int *ret_pid_fd, struct err *e)
{
	int pid_fd = -1;
	struct clone_args args = {.flags = flags | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pid_fd,
		/* A sibling tells our parent as we would: the kernel insists [clone(2)]. */
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD};
	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
	}
	long pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		return err_sys(e, "clone3");
	*ret_pid = (pid_t)pid;
	if (pid > 0)
		*ret_pid_fd = pid_fd;
	return true;
}

pid_t clone_plain(void)
{
	return _Fork();
}

/* What the child's calls need; only the pages that they touch are ever there. */
#define STACK_SIZE 131072

pid_t clone_for_exec(int (*run)(void *), void *argument)
{
	/*
	 * vfork(2) by hand: the same system call as a plain fork, so that no filter of the
	 * user's takes offence, and a stack of its own, since libc's own wrapper needs one.
	 */
	char stack[STACK_SIZE] __attribute__((aligned(16)));
	return clone(run, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, argument);
}

bool fds_close_on_exec_from(unsigned first, struct err *e)
{
	if (syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return err_sys(e, "mark descriptors close-on-exec");
	return true;
}
