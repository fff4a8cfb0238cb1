/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tcp_segment.h"
#include "net/wire_words.h"

#include <arpa/inet.h>
#include <string.h>

#define IP4_HEADER  20
#define IP6_HEADER  40
#define TCP_HEADER  20
#define MSS_USUAL   536 /* [RFC 9293, 3.7.1] */
#define SCALE_MAX   14
#define MORE_PIECES 0x3fff /* of the word with IPv4's fragment offset */

enum {
	OPTION_END = 0,
	OPTION_NOTHING = 1,
	OPTION_MSS = 2,
	OPTION_SCALE = 3,
	OPTION_MAY_HOLD = 4,
	OPTION_HELD = 5
};

/* Returns where TCP begins, or NULL; @ret_size: of TCP with its payload. */
static const uint8_t *read_ip(
	const uint8_t *frame, size_t size, struct tcp_ends *ret, size_t *ret_size)
{
	const uint8_t *ip = frame + FRAME_ETHERNET;
	size_t room = size - FRAME_ETHERNET;
	if (get16(frame + 12) == 0x0800 && room >= IP4_HEADER && ip[0] == 0x45 &&
		ip[9] == IPPROTO_TCP && !(get16(ip + 6) & MORE_PIECES) &&
		get16(ip + 2) >= IP4_HEADER && get16(ip + 2) <= room) {
		memcpy(&ret->inside, ip + 12, 4);
		memcpy(&ret->outside, ip + 16, 4);
		*ret_size = (size_t)get16(ip + 2) - IP4_HEADER;
		return ip + IP4_HEADER;
	}
	if (get16(frame + 12) == 0x86dd && room >= IP6_HEADER && ip[0] >> 4 == 6 &&
		ip[6] == IPPROTO_TCP && get16(ip + 4) <= room - IP6_HEADER) {
		memcpy(&ret->inside, ip + 8, 16);
		memcpy(&ret->outside, ip + 24, 16);
		ret->is_v6 = 1;
		*ret_size = get16(ip + 4);
		return ip + IP6_HEADER;
	}
	return NULL;
}

static void read_options(const uint8_t *at, const uint8_t *end, struct tcp_segment *ret)
{
	while (at < end && *at != OPTION_END) {
		if (*at == OPTION_NOTHING) {
			at++;
			continue;
		}
		if (end - at < 2 || at[1] < 2 || at[1] > end - at)
			return;
		if (at[0] == OPTION_MSS && at[1] == 4)
			ret->mss = get16(at + 2);
		if (at[0] == OPTION_SCALE && at[1] == 3)
			ret->scale = at[2] > SCALE_MAX ? SCALE_MAX : at[2];
		if (at[0] == OPTION_MAY_HOLD && at[1] == 2)
			ret->may_hold = true;
		at += at[1];
	}
}

bool tcp_segment_read(const uint8_t *frame, size_t size, struct tcp_segment *ret)
{
	size_t whole;
	*ret = (struct tcp_segment){.scale = -1, .mss = MSS_USUAL};
	const uint8_t *tcp =
		size < FRAME_ETHERNET ? NULL : read_ip(frame, size, &ret->ends, &whole);
	if (!tcp || whole < TCP_HEADER)
		return false;
	size_t header = (size_t)(tcp[12] >> 4) * 4;
	if (header < TCP_HEADER || header > whole)
		return false;
	memcpy(ret->ends.inside_mac, frame + 6, 6);
	memcpy(&ret->ends.inside_port, tcp, 2);
	memcpy(&ret->ends.outside_port, tcp + 2, 2);
	ret->sequence = get32(tcp + 4);
	ret->acknowledged = get32(tcp + 8);
	ret->flags = tcp[13];
	ret->window = get16(tcp + 14);
	ret->payload = tcp + header;
	ret->size = whole - header;
	if (ret->flags & TCP_SYN)
		read_options(tcp + TCP_HEADER, tcp + header, ret);
	return true;
}

void tcp_headers_make(const uint8_t *frame, const struct tcp_ends *ends, struct tcp_headers *ret)
{
	uint8_t *ip = ret->bytes + FRAME_ETHERNET;
	*ret = (struct tcp_headers){.ip = ends->is_v6 ? IP6_HEADER : IP4_HEADER};
	memcpy(ret->bytes, frame + 6, 6);
	memcpy(ret->bytes + 6, frame, 6);
	memcpy(ret->bytes + 12, frame + 12, 2);
	if (ends->is_v6) {
		ip[0] = 0x60;
		ip[6] = IPPROTO_TCP;
		ip[7] = 64;
		memcpy(ip + 8, &ends->outside, 16);
		memcpy(ip + 24, &ends->inside, 16);
	} else {
		ip[0] = 0x45;
		ip[6] = 0x40; /* not to be cut: so its number may stay 0 [RFC 6864] */
		ip[8] = 64;
		ip[9] = IPPROTO_TCP;
		memcpy(ip + 12, &ends->outside, 4);
		memcpy(ip + 16, &ends->inside, 4);
	}
	memcpy(ip + ret->ip, &ends->outside_port, 2);
	memcpy(ip + ret->ip + 2, &ends->inside_port, 2);
}

static size_t put_grant(uint8_t *at, const struct tcp_words *words)
{
	size_t n = 4;
	at[0] = OPTION_MSS;
	at[1] = 4;
	put16(at + 2, words->mss);
	if (words->scale >= 0) {
		const uint8_t scale[] = {OPTION_NOTHING, OPTION_SCALE, 3, (uint8_t)words->scale};
		memcpy(at + n, scale, sizeof(scale));
		n += sizeof(scale);
	}
	if (words->may_hold) {
		static const uint8_t may[] = {OPTION_NOTHING, OPTION_NOTHING, OPTION_MAY_HOLD, 2};
		memcpy(at + n, may, sizeof(may));
		n += sizeof(may);
	}
	return n;
}

/* The stream's end counts as one behind the piece that it follows. */
static size_t put_held(uint8_t *at, const struct held *held)
{
	size_t size = 4 + 8 * (size_t)held->n;
	at[0] = at[1] = OPTION_NOTHING;
	at[2] = OPTION_HELD;
	at[3] = (uint8_t)(size - 2);
	for (unsigned i = 0; i < held->n; i++) {
		const struct held_piece *piece = held->pieces + i;
		put32(at + 4 + 8 * i, piece->from);
		put32(at + 8 + 8 * i, piece->to + (held->has_end && held->end == piece->to));
	}
	return size;
}

size_t tcp_headers_set(struct tcp_headers *h, const struct tcp_words *words, size_t size)
{
	uint8_t *ip = h->bytes + FRAME_ETHERNET, *tcp = ip + h->ip;
	size_t header = TCP_HEADER;
	if (words->flags & TCP_SYN)
		header += put_grant(tcp + TCP_HEADER, words);
	else if (words->held && words->held->n > 0)
		header += put_held(tcp + TCP_HEADER, words->held);
	put32(tcp + 4, words->sequence);
	put32(tcp + 8, words->acknowledged);
	tcp[12] = (uint8_t)(header / 4 << 4);
	tcp[13] = words->flags;
	put16(tcp + 14, words->window);
	if (h->ip == IP6_HEADER) {
		put16(ip + 4, header + size);
	} else {
		put16(ip + 2, IP4_HEADER + header + size);
		memset(ip + 10, 0, 2);
		uint16_t sum = frame_fold(frame_sum(ip, IP4_HEADER, 0));
		memcpy(ip + 10, &sum, 2);
	}
	return FRAME_ETHERNET + h->ip + header;
}
