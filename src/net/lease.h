/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease.h - a place in a named network that runs
 *
 * Such a network is a user and a network namespace that its helper, guscio-net, keeps, with
 * a bridge in it and the helper's own device on the bridge. The helper alone knows who is
 * in it and gives out the addresses: a place lasts as long as the connection it was asked
 * over, and once a container is bound to it, as long as that lives. Nobody has to give it
 * back, so nobody killed can forget to.
 */
#ifndef NET_LEASE_H
#define NET_LEASE_H

#include "base/address.h"
#include "base/arena.h"
#include "net/record.h"

struct net_lease {
	const struct net_record *network;
	int control_fd; /* to the helper */
	int userns_fd;
	int netns_fd;
	struct address ip4, ip6; /* ip6 family 0: none */
};

#define NET_LEASE_INIT                                                                             \
	{                                                                                          \
		.control_fd = -1, .userns_fd = -1, .netns_fd = -1                                  \
	}

struct net_wish {
	struct address ip4, ip6; /* family 0: any */
	const uint8_t *mac;	 /* NULL: made of the address */
	const char *id;		 /* twelve digits */
	const struct strv *names;
};

/* Where the containers' addresses begin: before it are the gateway's and the resolver's. */
#define NET_NTH_MEMBER 3

/* The resolver's address: the second, or the first where the gateway has that. */
struct address net_resolver(const struct address_net *subnet, const struct address *gateway);

void net_lease_done(struct net_lease *lease);

/*
 * net_open() - the directory of a network that runs or is about to, locked for us
 * Two that start it at once: the second waits, and finds it running. While somebody removes
 * it nobody starts it, and the other way round.
 */
bool net_open(const char *runtime_dir, const char *name, int *ret_dir_fd, struct err *e);

/* How many places in it are taken, also by containers that are about to start. */
bool net_count_places(int dir_fd, size_t *ret, struct err *e);

/* What a network without places has left there. */
void net_forget(int take_dir_fd, const char *runtime_dir, const char *name);

/* False without error (e->kind ERR_NONE) when nobody listens. */
bool net_connect(int dir_fd, int *ret_fd, struct err *e);
/* The socket that a new helper listens on; one that nobody listens on any more makes room. */
bool net_listen(int dir_fd, int *ret_fd, struct err *e);

/*
 * net_join() - ask for a place
 * @lease: with its control_fd
 * Errors: ERR_STATE an address or name is taken, or none is left; ERR_NONE the helper has just
 * ended.
 */
bool net_join(struct net_lease *lease, const struct net_wish *wish, struct err *e);
/* The place lasts as long as the process of @pid_fd from now on. */
bool net_bind(const struct net_lease *lease, int pid_fd, struct err *e);

struct net_member {
	const char *id, *name, *ip4, *ip6;
};

struct net_members {
	struct net_member *v;
	size_t n;
};

/*
 * net_list_members() - the containers in a network; none where it does not run
 * Errors: ERR_STATE its helper does not answer.
 */
bool net_list_members(const char *runtime_dir, const char *name, struct arena *arena,
	struct net_members *ret, struct err *e);

#endif
