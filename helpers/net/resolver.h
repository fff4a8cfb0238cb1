/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver.h - answers the container's questions, or asks the host's resolvers
 *
 * Names of our own are answered at once. Any other question goes on as it came, with an id
 * of chance from a port of chance, over the way it came (datagram or stream); the answer
 * must bear that id and that question and come from the asked address. A resolver that
 * fails or is silent is followed by the next. After ANSWER_MS the container is told of it.
 */
#ifndef NET_RESOLVER_H
#define NET_RESOLVER_H

#include "net/dns_message.h"
#include "net/frame.h"
#include "net/loop.h"
#include "net/resolv_conf.h"

#define RESOLVER_QUERIES_MAX 256
#define RESOLVER_QUERY_SIZE  4096
#define RESOLVER_ANSWER_MS   4500

struct stream;

struct dns_client {
	struct stream *stream;	  /* NULL: a datagram */
	struct frame_return back; /* of a datagram */
};

/* @message may be changed. */
typedef void (*resolver_reply)(
	void *opaque, const struct dns_client *client, uint8_t *message, size_t size);

struct resolver;

/* @names is looked at for every question; borrowed. */
struct resolver *resolver_new(struct loop *loop, const struct names *names, resolver_reply reply,
	void *opaque, struct err *e);
void resolver_set_upstream(struct resolver *r, const struct resolvers *upstream);

/* A question from the container; what is none is passed over. */
void resolver_ask(
	struct resolver *r, const struct dns_client *client, const uint8_t *message, size_t size);
/* The stream is gone: nobody waits for its answers. */
void resolver_forget(struct resolver *r, const struct stream *stream);

/* Milliseconds until something has waited long enough, or -1. */
int resolver_timeout(const struct resolver *r, int64_t now_ms);
void resolver_expire(struct resolver *r, int64_t now_ms);

#endif
