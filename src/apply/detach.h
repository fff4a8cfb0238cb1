/* SPDX-License-Identifier: Apache-2.0 */
/* detach.h - the starter of a container that stays becomes its monitor */
#ifndef APPLY_DETACH_H
#define APPLY_DETACH_H

#include "apply/proc.h"

/* Descriptors for the monitor; -1 for what there is not. */
struct monitor_fds {
	int output_fd, error_fd; /* we read what the program writes */
	int input_fd;		 /* the program reads what we write */
	int listen_fd;		 /* control socket */
	int client_fd;		 /* who waits for the program already */
	int report_fd;		 /* closes when the monitor has taken over */
};

/*
 * detach() - execute guscio-monitor in our place
 * @proc:   runs; its descriptors go over, with its locks
 * @bundle: the container's directory
 * @keep_fds, @n_keep: locks to be held while the container runs
 * Children survive the exec, and can still be waited for. Returns only on failure.
 */
bool detach(const struct plan *plan, struct proc *proc, const struct monitor_fds *fds,
	const char *bundle, const int *keep_fds, size_t n_keep, struct err *e);

#endif
