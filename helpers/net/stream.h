/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - questions that come over TCP
 *
 * A container's connection to the resolver is dialled here: each end is ours. Each message is
 * preceded by its length [RFC 1035, 4.2.2].
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "net/resolver.h"

#define STREAMS_MAX 64

struct streams;

struct streams *streams_new(struct loop *loop, struct resolver *resolver, struct err *e);

/* A new one: returns its other end, the caller's to close, or -1 and errno. */
int streams_dial(struct streams *all);

/* An answer; whoever does not take it in time loses the connection. */
void stream_answer(struct stream *stream, const uint8_t *message, size_t size);

#endif
