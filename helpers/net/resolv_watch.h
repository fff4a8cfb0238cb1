/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolv_watch.h - follows the host's resolv.conf while the container runs
 *
 * The file is mostly a link into a directory of a daemon that replaces it by a rename, or
 * it is rewritten in place. So the directories of all names that the links lead over are
 * watched, and the file itself.
 */
#ifndef NET_RESOLV_WATCH_H
#define NET_RESOLV_WATCH_H

#include "net/loop.h"
#include "net/resolv_conf.h"

#define RESOLV_CHAIN_MAX 8
#define RESOLV_PATH_SIZE 512

struct resolv_chain {
	size_t n;
	char directories[RESOLV_CHAIN_MAX][RESOLV_PATH_SIZE];
};

/* The directories of /etc/resolv.conf and of what it leads to, each once. */
void resolv_chain_find(struct resolv_chain *ret);

/* What the file says now; none when it cannot be read. */
void resolv_conf_read(struct resolvers *ret);

typedef void (*resolv_changed)(void *opaque, const struct resolvers *now);

/* @changed: called now, and when it has changed. */
bool resolv_watch(struct loop *loop, resolv_changed changed, void *opaque, struct err *e);

#endif
