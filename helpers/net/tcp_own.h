/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_own.h - between tcp.c, where connections begin and end, and tcp_flow.c, where they live */
#ifndef NET_TCP_OWN_H
#define NET_TCP_OWN_H

#include "net/buffer.h"
#include "net/tcp.h"
#include "net/tcp_segment.h"

#define TCP_BUCKETS   2048
#define TCP_NOTED_MAX 64
#define TCP_ASKED_MAX 128 /* of the frame that began it: enough to be quoted */

struct connection {
	struct connection *next; /* of its bucket */
	struct tcp *tcp;
	size_t nth; /* in tcp->all */
	struct tcp_ends ends;
	struct tcp_headers headers;
	int fd; /* -1: the outside has said and heard all */

	enum { DIALLING, GRANTED, OPEN } stage;
	uint8_t asked[TCP_ASKED_MAX]; /* while DIALLING */
	size_t n_asked;

	/* What inside says. RFC 9293 has these as RCV.NXT, and RCV.NXT + RCV.WND as last told. */
	uint32_t heard, heard_edge;
	uint32_t heard_told; /* up to here inside knows that it was heard */
	struct buffer up;    /* heard, and not yet taken by the socket; and what came early */
	struct held held;
	bool may_hold; /* inside wants to be told of that */
	bool is_inside_ended, is_outside_told_end;
	bool must_tell; /* something is to be told inside, if only that it was heard */
	bool is_noted;	/* for the next wait */

	/* What outside says: SND.UNA, SND.NXT and the largest that this ever was, SND.WND. */
	uint32_t acknowledged, said, said_most;
	uint32_t window, window_most; /* now; the largest that there was */
	int scale_inside, scale_ours; /* what windows are shifted by */
	size_t mss;
	struct buffer down; /* begins at acknowledged */
	bool is_outside_ended, is_end_acknowledged;
	bool is_broken; /* outside was reset: so is inside when it has what was said before */

	int64_t due_ms;	  /* 0: nothing is waited for */
	unsigned tries;	  /* since something moved */
	unsigned unheard; /* … since inside was heard at all */
	unsigned n_same;  /* acknowledgements that said nothing new */
	uint32_t mended;  /* up to here all was said again: nothing before it is a new loss */
};

struct tcp {
	const struct net_settings *settings;
	struct loop *loop;
	struct tcp_ways ways;
	size_t mss, payload_max;
	uint64_t seed;	 /* of the buckets: who is inside shall not choose his */
	int64_t next_ms; /* no connection is due before; 0: none is */
	struct buffers buffers;
	size_t n, n_noted;
	struct connection *noted[TCP_NOTED_MAX];
	struct connection *all[TCP_CONNECTIONS_MAX];
	struct connection *buckets[TCP_BUCKETS];
};

/* tcp.c */
void connection_end(struct connection *c);
/* As connection_end(), and the outside learns that it was cut off. */
void connection_cut(struct connection *c);
/* … and the inside too. */
void connection_reset(struct connection *c);
/* Something to be told inside before the next wait. */
void connection_note(struct connection *c);
/* Inside answers within a time, or is told again. */
void connection_await(struct connection *c, int64_t ms);

/* tcp_flow.c. Those that return a bool: false when the connection is no more. */
void flow_say(struct connection *c, uint8_t flags, uint32_t sequence);
bool flow_grant(struct connection *c);
bool flow_segment(struct connection *c, const struct tcp_segment *s);
bool flow_ready(struct connection *c, uint32_t events);
bool flow_due(struct connection *c);

#endif
