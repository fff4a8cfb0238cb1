/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_command.h - running containers with a cgroup of their own, for stats, pause and update */
#ifndef CMD_CGROUP_COMMAND_H
#define CMD_CGROUP_COMMAND_H

#include "cmd/container_command.h"

struct running {
	const char *id, *name;
	const char *cgroup; /* below the mount */
	pid_t pid;	    /* its first process */
};

/*
 * running_get() - a running container by name, id or prefix, also one in the foreground
 * @ret_fd: its cgroup
 * Errors: ERR_STATE it does not run, or has no cgroup; the hint says how it gets one.
 */
bool running_get(struct container_command *c, const char *text, struct running *ret, int *ret_fd,
	struct err *e);

/* All that run and have one. @ret_without: how many run without. */
bool running_get_all(struct container_command *c, struct running **ret, size_t *ret_n,
	size_t *ret_without, struct err *e);

#endif
