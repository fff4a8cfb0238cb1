/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint.h - where a resolver is, or a name leads: one address of either family */
#ifndef NET_ENDPOINT_H
#define NET_ENDPOINT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

union endpoint {
	struct sockaddr any; /* sa_family tells which */
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static inline socklen_t endpoint_size(const union endpoint *at)
{
	return at->any.sa_family == AF_INET6 ? sizeof(at->v6) : sizeof(at->v4);
}

/*
 * endpoint_parse() - ADDRESS as in resolv.conf, with a zone (fe80::1%eth0) or without
 * @port: in host order
 * False leaves @ret alone.
 */
bool endpoint_parse(const char *text, uint16_t port, union endpoint *ret);

#endif
