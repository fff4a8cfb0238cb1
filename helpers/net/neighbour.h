/* SPDX-License-Identifier: Apache-2.0 */
/*
 * neighbour.h - who has which hardware address
 *
 * libslirp remembers 16 neighbours of each family, and asks for the others anew each time: by
 * ARP and by neighbour solicitation [RFC 826, RFC 4861]. Whom we know we name ourselves.
 */
#ifndef NET_NEIGHBOUR_H
#define NET_NEIGHBOUR_H

#include "net/frame.h"

#define NEIGHBOURS_REMEMBERED 16 /* by libslirp 4.7, the oldest is forgotten first */
#define NEIGHBOUR_FRAME	      (FRAME_ETHERNET + 40 + 24)

struct neighbour {
	bool is_v6;
	struct in6_addr address; /* an IPv4 address in the first bytes, then nothing */
};

/* Does this frame of libslirp ask for somebody's hardware address? */
bool neighbour_is_wanted(const uint8_t *frame, size_t size, struct neighbour *ret);

/* The answer, as if @who had given it. Returns its size. */
size_t neighbour_answer(
	const struct neighbour *who, const uint8_t mac[6], uint8_t out[NEIGHBOUR_FRAME]);

/*
 * neighbour_is_claimed() - does libslirp learn a hardware address of this frame?
 * @ret, @ret_mac: whose, and which
 */
bool neighbour_is_claimed(
	const uint8_t *frame, size_t size, struct neighbour *ret, uint8_t ret_mac[6]);

#endif
