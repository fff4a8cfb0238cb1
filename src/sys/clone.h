/* SPDX-License-Identifier: Apache-2.0 */
/* clone.h - new processes and namespaces [clone(2), setns(2), unshare(2)] */
#ifndef SYS_CLONE_H
#define SYS_CLONE_H

#include "base/err.h"

#include <sys/types.h>

/*
 * clone_process() - fork into new namespaces, in one call
 * @flags: CLONE_NEW*, and CLONE_PARENT for a sibling; the kernel makes the user namespace first, so
 * that the others belong to it [user_namespaces(7)]
 * @cgroup_fd: the cgroup the child is born in; -1: the caller's
 * @ret_pid: 0 in the child
 * @ret_pid_fd: close-on-exec; only in the parent
 *
 * Context: single-threaded process; raw clone3 leaves libc's thread list alone.
 */
bool clone_process(uint64_t flags, int cgroup_fd, pid_t *ret_pid, int *ret_pid_fd, struct err *e);

/* A plain child, without libc's fork handlers; 0 in the child, -1 with errno on failure. */
pid_t clone_plain(void);

/*
 * clone_for_exec() - a child that executes a program, without a copy of our memory
 * @run: ends by execve(2) or _exit(2); until then this process stands still
 *
 * The child has memory, but not descriptors, in common with us: what it writes stays.
 * Returns its pid, or -1 with errno.
 */
pid_t clone_for_exec(int (*run)(void *), void *argument);

/* Close-on-exec for every descriptor from @first up, whoever opened it. */
bool fds_close_on_exec_from(unsigned first, struct err *e);

#endif
