/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aside.h - a second thread for what the kernel takes long over
 *
 * Two things of a start are long and nobody's work but the kernel's: a network namespace takes as
 * long to make as everything else of a container, 0.6 ms, and who detaches the old root waits
 * for a grace period. The thread does both beside its maker, in this order. It has no libc of
 * its own: a failure is only noted, and the maker does the work itself then. Its id is a high
 * one where we may choose it, so that the process that is made next has the first one after ours.
 */
#ifndef SYS_ASIDE_H
#define SYS_ASIDE_H

#include "base/err.h"

#define ASIDE_STACK_SIZE 16384

enum aside_stage { ASIDE_IDLE, ASIDE_ASKED, ASIDE_MADE, ASIDE_DONE, ASIDE_FAILED };

/* Seen by both threads; zeroed before the first use. */
struct aside {
	_Atomic(unsigned) network;  /* enum aside_stage; MADE: it can be entered */
	_Atomic(unsigned) old_root; /* enum aside_stage */
	_Atomic(unsigned) defaults; /* enum aside_stage; MADE: who does it has begun */
	int network_fd;		    /* the namespace, from MADE on */
	int proc_fd;		    /* for the defaults; borrowed */
	const char *ping_groups;    /* likewise */
	bool has_thread;
};

/*
 * aside_network_begin() - begin to make a network namespace, and come back at once
 * @stack: ASIDE_STACK_SIZE bytes that stay until aside_finish() has come back; borrowed
 *
 * Context: a process without other threads, with CAP_SYS_ADMIN in its user namespace.
 */
void aside_network_begin(struct aside *aside, void *stack);

/* Enters the namespace, as soon as it is there. Its loopback may be down yet. */
bool aside_network_adopt(struct aside *aside, struct err *e);

/*
 * aside_network_defaults() - ask the thread to write them when the loopback is up
 * @proc_fd: the container's own /proc; @ping_groups: "LOW HIGH"; both borrowed until
 *           aside_network_has_defaults()
 * What the kernel refuses is left as it is.
 */
void aside_network_defaults(struct aside *aside, int proc_fd, const char *ping_groups);

/* Waits for them; false when the thread has not come to it: then it will not any more. */
bool aside_network_has_defaults(struct aside *aside);

/* Paths below /proc. */
#define PING_GROUPS_FILE "sys/net/ipv4/ping_group_range"
#define LOW_PORTS_FILE	 "sys/net/ipv4/ip_unprivileged_port_start"

/*
 * aside_detach_old_root() - begin to take away what lies over "/" after a pivot_root(2)
 * @stack: of a thread that is made now, if there is none yet; see above
 * Until aside_finish() it may still be there, unless no thread could be had.
 */
bool aside_detach_old_root(struct aside *aside, void *stack, struct err *e);

/* Comes back when the loopback is up, the old root is gone and the thread does nothing more. */
bool aside_finish(struct aside *aside, struct err *e);

#endif
