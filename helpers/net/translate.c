/* SPDX-License-Identifier: Apache-2.0 */
#include "net/translate.h"

#include <string.h>

#define IP4_HEADER 20
#define IP6_HEADER 40

static const uint8_t stand_in[3] = {TRANSLATE_FIRST, 0, 0};

static bool is_ipv4(const uint8_t *frame, size_t size)
{
	return size >= FRAME_ETHERNET + IP4_HEADER && frame[12] == 0x08 && frame[13] == 0x00;
}

bool translate_is_neighbour(const struct neighbour *who)
{
	return !who->is_v6 && !memcmp(&who->address, stand_in, sizeof(stand_in));
}

bool translate_is_forged(const uint8_t *frame, size_t size)
{
	return is_ipv4(frame, size) &&
	       !memcmp(frame + FRAME_ETHERNET + 12, stand_in, sizeof(stand_in));
}

/* Whose place is taken starts anew: libslirp knows none of its connections by the new address. */
static size_t find_client(struct translate *t, const uint8_t *address)
{
	size_t found = 0;
	for (size_t i = 0; i < TRANSLATE_MAX; i++) {
		if (t->clients[i].last_use && !memcmp(&t->clients[i].address, address, 16))
			return i;
		if (t->clients[i].last_use < t->clients[found].last_use)
			found = i;
	}
	memcpy(&t->clients[found].address, address, 16);
	return found;
}

/* The sum covers the addresses: of the new ones in place of the old ones [RFC 1624]. */
static void mend_sum(uint8_t *tcp, uint16_t old_pseudo, uint16_t new_pseudo)
{
	uint16_t sum;
	memcpy(&sum, tcp + 16, 2);
	sum = frame_fold((uint64_t)(uint16_t)~sum + old_pseudo + (uint16_t)~new_pseudo);
	memcpy(tcp + 16, &sum, 2);
}

uint8_t *translate_in(struct translate *t, uint8_t *frame, size_t *size)
{
	uint8_t *to = frame + IP6_HEADER - IP4_HEADER, *ip = to + FRAME_ETHERNET;
	size_t new_size = *size - (IP6_HEADER - IP4_HEADER), length = new_size - FRAME_ETHERNET;
	if (frame_tcp_header(frame, *size) != IP6_HEADER || length > 65535)
		return NULL;
	uint16_t old_pseudo = frame_pseudo_sum(frame, *size);
	size_t nth = find_client(t, frame + FRAME_ETHERNET + 8);
	t->clients[nth].last_use = ++t->uses;
	memcpy(t->clients[nth].ethernet, frame, 12);
	memmove(to, frame, 12);
	to[12] = 0x08;
	to[13] = 0x00;
	memset(ip, 0, IP4_HEADER);
	ip[0] = 0x45;
	ip[2] = (uint8_t)(length >> 8);
	ip[3] = (uint8_t)length;
	ip[8] = 64;
	ip[9] = IPPROTO_TCP;
	memcpy(ip + 12, stand_in, sizeof(stand_in));
	ip[15] = (uint8_t)nth;
	memcpy(ip + 16, &t->own.dns4, 4);
	uint16_t sum = frame_fold(frame_sum(ip, IP4_HEADER, 0));
	memcpy(ip + 10, &sum, 2);
	mend_sum(ip + IP4_HEADER, old_pseudo, frame_pseudo_sum(to, new_size));
	*size = new_size;
	return to;
}

bool translate_out(const struct translate *t, const uint8_t *frame, size_t size, uint8_t *out,
	size_t *ret_size)
{
	const uint8_t *from = frame + FRAME_ETHERNET;
	uint8_t *ip = out + FRAME_ETHERNET;
	if (!is_ipv4(frame, size) || memcmp(from + 16, stand_in, sizeof(stand_in)) != 0)
		return false;
	*ret_size = 0;
	size_t nth = from[19], new_size = size + IP6_HEADER - IP4_HEADER;
	if (frame_tcp_header(frame, size) != IP4_HEADER || nth >= TRANSLATE_MAX ||
		!t->clients[nth].last_use || new_size > TRANSLATE_ROOM)
		return true;
	size_t length = size - FRAME_ETHERNET - IP4_HEADER;
	memcpy(out, t->clients[nth].ethernet + 6, 6);
	memcpy(out + 6, t->clients[nth].ethernet, 6);
	out[12] = 0x86;
	out[13] = 0xdd;
	memset(ip, 0, IP6_HEADER);
	ip[0] = 0x60;
	ip[4] = (uint8_t)(length >> 8);
	ip[5] = (uint8_t)length;
	ip[6] = IPPROTO_TCP;
	ip[7] = 64;
	memcpy(ip + 8, &t->own.dns6, 16);
	memcpy(ip + 24, &t->clients[nth].address, 16);
	memcpy(ip + IP6_HEADER, from + IP4_HEADER, length);
	mend_sum(ip + IP6_HEADER, frame_pseudo_sum(frame, size), frame_pseudo_sum(out, new_size));
	*ret_size = new_size;
	return true;
}
