/* SPDX-License-Identifier: Apache-2.0 */
#include "net/segments.h"

#include <arpa/inet.h>
#include <string.h>

enum { FIN = 1, PSH = 8, ACK = 16 };

struct view {
	size_t ip, headers; /* sizes: of the IP header; of everything before the payload */
	const uint8_t *tcp;
};

static bool look(const uint8_t *frame, size_t size, struct view *ret)
{
	ret->ip = frame_tcp_header(frame, size);
	if (!ret->ip)
		return false;
	ret->tcp = frame + FRAME_ETHERNET + ret->ip;
	ret->headers = FRAME_ETHERNET + ret->ip + (size_t)(ret->tcp[12] >> 4) * 4;
	return ret->headers >= FRAME_ETHERNET + ret->ip + 20 && ret->headers <= size;
}

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;
	memcpy(&value, at, 4);
	return ntohl(value);
}

static bool is_plain(const struct view *v)
{
	return (v->tcp[13] & ~PSH) == ACK;
}

bool segment_may_wait(const uint8_t *frame, size_t size)
{
	struct view v;
	return size >= SEGMENT_MIN && look(frame, size, &v) && is_plain(&v) && !(v.tcp[13] & PSH);
}

static void put_length(uint8_t *frame, size_t ip, size_t size)
{
	uint8_t *at = frame + FRAME_ETHERNET;
	size_t length = size - FRAME_ETHERNET - (ip == 40 ? 40 : 0);
	uint8_t *place = at + (ip == 40 ? 4 : 2);
	place[0] = (uint8_t)(length >> 8);
	place[1] = (uint8_t)length;
	if (ip == 40)
		return;
	memset(at + 10, 0, 2);
	uint16_t sum = frame_fold(frame_sum(at, 20, 0));
	memcpy(at + 10, &sum, 2);
}

bool segment_join(struct segment_kept *kept, const uint8_t *next, size_t size, size_t *ret_skip)
{
	struct view a, b;
	if (!look(kept->frame, kept->size, &a) || !look(next, size, &b) || a.ip != b.ip ||
		a.headers != b.headers || !is_plain(&b))
		return false;
	size_t whole = kept->size + size - b.headers, addresses = a.ip == 40 ? 32 : 8;
	/* Ethernet and IP addresses, then ports. */
	if (whole > FRAME_MAX || memcmp(kept->frame, next, FRAME_ETHERNET) != 0 ||
		memcmp(a.tcp - addresses, b.tcp - addresses, addresses + 4) != 0 ||
		get32(b.tcp + 4) != get32(a.tcp + 4) + (uint32_t)(kept->size - a.headers) ||
		memcmp(a.tcp + 20, b.tcp + 20, a.headers - FRAME_ETHERNET - a.ip - 20) != 0)
		return false;
	uint8_t *tcp = kept->frame + FRAME_ETHERNET + a.ip;
	memcpy(tcp + 8, b.tcp + 8, 4);	 /* acknowledged */
	memcpy(tcp + 12, b.tcp + 12, 4); /* flags, window */
	put_length(kept->frame, a.ip, whole);
	*ret_skip = b.headers;
	return true;
}

static void put_checksum(uint8_t *frame, size_t ip, size_t size)
{
	uint8_t *tcp = frame + FRAME_ETHERNET + ip;
	memset(tcp + 16, 0, 2);
	uint64_t pseudo = (uint16_t)~frame_pseudo_sum(frame, size);
	uint16_t sum = frame_fold(frame_sum(tcp, size - FRAME_ETHERNET - ip, pseudo));
	memcpy(tcp + 16, &sum, 2);
}

bool segment_halve(uint8_t *frame, size_t size, segment_take take, void *opaque)
{
	uint8_t headers[FRAME_ETHERNET + 40 + 60];
	struct view v;
	if (!look(frame, size, &v) || v.headers > sizeof(headers) || size - v.headers < SEGMENT_MIN)
		return false;
	size_t half = (size - v.headers) / 2, tcp = FRAME_ETHERNET + v.ip;
	memcpy(headers, frame, v.headers);
	put_length(frame, v.ip, v.headers + half);
	frame[tcp + 13] &= (uint8_t) ~(FIN | PSH);
	put_checksum(frame, v.ip, v.headers + half);
	take(opaque, frame, v.headers + half);
	/* What was taken may be written over: the second half's headers go before its bytes. */
	frame += half;
	memcpy(frame, headers, v.headers);
	uint32_t sequence = htonl(get32(headers + tcp + 4) + (uint32_t)half);
	memcpy(frame + tcp + 4, &sequence, 4);
	put_length(frame, v.ip, size - half);
	put_checksum(frame, v.ip, size - half);
	take(opaque, frame, size - half);
	return true;
}
