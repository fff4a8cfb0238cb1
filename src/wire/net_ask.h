/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_ask.h - what one may ask the helper of a named network
 *
 * Each a MSG_ASK record with the question in its value; the answer is MSG_DONE or MSG_FAIL.
 */
#ifndef WIRE_NET_ASK_H
#define WIRE_NET_ASK_H

#include "wire/msg.h"

enum net_ask {
	/*
	 * err.what "IP4 IP6 MAC" ("-": any), err.cause "ID NAME...": a place, which ends with the
	 * connection. DONE: err.what "IP4 IP6" ("-": none), descriptors of the user and the
	 * network namespace.
	 */
	NET_ASK_JOIN = 1,
	/* With a pidfd: the place of this connection ends with that process instead. */
	NET_ASK_BIND,
	/*
	 * NOTE for each place, err.what "ID NAME IP4 IP6" ("-": none) and value 1 when a
	 * container is bound to it, then DONE.
	 */
	NET_ASK_LIST,
};

#endif
