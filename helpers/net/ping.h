/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ping.h - echo requests where the host lets its users send none
 *
 * libslirp would try another way, and mostly nobody answers: the container learns at once
 * that it is forbidden, and by whom.
 */
#ifndef NET_PING_H
#define NET_PING_H

#include "net/unreachable.h"

#include <stdbool.h>

/* Does net.ipv4.ping_group_range let us [icmp(7)]? */
bool ping_is_allowed(void);

/*
 * ping_refuse() - the answer "administratively prohibited"
 * @out: room for UNREACHABLE_MAX
 * Returns its size; 0 for a frame that is no echo request to the outside.
 */
size_t ping_refuse(
	const uint8_t *frame, size_t size, const struct unreachable_own *own, uint8_t *out);

#endif
