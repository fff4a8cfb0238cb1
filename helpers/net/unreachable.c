/* SPDX-License-Identifier: Apache-2.0 */
#include "net/unreachable.h"
#include "net/frame.h"
#include "net/wire_words.h"

#include <string.h>

#define IP4_HEADER   20
#define IP6_HEADER   40
#define ERROR_HEADER 8
/* What an error of ICMPv6 quotes at most: enough for the packet to be found again. */
#define QUOTE6_MAX 96

enum { UNREACHABLE4 = 3, UNREACHABLE6 = 1 };

static const uint8_t codes4[] = {
	[UNREACHABLE_NETWORK] = 0, [UNREACHABLE_HOST] = 1, [UNREACHABLE_PROHIBITED] = 13};
static const uint8_t codes6[] = {
	[UNREACHABLE_NETWORK] = 0, [UNREACHABLE_HOST] = 3, [UNREACHABLE_PROHIBITED] = 1};

static void put_sum(uint8_t *at, uint64_t sum)
{
	uint16_t folded = frame_fold(sum);
	memcpy(at, &folded, 2);
}

static size_t answer4(
	const uint8_t *ip, size_t size, const struct in_addr *gateway, uint8_t code, uint8_t *to)
{
	size_t header = size < IP4_HEADER ? 0 : (size_t)(ip[0] & 15) * 4, quoted = header + 8;
	if (header < IP4_HEADER || size < quoted)
		return 0;
	uint8_t *icmp = to + IP4_HEADER;
	memset(to, 0, IP4_HEADER + ERROR_HEADER);
	to[0] = 0x45;
	put16(to + 2, IP4_HEADER + ERROR_HEADER + quoted);
	to[8] = 64;
	to[9] = IPPROTO_ICMP;
	memcpy(to + 12, gateway, 4);
	memcpy(to + 16, ip + 12, 4);
	put_sum(to + 10, frame_sum(to, IP4_HEADER, 0));
	icmp[0] = UNREACHABLE4;
	icmp[1] = code;
	memcpy(icmp + ERROR_HEADER, ip, quoted);
	put_sum(icmp + 2, frame_sum(icmp, ERROR_HEADER + quoted, 0));
	return FRAME_ETHERNET + IP4_HEADER + ERROR_HEADER + quoted;
}

static size_t answer6(
	const uint8_t *ip, size_t size, const struct in6_addr *gateway, uint8_t code, uint8_t *to)
{
	size_t quoted = size < QUOTE6_MAX ? size : QUOTE6_MAX;
	if (size < IP6_HEADER + 8)
		return 0;
	uint8_t *icmp = to + IP6_HEADER;
	memset(to, 0, IP6_HEADER + ERROR_HEADER);
	to[0] = 0x60;
	put16(to + 4, ERROR_HEADER + quoted);
	to[6] = IPPROTO_ICMPV6;
	to[7] = 64;
	memcpy(to + 8, gateway, 16);
	memcpy(to + 24, ip + 8, 16);
	icmp[0] = UNREACHABLE6;
	icmp[1] = code;
	memcpy(icmp + ERROR_HEADER, ip, quoted);
	/* The pseudo header: both addresses, then length and protocol as one sum. */
	uint8_t rest[4] = {0, 0, 0, IPPROTO_ICMPV6};
	put16(rest, ERROR_HEADER + quoted);
	uint64_t sum = frame_sum(to + 8, 32, frame_sum(rest, 4, 0));
	put_sum(icmp + 2, frame_sum(icmp, ERROR_HEADER + quoted, sum));
	return FRAME_ETHERNET + IP6_HEADER + ERROR_HEADER + quoted;
}

size_t unreachable_answer(const uint8_t *frame, size_t size, const struct unreachable_own *own,
	enum unreachable_why why, uint8_t *out)
{
	const uint8_t *ip = frame + FRAME_ETHERNET;
	if (size < FRAME_ETHERNET + IP4_HEADER)
		return 0;
	size -= FRAME_ETHERNET;
	memcpy(out, frame + 6, 6);
	memcpy(out + 6, frame, 6);
	memcpy(out + 12, frame + 12, 2);
	if (frame[12] == 0x08 && frame[13] == 0x00 && ip[0] >> 4 == 4)
		return answer4(ip, size, &own->gateway4, codes4[why], out + FRAME_ETHERNET);
	if (frame[12] == 0x86 && frame[13] == 0xdd && ip[0] >> 4 == 6)
		return answer6(ip, size, &own->gateway6, codes6[why], out + FRAME_ETHERNET);
	return 0;
}
