/* SPDX-License-Identifier: Apache-2.0 */
/* resolv_conf.h - the host's resolvers, as its resolv.conf names them [resolv.conf(5)] */
#ifndef NET_RESOLV_CONF_H
#define NET_RESOLV_CONF_H

#include "net/endpoint.h"

#define RESOLVERS_MAX	4
#define RESOLV_CONF_MAX ((size_t)64 << 10)

struct resolvers {
	size_t n;
	union endpoint at[RESOLVERS_MAX];
};

/*
 * resolv_conf_parse() - the nameserver lines of a text
 * @text: need not end with a zero byte; lines that are no use are passed over
 * As libc does it: what follows the address is ignored, a zone is known by its interface.
 */
void resolv_conf_parse(const char *text, size_t size, struct resolvers *ret);

#endif
