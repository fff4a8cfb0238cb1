/* SPDX-License-Identifier: Apache-2.0 */
/* build.h - the parts of plan_build(), one file each */
#ifndef PLAN_BUILD_H
#define PLAN_BUILD_H

#include "plan/plan.h"

/* A zeroed step at the end of the plan. */
struct step *plan_add(struct plan *plan, enum step_kind kind);
/* Puts the steps into the order of their kinds; steps of one kind keep theirs. */
void plan_sort(struct plan *plan);

/* Cgroup, limits, and what stands for them (limits.c). */
bool plan_add_limits(struct plan *plan, struct notes *notes, struct err *e);

/* Mount steps of everything in the spec, with the binds' sources. */
bool plan_add_mounts(struct plan *plan, struct err *e);

/* The root: a directory, an overlay over it, or the host's programs in memory. */
bool plan_add_root(struct plan *plan, struct err *e);

/* The network device, its helper and what the namespace allows. */
bool plan_add_network(struct plan *plan, struct notes *notes, struct err *e);

/* Published ports: their sockets, and who serves them. */
void plan_add_ports(struct plan *plan);
/* Addresses and helper of a named network's own start. */
void plan_set_network(struct plan *plan, const struct net_record *network, int control_fd);
/* The go-between's step, once. */
void plan_add_between(struct plan *plan);
/* The words that start guscio-net. */
void plan_network_helper(struct plan *plan, const char *title);

/* Its maps, the go, and root inside. */
void plan_add_ids(struct plan *plan);

/* From the user's look-up on: session, terminal, privileges, exec. */
void plan_add_process(struct plan *plan);

/* Where execve looks, and the environment it gets. */
void plan_set_program(struct plan *plan);

#endif
