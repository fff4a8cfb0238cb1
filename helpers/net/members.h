/* SPDX-License-Identifier: Apache-2.0 */
/*
 * members.h - the containers of a named network: their addresses and names
 *
 * Whoever is asked for a place here [wire/net_ask.h] has it as long as its connection, and
 * from the bind on as long as its container. When the last one has gone, so does the network.
 */
#ifndef NET_MEMBERS_H
#define NET_MEMBERS_H

#include "net/loop.h"
#include "net/neighbour.h"
#include "net/settings.h"

#define MEMBERS_MAX	    1024  /* connections and places */
#define MEMBERS_PATIENCE_MS 10000 /* for the first one */

struct members;

/* Fewer where few descriptors are allowed: each needs two. */
size_t members_max(const struct net_settings *settings);

/*
 * members_new() - listen on settings->control_fd
 * @names: gets the members' names
 * @take_userns_fd, @take_netns_fd: what each member gets a copy of
 */
struct members *members_new(struct loop *loop, const struct net_settings *settings,
	struct names *names, int take_userns_fd, int take_netns_fd, struct err *e);

/* The hardware address of the member who has this address; false for nobody. */
bool members_find(const struct members *m, const struct neighbour *who, uint8_t ret_mac[6]);

/* Milliseconds until it is over without anybody having come, or -1. */
int members_timeout(const struct members *m, int64_t now_ms);
/* Nobody is left, or nobody came. */
bool members_are_over(const struct members *m, int64_t now_ms);

#endif
