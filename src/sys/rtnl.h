/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtnl.h - links, addresses and routes of the namespace we are in [rtnetlink(7)]
 *
 * Requests are collected and sent together: one socket, one send, few receives. A
 * request that fails ends the batch's success, but the kernel still does the others.
 */
#ifndef SYS_RTNL_H
#define SYS_RTNL_H

#include "base/address.h"
#include "base/err.h"

#define RTNL_BATCH_SIZE 4096
#define RTNL_BATCH_MAX	16

struct rtnl {
	_Alignas(8) char buf[RTNL_BATCH_SIZE];
	size_t n;
	uint32_t count;
	const char *what[RTNL_BATCH_MAX]; /* of each request, for its error */
};

struct rtnl_link {
	uint32_t mtu;	    /* 0: as it is */
	uint32_t txqlen;    /* 0: as it is */
	const uint8_t *mac; /* six bytes; NULL: as it is */
	int master;	    /* index of a bridge; 0: none */
	bool is_up;
	bool no_link_local; /* no fe80:: address of its own, and so no router solicitations */
};

void rtnl_link_set(struct rtnl *r, int index, const struct rtnl_link *link);
/* Usable at once: nobody else is there that duplicates could be detected of. */
void rtnl_address_add(struct rtnl *r, int index, const struct address *a, unsigned prefix);
/* The way to everywhere; @gateway must be reachable through the link. */
void rtnl_route_default(struct rtnl *r, int index, const struct address *gateway);
/* @mac is where @a is, whatever others answer. */
void rtnl_neighbour_add(struct rtnl *r, int index, const struct address *a, const uint8_t mac[6]);
/* Without multicast snooping: one member that asks for groups would decide what others hear. */
void rtnl_bridge_add(struct rtnl *r, const char *name);
/* The bridge believes @mac to be behind this port, and learns nothing from what comes in there. */
void rtnl_port_fix(struct rtnl *r, int index, const uint8_t mac[6]);
/* A pair of devices; the peer is made in the namespace that @peer_ns_fd stands for. */
void rtnl_veth_add(struct rtnl *r, const char *name, const char *peer_name,
	const uint8_t peer_mac[6], int peer_ns_fd);
void rtnl_link_delete(struct rtnl *r, int index);

/*
 * rtnl_send() - carry the batch out
 * Errors: of the first request that failed, with what it was.
 */
bool rtnl_send(struct rtnl *r, struct err *e);

/* Index of a device by name [netdevice(7)]. */
bool rtnl_find(const char *name, int *ret_index, struct err *e);

#endif
