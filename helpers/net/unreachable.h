/* SPDX-License-Identifier: Apache-2.0 */
/* unreachable.h - the word that a packet from inside does not get where it was sent */
#ifndef NET_UNREACHABLE_H
#define NET_UNREACHABLE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/* A word with headers, and as much of the packet as it quotes. */
#define UNREACHABLE_MAX 256

/* The gateway's addresses: from there the word comes. */
struct unreachable_own {
	struct in_addr gateway4;
	struct in6_addr gateway6;
};

enum unreachable_why { UNREACHABLE_NETWORK, UNREACHABLE_HOST, UNREACHABLE_PROHIBITED };

/*
 * unreachable_answer() - destination unreachable, to who sent a frame
 *			  [RFC 792; RFC 1812, 5.2.7.1; RFC 4443, 3.1]
 * @frame: may be cut off behind its headers
 * @out: room for UNREACHABLE_MAX
 * Returns its size; 0 for what is no IP packet with 8 bytes behind its header.
 */
size_t unreachable_answer(const uint8_t *frame, size_t size, const struct unreachable_own *own,
	enum unreachable_why why, uint8_t *out);

#endif
