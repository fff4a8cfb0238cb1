/* SPDX-License-Identifier: Apache-2.0 */
/* netns.h - a new network namespace, made by a second thread [network_namespaces(7)] */
#ifndef SYS_NETNS_H
#define SYS_NETNS_H

#include "base/err.h"

#define NETNS_STACK_SIZE 16384

enum netns_stage { NETNS_NONE, NETNS_BEGUN, NETNS_MADE, NETNS_READY, NETNS_FAILED };

/* Seen by both threads; zeroed before the first use. */
struct netns_maker {
	_Atomic(unsigned) stage;
	int fd; /* the namespace, from NETNS_MADE on */
};

/*
 * netns_begin() - begin to make a network namespace, and come back at once
 * @stack: NETNS_STACK_SIZE bytes that stay until netns_finish() has come back; borrowed
 *
 * The kernel takes as long for it as for everything else of a container: 0.6 ms. A thread that
 * begins with one call and ends with its last one does that beside the caller. It has no libc
 * of its own: a failure is only noted, and netns_adopt() does the work itself then. Its id is
 * a high one, so that the process that is made next has the first one after ours.
 *
 * Context: a process without other threads, with CAP_SYS_ADMIN in its user namespace.
 */
void netns_begin(struct netns_maker *maker, void *stack);

/* Enters the namespace, as soon as it is there. Its loopback may be down yet. */
bool netns_adopt(struct netns_maker *maker, struct err *e);

/* Comes back when the loopback is up and the thread has done its last call. */
bool netns_finish(struct netns_maker *maker, struct err *e);

#endif
