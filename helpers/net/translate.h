/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate.h - TCP to the resolver's IPv6 address
 *
 * libslirp leads connections to a socket of ours for an IPv4 address only. So segments to the
 * resolver's IPv6 address are shown to it as if they went to the IPv4 one, from an address that
 * stands for the container's; what it answers to such a stand-in is changed back.
 */
#ifndef NET_TRANSLATE_H
#define NET_TRANSLATE_H

#include "net/neighbour.h"

#define TRANSLATE_MAX                                                                              \
	64 /* addresses that ask so; the one that was silent for longest makes room                \
	    */
#define TRANSLATE_ROOM	(FRAME_MAX + 20)
#define TRANSLATE_FIRST 240 /* 240.0.0.0/24: nobody's [RFC 1112, 4] */

struct translate_client {
	struct in6_addr address;
	uint8_t ethernet[12]; /* of its last frame */
	uint64_t last_use;    /* 0: none */
};

struct translate {
	struct frame_own own;
	uint64_t uses;
	struct translate_client clients[TRANSLATE_MAX];
};

/*
 * translate_in() - a frame that frame_look() calls FRAME_STREAM6
 * Returns the frame to take in its place, which lies in the same memory, or NULL when it is
 * damaged.
 */
uint8_t *translate_in(struct translate *t, uint8_t *frame, size_t *size);

/*
 * translate_out() - a frame of libslirp
 * @out: room for TRANSLATE_ROOM
 * True when it is for a stand-in; @ret_size is 0 then when it cannot be changed back.
 */
bool translate_out(const struct translate *t, const uint8_t *frame, size_t size, uint8_t *out,
	size_t *ret_size);

/* libslirp looks for a stand-in: any hardware address will do. */
bool translate_is_neighbour(const struct neighbour *who);

/* A container that sends from the address of a stand-in. */
bool translate_is_forged(const uint8_t *frame, size_t size);

#endif
