/* SPDX-License-Identifier: Apache-2.0 */
#include "net/fragment.h"
#include "base/own.h"
#include "net/wire_words.h"

#include <string.h>

#define BLOCKS	    (65536 / 8)
#define PAYLOAD_MAX (65535 - 40)

struct key {
	struct in6_addr from, to; /* an IPv4 address in the first bytes */
	uint32_t id;
	uint8_t is_v6, protocol;
};

struct datagram {
	struct key key;
	uint64_t age;	 /* 0: not in use */
	size_t total;	 /* of the payload; 0 until the last piece told it */
	size_t got, end; /* end: where what came ends */
	uint64_t blocks[BLOCKS / 64];
	uint8_t frame[FRAME_ETHERNET + 40 + PAYLOAD_MAX];
};

struct fragments {
	uint64_t age;
	struct datagram *list[FRAGMENTS_MAX];
};

struct piece {
	struct key key;
	size_t header; /* of the whole packet */
	size_t at, size;
	const uint8_t *payload;
	bool is_last;
};

struct fragments *fragments_new(void)
{
	return calloc(1, sizeof(struct fragments));
}

void fragments_free(struct fragments *all)
{
	for (size_t i = 0; all && i < FRAGMENTS_MAX; i++)
		free(all->list[i]);
	free(all);
}

/* frame_look() has checked that the headers are there and that the lengths fit. */
static bool read_piece(const uint8_t *bytes, struct piece *ret)
{
	const uint8_t *ip = bytes + FRAME_ETHERNET;
	unsigned offset;
	*ret = (struct piece){.key.is_v6 = ip[0] >> 4 == 6};
	if (ret->key.is_v6) {
		memcpy(&ret->key.from, ip + 8, 16);
		memcpy(&ret->key.to, ip + 24, 16);
		memcpy(&ret->key.id, ip + 44, 4);
		ret->key.protocol = ip[40];
		ret->header = 40;
		ret->payload = ip + 48;
		ret->size = get16(ip + 4) - 8;
		offset = get16(ip + 42);
		ret->at = offset & 0xfff8;
		ret->is_last = !(offset & 1);
	} else {
		memcpy(&ret->key.from, ip + 12, 4);
		memcpy(&ret->key.to, ip + 16, 4);
		memcpy(&ret->key.id, ip + 4, 2);
		ret->key.protocol = ip[9];
		ret->header = 20;
		ret->payload = ip + 20;
		ret->size = get16(ip + 2) - 20;
		offset = get16(ip + 6);
		ret->at = (size_t)(offset & 0x1fff) * 8;
		ret->is_last = !(offset & 0x2000);
	}
	/* Pieces of pieces would be put together where they lie. */
	return ret->size > 0 && ret->key.protocol != IPPROTO_FRAGMENT &&
	       (ret->is_last || ret->size % 8 == 0) && ret->header + ret->at + ret->size <= 65535;
}

static struct datagram *find(struct fragments *all, const struct key *key)
{
	struct datagram **oldest = &all->list[0];
	for (size_t i = 0; i < FRAGMENTS_MAX; i++) {
		struct datagram *d = all->list[i];
		if (d && d->age && !memcmp(&d->key, key, sizeof(*key)))
			return d;
	}
	for (size_t i = 0; i < FRAGMENTS_MAX; i++) {
		if (!all->list[i])
			all->list[i] = calloc(1, sizeof(struct datagram));
		if (!all->list[i])
			return NULL;
		if (all->list[i]->age < (*oldest)->age)
			oldest = &all->list[i];
		if (all->list[i]->age == 0)
			break;
	}
	struct datagram *d = *oldest;
	d->key = *key;
	d->age = ++all->age;
	d->total = d->got = d->end = 0;
	memset(d->blocks, 0, sizeof(d->blocks));
	return d;
}

/* False when a part of it is there already, or it cannot belong to the others. */
static bool take(struct datagram *d, const struct piece *piece)
{
	size_t first = piece->at / 8, end = (piece->at + piece->size + 7) / 8;
	size_t piece_end = piece->at + piece->size;
	if (piece->is_last ? d->total || d->end > piece_end : d->total && piece_end > d->total)
		return false;
	for (size_t i = first; i < end; i++) {
		if (d->blocks[i / 64] >> (i % 64) & 1)
			return false;
		d->blocks[i / 64] |= 1ull << (i % 64);
	}
	if (piece->is_last)
		d->total = piece_end;
	d->end = piece_end > d->end ? piece_end : d->end;
	d->got += piece->size;
	memcpy(d->frame + FRAME_ETHERNET + piece->header + piece->at, piece->payload, piece->size);
	return true;
}

static void make_whole(struct datagram *d, size_t header)
{
	uint8_t *ip = d->frame + FRAME_ETHERNET;
	if (d->key.is_v6) {
		put16(ip + 4, d->total);
		ip[6] = d->key.protocol;
		return;
	}
	put16(ip + 2, header + d->total);
	memset(ip + 6, 0, 2);
	memset(ip + 10, 0, 2);
	uint16_t sum = frame_fold(frame_sum(ip, 20, 0));
	memcpy(ip + 10, &sum, 2);
}

uint8_t *fragments_add(struct fragments *all, const uint8_t *bytes, size_t size, size_t *ret_size)
{
	struct piece piece;
	(void)size;
	struct datagram *d = read_piece(bytes, &piece) ? find(all, &piece.key) : NULL;
	if (!d)
		return NULL;
	if (piece.at == 0)
		memcpy(d->frame, bytes, FRAME_ETHERNET + piece.header);
	if (!take(d, &piece)) {
		d->age = 0;
		return NULL;
	}
	if (d->got != d->total)
		return NULL;
	make_whole(d, piece.header);
	d->age = 0;
	*ret_size = FRAME_ETHERNET + piece.header + d->total;
	return d->frame;
}
