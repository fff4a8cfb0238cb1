/* SPDX-License-Identifier: Apache-2.0 */
/* start.h - the parent's steps, one file a family */
#ifndef APPLY_START_H
#define APPLY_START_H

#include "apply/child.h"
#include "apply/ports.h"
#include "apply/proc.h"

struct starter {
	const struct plan *plan;
	struct proc proc;
	struct child child; /* filled before the clone, used after it on the other side */
	int child_wire_fd;
	bool is_between; /* this is the go-between … */
	int report_fd;	 /* … and this its way to say what came of it; else -1 */
	int scope_fd;	 /* what guscio-scope says, until it has; else -1 */
	pid_t scope_pid;
	struct open_ports ports; /* until they are handed over */
	struct network_of port_network;
	struct rlimit files_before; /* the limit before many ports raised it */
	struct notes *notes;
};

typedef bool parent_step(struct starter *s, const struct step *step, struct err *e);

parent_step parent_create_source; /* prepare.c */
parent_step parent_claim;
parent_step parent_scope; /* limits.c */
parent_step parent_cgroup;
parent_step parent_scope_cgroup;
parent_step parent_limit;
parent_step parent_record;
parent_step parent_overlay_directory;
parent_step parent_filter;
parent_step between_join;	   /* join.c */
parent_step between_network_enter; /* between.c */
parent_step between_network_cable;
parent_step parent_network_helper; /* network.c */
parent_step parent_network_bind;
parent_step parent_write_files; /* own_files.c */
parent_step parent_keep;	/* keep.c */
parent_step parent_enter;	/* enter.c */

/* The ids of a container below a named network's user namespace, written from in there. */
bool between_map_ids(struct starter *s, struct err *e);

parent_step parent_open_ports; /* port_steps.c */
parent_step parent_hold_network;
parent_step parent_serve_ports;
parent_step parent_ports_ready;
/* Waits, not for long, until the ports of a container that has ended are free again. */
void ports_release(struct proc *proc);

/* Ends what is left in the container's cgroup, and takes it away. */
void parent_release_cgroup(struct proc *proc);

/* Removes what parent_claim() and parent_write_files() made. */
void parent_release(const struct plan *plan, struct proc *proc);

#endif
