/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ping.h"
#include "base/own.h"
#include "net/frame.h"

#include <string.h>
#include <sys/socket.h>

#define IP4_HEADER 20
#define IP6_HEADER 40

enum { ECHO4 = 8, ECHO6 = 128 };

bool ping_is_allowed(void)
{
	CLEAN(clean_fd) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);
	return fd >= 0;
}

static bool asks4(const uint8_t *ip, size_t size, const struct unreachable_own *own)
{
	size_t header = size < IP4_HEADER ? 0 : (size_t)(ip[0] & 15) * 4;
	return header >= IP4_HEADER && size >= header + 8 && ip[0] >> 4 == 4 &&
	       ip[9] == IPPROTO_ICMP && ip[header] == ECHO4 &&
	       memcmp(ip + 16, &own->gateway4, 4) != 0;
}

static bool asks6(const uint8_t *ip, size_t size, const struct unreachable_own *own)
{
	return size >= IP6_HEADER + 8 && ip[0] >> 4 == 6 && ip[6] == IPPROTO_ICMPV6 &&
	       ip[IP6_HEADER] == ECHO6 && memcmp(ip + 24, &own->gateway6, 16) != 0 &&
	       ip[24] != 0xff;
}

size_t ping_refuse(
	const uint8_t *frame, size_t size, const struct unreachable_own *own, uint8_t *out)
{
	const uint8_t *ip = frame + FRAME_ETHERNET;
	if (size < FRAME_ETHERNET)
		return 0;
	if (!(frame[12] == 0x08 && frame[13] == 0x00 && asks4(ip, size - FRAME_ETHERNET, own)) &&
		!(frame[12] == 0x86 && frame[13] == 0xdd && asks6(ip, size - FRAME_ETHERNET, own)))
		return 0;
	return unreachable_answer(frame, size, own, UNREACHABLE_PROHIBITED, out);
}
