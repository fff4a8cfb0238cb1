/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp.h - connections from inside to the outside, from kernel to kernel
 *
 * A library like libslirp has a stack of its own between the container's and the host's: with one
 * window of 64 KiB, two copies and a checksum more. Here there is none. A segment from inside is
 * written to a socket of the host as it is, what the socket says becomes segments, and only what
 * the other end does not take yet is kept. Neither loss nor congestion is to be expected between
 * two kernels of one machine, but frames that change places are (held.h). What gets lost all the
 * same is sent again, all from there on.
 */
#ifndef NET_TCP_H
#define NET_TCP_H

#include "net/endpoint.h"
#include "net/loop.h"
#include "net/settings.h"

#define TCP_CONNECTIONS_MAX 4096

struct tcp;

struct tcp_ways {
	/* A frame in two parts for the device, its TCP checksum not set. */
	void (*send)(void *opaque, uint8_t *headers, size_t n_headers, const uint8_t *payload,
		size_t n_payload);
	/*
	 * The answer to a frame that asked for a connection which cannot be: @reason is one of
	 * connect(2)'s, but not ECONNREFUSED, which is answered here.
	 */
	void (*refuse)(void *opaque, const uint8_t *frame, size_t size, int reason);
	/* A stream socket that is connected or connects; -1 and errno. Of family AF_UNIX: the
	 * resolver. */
	int (*dial)(void *opaque, const union endpoint *to);
	int64_t (*now_ms)(void);
	void *opaque;
};

struct tcp *tcp_new(const struct net_settings *settings, struct loop *loop,
	const struct tcp_ways *ways, struct err *e);
/* Does the outside have all that inside said, and that it has ended? */
bool tcp_is_told(const struct tcp *tcp);
/* Connections whose outside was not told all are reset. */
void tcp_free(struct tcp *tcp);
/*
 * tcp_set_segment() - before the first frame
 * @mss: what inside is told to send at once; its kernel may join several of these
 * @payload_max: of one frame to inside
 */
void tcp_set_segment(struct tcp *tcp, size_t mss, size_t payload_max);

/* A frame of a connection that is known here. False: of another, or of none. */
bool tcp_take(struct tcp *tcp, const uint8_t *frame, size_t size);
/* A frame of no known connection: it begins one, or is answered by a reset [RFC 9293, 3.10.7.1]. */
void tcp_take_stray(struct tcp *tcp, const uint8_t *frame, size_t size);

size_t tcp_count(const struct tcp *tcp);

/* Before a wait: says what was only noted, and returns how long to wait: milliseconds, or -1. */
int tcp_prepare(struct tcp *tcp, int64_t now_ms);
/* After it: what was not answered in time is said again. */
void tcp_expire(struct tcp *tcp, int64_t now_ms);

/* The usual way to dial: from the addresses that @settings tell. */
int tcp_dial(const struct net_settings *settings, const union endpoint *to);

#endif
