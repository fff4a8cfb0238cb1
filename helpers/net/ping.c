/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ping.h"
#include "base/own.h"
#include "net/frame.h"

#include <string.h>
#include <sys/socket.h>

#define IP4_HEADER   20
#define IP6_HEADER   40
#define ERROR_HEADER 8
/* What an error of ICMPv6 quotes at most: enough for the request to be found again. */
#define QUOTE6_MAX 96

enum { ECHO4 = 8, UNREACHABLE4 = 3, PROHIBITED4 = 13 };
enum { ECHO6 = 128, UNREACHABLE6 = 1, PROHIBITED6 = 1 };

bool ping_is_allowed(void)
{
	CLEAN(clean_fd) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);
	return fd >= 0;
}

static void turn_round(const uint8_t *frame, uint8_t *out)
{
	memcpy(out, frame + 6, 6);
	memcpy(out + 6, frame, 6);
	memcpy(out + 12, frame + 12, 2);
}

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put_sum(uint8_t *at, uint64_t sum)
{
	uint16_t folded = frame_fold(sum);
	memcpy(at, &folded, 2);
}

static size_t refuse4(const uint8_t *frame, size_t size, const struct ping_own *own, uint8_t *out)
{
	const uint8_t *ip = frame + FRAME_ETHERNET;
	size_t header = (size_t)(ip[0] & 15) * 4;
	if (header < IP4_HEADER || size < FRAME_ETHERNET + header + 8 || ip[9] != IPPROTO_ICMP ||
		ip[header] != ECHO4 || !memcmp(ip + 16, &own->gateway4, 4))
		return 0;
	size_t quoted = header + 8;
	uint8_t *to = out + FRAME_ETHERNET, *icmp = to + IP4_HEADER;
	memset(to, 0, IP4_HEADER + ERROR_HEADER);
	to[0] = 0x45;
	put16(to + 2, IP4_HEADER + ERROR_HEADER + quoted);
	to[8] = 64;
	to[9] = IPPROTO_ICMP;
	memcpy(to + 12, &own->gateway4, 4);
	memcpy(to + 16, ip + 12, 4);
	put_sum(to + 10, frame_sum(to, IP4_HEADER, 0));
	icmp[0] = UNREACHABLE4;
	icmp[1] = PROHIBITED4;
	memcpy(icmp + ERROR_HEADER, ip, quoted);
	put_sum(icmp + 2, frame_sum(icmp, ERROR_HEADER + quoted, 0));
	return FRAME_ETHERNET + IP4_HEADER + ERROR_HEADER + quoted;
}

static size_t refuse6(const uint8_t *frame, size_t size, const struct ping_own *own, uint8_t *out)
{
	const uint8_t *ip = frame + FRAME_ETHERNET;
	if (size < FRAME_ETHERNET + IP6_HEADER + 8 || ip[6] != IPPROTO_ICMPV6 ||
		ip[IP6_HEADER] != ECHO6 || !memcmp(ip + 24, &own->gateway6, 16) || ip[24] == 0xff)
		return 0;
	size_t quoted = size - FRAME_ETHERNET;
	if (quoted > QUOTE6_MAX)
		quoted = QUOTE6_MAX;
	uint8_t *to = out + FRAME_ETHERNET, *icmp = to + IP6_HEADER;
	memset(to, 0, IP6_HEADER + ERROR_HEADER);
	to[0] = 0x60;
	put16(to + 4, ERROR_HEADER + quoted);
	to[6] = IPPROTO_ICMPV6;
	to[7] = 64;
	memcpy(to + 8, &own->gateway6, 16);
	memcpy(to + 24, ip + 8, 16);
	icmp[0] = UNREACHABLE6;
	icmp[1] = PROHIBITED6;
	memcpy(icmp + ERROR_HEADER, ip, quoted);
	/* The pseudo header: both addresses, then length and protocol as one sum. */
	uint8_t rest[4] = {0, 0, 0, IPPROTO_ICMPV6};
	put16(rest, ERROR_HEADER + quoted);
	uint64_t sum = frame_sum(to + 8, 32, frame_sum(rest, 4, 0));
	put_sum(icmp + 2, frame_sum(icmp, ERROR_HEADER + quoted, sum));
	return FRAME_ETHERNET + IP6_HEADER + ERROR_HEADER + quoted;
}

size_t ping_refuse(const uint8_t *frame, size_t size, const struct ping_own *own, uint8_t *out)
{
	if (size < FRAME_ETHERNET + IP4_HEADER)
		return 0;
	turn_round(frame, out);
	switch (frame[FRAME_ETHERNET] >> 4) {
	case 4:
		return frame[12] == 0x08 && frame[13] == 0x00 ? refuse4(frame, size, own, out) : 0;
	case 6:
		return frame[12] == 0x86 && frame[13] == 0xdd ? refuse6(frame, size, own, out) : 0;
	default:
		return 0;
	}
}
