/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h - limits while the container runs and when it has ended */
#ifndef APPLY_LIMITS_H
#define APPLY_LIMITS_H

#include "apply/proc.h"

/* Writes one file of a cgroup. Errors: ERR_USAGE for what the kernel does not take. */
bool limit_write(int cgroup_fd, const struct limit_file *limit, struct err *e);

/*
 * limits_join() - this process into a running container's cgroup
 * By ourselves where that is allowed, else by the systemd that made its scope: from a login
 * session only it may. Beside the init, when that has divided the container's cgroup.
 */
bool limits_join(
	const struct host *host, const struct container *c, struct arena *a, struct err *e);

/* A note when the kernel killed for memory. Before the cgroup is taken away. */
void limits_report_oom(const struct plan *plan, const struct proc *proc, struct notes *notes);

#endif
