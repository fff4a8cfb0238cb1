/* SPDX-License-Identifier: Apache-2.0 */
/* listener.h - sockets of the host on which a published port is waited for [ip(7), socket(7)] */
#ifndef SYS_LISTENER_H
#define SYS_LISTENER_H

#include "base/err.h"

#include <netinet/in.h>

struct listen_address {
	int family; /* AF_INET, AF_INET6, AF_UNIX (an inherited socket) */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} ip;
};

/*
 * listener_open() - a bound socket, close-on-exec and non-blocking; TCP also listens
 * @protocol: IPPROTO_TCP or IPPROTO_UDP
 * @port: 0: the kernel chooses; *ret_port says what it became
 * IPv6 sockets take IPv6 only: both families stand side by side.
 * @ret_why: errno of the refusal, for who has another port to try; 0 else
 * Errors: ERR_HOST in the user's words, with a hint.
 */
bool listener_open(const struct listen_address *address, int protocol, uint16_t port, int *ret_fd,
	uint16_t *ret_port, int *ret_why, struct err *e);

/*
 * listener_check() - is this inherited descriptor a socket that can serve a port?
 * @ret: its address; @ret_port: 0 for AF_UNIX
 */
bool listener_check(
	int fd, int protocol, struct listen_address *ret, uint16_t *ret_port, struct err *e);

#endif
