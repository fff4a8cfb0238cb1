/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.h - which way answers go inside the container [rtnetlink(7), ip-rule(8)]
 *
 * A socket that speaks with a foreign address hears the answers only when the kernel delivers
 * packets to that address locally. One table has a single route that does so for every address;
 * the rules say which packets look into it.
 */
#ifndef PORT_RULES_H
#define PORT_RULES_H

#include "base/err.h"

#include <netinet/in.h>

#define RULES_MARK 0x67757363u /* "gusc" */

union peer {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

bool rules_open(int *ret_fd, struct err *e);
/* The rule for packets that bear the mark, once rules_route() has made its table. */
bool rules_mark(int rules_fd, int family, struct err *e);
/*
 * rules_route() - the table's route, or the same one anew
 * @source: what a program that listens on any address speaks with; NULL: left to the kernel, which
 *          for IPv4 takes the peer's own and then refuses to connect with it. It must be there.
 */
bool rules_route(int rules_fd, int family, const union peer *source, struct err *e);
/* What the program sends from @inside_port to exactly this peer. */
bool rules_flow(int rules_fd, bool add, int protocol, const union peer *peer, uint16_t inside_port,
	struct err *e);

#endif
