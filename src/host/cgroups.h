/* SPDX-License-Identifier: Apache-2.0 */
/* cgroups.h - where this process stands among control groups, and what it may do there */
#ifndef HOST_CGROUPS_H
#define HOST_CGROUPS_H

#include "base/arena.h"

#include <sys/types.h>

enum cgroup_version { CGROUPS_NONE, CGROUPS_V1, CGROUPS_V2 };

struct cgroup_facts {
	enum cgroup_version version;
	const char *own;	  /* this process's cgroup, below the mount; NULL: unknown */
	const char *delegated;	  /* a cgroup that is ours to divide; NULL: none */
	const char *controllers;  /* what its children can be given: "cpu memory pids" */
	const char *manager;	  /* the socket of the user's systemd; NULL: there is none */
	const char *managed;	  /* what the scopes that it makes can be given */
	const char *cpus_online;  /* "0-3" */
	const char *nodes_online; /* of memory */
};

/* The name of the cgroup that our own processes move into, out of their children's way. */
#define CGROUP_LEAF "guscio-self"

/*
 * cgroups_find() - fill @ret; what cannot be found stays NULL
 * @is_ours: the cgroup that we are in was handed on to us, though no mark says so
 * @runtime_base: $XDG_RUNTIME_DIR or what stands for it
 * @helper: the program that asks the manager; without it there is none
 */
void cgroups_find(uid_t uid, bool is_ours, const char *runtime_base, const char *helper,
	struct arena *arena, struct cgroup_facts *ret);

#endif
