/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fragment.h - puts the pieces of a datagram together, of both families
 *
 * libslirp 4.7 can be made to write where it should not by pieces of IPv4, and knows none of
 * IPv6: it gets whole packets only. Pieces that overlap spoil their datagram [RFC 5722]; the
 * oldest of too many datagrams is forgotten, and there is no timer.
 */
#ifndef NET_FRAGMENT_H
#define NET_FRAGMENT_H

#include "net/frame.h"

#define FRAGMENTS_MAX 8 /* datagrams at once */

struct fragments;

struct fragments *fragments_new(void);
void fragments_free(struct fragments *all);

/*
 * fragments_add() - one piece
 * @bytes: a frame that frame_look() calls FRAME_FRAGMENT
 * @ret_size: size of the result
 * Returns the whole frame when this piece was the last that was missing, else NULL. It is
 * valid until the next call.
 */
uint8_t *fragments_add(struct fragments *all, const uint8_t *bytes, size_t size, size_t *ret_size);

#endif
