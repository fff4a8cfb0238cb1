/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_segment.h - a segment of TCP: what its headers say, and how ours are made [RFC 9293] */
#ifndef NET_TCP_SEGMENT_H
#define NET_TCP_SEGMENT_H

#include "net/frame.h"
#include "net/held.h"

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };

/* Payload of one frame at most: with all headers it is less than 64 KiB. */
#define TCP_SEGMENT_MAX 65280
/* Ethernet, IPv6, TCP and the options that we use. */
#define TCP_HEADERS_MAX (FRAME_ETHERNET + 40 + 20 + 4 + 8 * HELD_MAX)

/*
 * Who talks with whom. The hardware address belongs to it: in a named network nobody says a word
 * in another's connection. No padding: two of them are compared as bytes.
 */
struct tcp_ends {
	struct in6_addr inside, outside;    /* an IPv4 address in the first bytes, then nothing */
	uint16_t inside_port, outside_port; /* network order */
	uint8_t inside_mac[6];
	uint16_t is_v6;
};

struct tcp_segment {
	struct tcp_ends ends;
	uint32_t sequence, acknowledged;
	uint16_t window; /* not scaled */
	uint8_t flags;
	const uint8_t *payload;
	size_t size;
	int scale;     /* option of a SYN; -1: none [RFC 7323] */
	uint16_t mss;  /* option of a SYN; else what everybody takes */
	bool may_hold; /* option of a SYN: wants to hear what came before its turn [RFC 2018] */
};

/* What our segments of one connection begin with. */
struct tcp_headers {
	uint8_t bytes[TCP_HEADERS_MAX];
	size_t ip; /* size of the IP header */
};

/*
 * tcp_segment_read() - a frame from inside
 * False for anything else than one whole segment after an IP header without options or
 * extensions. The checksum is not looked at: it never was on a wire.
 */
bool tcp_segment_read(const uint8_t *frame, size_t size, struct tcp_segment *ret);

/* The other direction of the frame that began it. */
void tcp_headers_make(const uint8_t *frame, const struct tcp_ends *ends, struct tcp_headers *ret);

/* What changes from segment to segment. */
struct tcp_words {
	uint32_t sequence, acknowledged;
	uint16_t window;
	uint8_t flags;
	int scale;		 /* with SYN: -1 for none */
	uint16_t mss;		 /* with SYN */
	bool may_hold;		 /* with SYN */
	const struct held *held; /* without payload: what is told to have come early; or NULL */
};

/*
 * tcp_headers_set() - for a segment with @size bytes of payload
 * All but TCP's checksum. Returns the size of the headers.
 */
size_t tcp_headers_set(struct tcp_headers *h, const struct tcp_words *words, size_t size);

#endif
