/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.h - what a frame from the container is, before anybody acts on it
 *
 * Only what decides the way is read: the container may send any bytes. ARP, neighbour
 * discovery are libslirp's, everything inside TCP is tcp.h's.
 */
#ifndef NET_FRAME_H
#define NET_FRAME_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_ETHERNET 14
#define FRAME_MAX      (FRAME_ETHERNET + 65535)
/* Ethernet, IPv6 and UDP: what comes before the answer of the resolver. */
#define FRAME_DNS_HEADERS (FRAME_ETHERNET + 40 + 8)

/* Where the resolver is seen. A family that is off has an address that nobody sends to. */
struct frame_own {
	struct in_addr dns4;
	struct in6_addr dns6;
};

enum frame_kind {
	FRAME_PASS, /* to libslirp */
	FRAME_DROP,
	FRAME_DNS,	/* a datagram for the resolver */
	FRAME_TCP,	/* see tcp.h */
	FRAME_FRAGMENT, /* a piece of a datagram, see fragment.h */
};

/* Who asked, so that the answer finds back. */
struct frame_return {
	uint8_t ethernet[FRAME_ETHERNET]; /* of the question */
	bool is_v6;
	struct in6_addr from, to; /* of the question; an IPv4 address in the first bytes */
	uint16_t from_port;	  /* in network order, as below */
	uint16_t to_port;
};

struct frame {
	const uint8_t *payload; /* of FRAME_DNS */
	size_t size;
	struct frame_return back;
};

/*
 * frame_look() - which way a frame goes
 * @ret: filled for FRAME_DNS only
 *
 * Dropped are addresses that no kernel sends to a network but that would mean the host's
 * own loopback where libslirp opens a socket (127.0.0.1, 0.0.0.0, ::1, ::ffff:127.0.0.1).
 * Dropped are also the servers that libslirp has inside (DHCP, TFTP, router advertisements):
 * addresses and routes here are static, and what is not reached has no holes. The resolver's
 * address means nothing to libslirp, which would look for it on the host's network.
 */
enum frame_kind frame_look(
	const uint8_t *bytes, size_t size, const struct frame_own *own, struct frame *ret);

/*
 * frame_stays_inside() - is it for the resolver, or does it only look for neighbours?
 * For networks with no way out: everything else is dropped.
 */
bool frame_stays_inside(const uint8_t *bytes, size_t size, const struct frame_own *own);

/*
 * frame_answer() - an Ethernet frame with one UDP datagram back to where a question came from
 * @out: room for FRAME_DNS_HEADERS and @size
 * Returns its size; 0 when it is too long for a datagram.
 */
size_t frame_answer(
	const struct frame_return *back, const uint8_t *payload, size_t size, uint8_t *out);

/* What headers an answer has on its way. */
size_t frame_headers(const struct frame_return *back);

/*
 * frame_tcp_header() - the IP header's size before TCP
 * 0 for anything else than a whole TCP segment after an IP header without options.
 */
size_t frame_tcp_header(const uint8_t *bytes, size_t size);
/* For the same frame: the checksum over addresses, protocol and length only. */
uint16_t frame_pseudo_sum(const uint8_t *bytes, size_t size);

/*
 * Is it libslirp's word that a packet to the container is too big? It tells the container, which
 * would take it for one about its own packets.
 */
bool frame_is_too_big(const uint8_t *bytes, size_t size);

/* Is it a whole IPv4 packet without options, and not TCP, whose segments have other ways? */
bool frame_may_fragment(const uint8_t *bytes, size_t size);
/* Makes of the headers of a whole packet those of a piece, @at and @size bytes of its payload. */
void frame_make_fragment(uint8_t *headers, size_t at, size_t size, bool is_more);

/* One's complement sum of 16-bit words, not yet folded [RFC 1071]. */
uint64_t frame_sum(const uint8_t *bytes, size_t size, uint64_t sum);
/* The checksum's two bytes as they stand in a header. */
uint16_t frame_fold(uint64_t sum);

#endif
