/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ping.h - echo requests where the host lets its users send none
 *
 * libslirp would try another way, and mostly nobody answers: the container learns at once
 * that it is forbidden, and by whom.
 */
#ifndef NET_PING_H
#define NET_PING_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A refusal with headers, and as much of the request as it quotes. */
#define PING_REFUSAL_MAX 256

struct ping_own {
	struct in_addr gateway4;
	struct in6_addr gateway6;
};

/* Does net.ipv4.ping_group_range let us [icmp(7)]? */
bool ping_is_allowed(void);

/*
 * ping_refuse() - the answer "administratively prohibited" [RFC 1812, 5.2.7.1; RFC 4443, 3.1]
 * @out: room for PING_REFUSAL_MAX
 * Returns its size; 0 for a frame that is no echo request to the outside.
 */
size_t ping_refuse(const uint8_t *frame, size_t size, const struct ping_own *own, uint8_t *out);

#endif
