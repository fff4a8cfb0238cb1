/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - questions that come over TCP
 *
 * libslirp connects a container's TCP connection to a unix socket of ours: here is its
 * other end. Each message is preceded by its length [RFC 1035, 4.2.2].
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "net/resolver.h"

#define STREAMS_MAX 64

struct streams;

/* @take_fd: a listening socket. */
struct streams *streams_new(
	struct loop *loop, struct resolver *resolver, int take_fd, struct err *e);

/* An answer; whoever does not take it in time loses the connection. */
void stream_answer(struct stream *stream, const uint8_t *message, size_t size);

#endif
