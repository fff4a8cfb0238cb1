/* SPDX-License-Identifier: Apache-2.0 */
#include "net/held.h"

#include <string.h>

static bool is_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static void forget(struct held *h, unsigned i)
{
	memmove(h->pieces + i, h->pieces + i + 1, (--h->n - i) * sizeof(*h->pieces));
}

bool held_add(struct held *h, uint32_t from, uint32_t to)
{
	for (unsigned i = 0; i < h->n;) {
		const struct held_piece piece = h->pieces[i];
		if (is_before(to, piece.from) || is_before(piece.to, from)) {
			i++;
			continue;
		}
		from = is_before(piece.from, from) ? piece.from : from;
		to = is_before(to, piece.to) ? piece.to : to;
		forget(h, i);
	}
	if (h->n == HELD_MAX)
		return false;
	memmove(h->pieces + 1, h->pieces, h->n++ * sizeof(*h->pieces));
	h->pieces[0] = (struct held_piece){from, to};
	return true;
}

uint32_t held_reach(struct held *h, uint32_t heard)
{
	for (unsigned i = 0; i < h->n;) {
		const struct held_piece piece = h->pieces[i];
		if (is_before(heard, piece.from)) {
			i++;
			continue;
		}
		heard = is_before(heard, piece.to) ? piece.to : heard;
		forget(h, i);
		i = 0; /* one before it may go on from there */
	}
	return heard;
}
