/* SPDX-License-Identifier: Apache-2.0 */
/*
 * held.h - what of a stream came before its turn
 *
 * A veth pair hands frames on from whichever processor sends, so that two may change places on
 * their way. Who dropped the second one would let the sender wait for its timer; who holds it,
 * and tells so [RFC 2018], is only sent what is really missing.
 */
#ifndef NET_HELD_H
#define NET_HELD_H

#include <stdbool.h>
#include <stdint.h>

#define HELD_MAX 4 /* pieces: as many as a segment's options have room for */

struct held_piece {
	uint32_t from, to; /* sequence numbers; @to is not in it */
};

struct held {
	unsigned n;
	struct held_piece pieces[HELD_MAX]; /* apart from each other, the latest first */
	bool has_end;			    /* the stream's end is known, though not its turn yet */
	uint32_t end;
};

/*
 * held_add() - one more piece
 * Joined with those that it touches. False: there are too many, and it is forgotten.
 */
bool held_add(struct held *h, uint32_t from, uint32_t to);

/*
 * held_reach() - how far the stream goes without a hole
 * @heard: all before it was heard. What is before the number returned is no longer held.
 */
uint32_t held_reach(struct held *h, uint32_t heard);

#endif
