/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack.h - libslirp, driven by our loop
 *
 * libslirp asks to be called twice a second as long as there is any TCP connection or UDP
 * flow. It needs that only while something is under way; stack_prepare() finds out.
 */
#ifndef NET_STACK_H
#define NET_STACK_H

#include "net/loop.h"
#include "net/neighbour.h"
#include "net/settings.h"

/* New TCP connections are put off above this number of sockets. */
#define STACK_FLOWS_MAX 4096

/*
 * What libslirp takes the container's MTU for. Its segments have this size whatever the
 * container says, since it reads the options of a connection only that is there at once. Two
 * of them fill its window of 65535 bytes, and just fit in one packet (segments.h). The price:
 * a datagram of IPv6 that is larger does not get in, since it would have to come in pieces.
 */
#define STACK_MTU (32736 + 60)
#define STACK_MRU 65521
/* Larger ones than the MTU it refuses, of IPv6 only. */
#define STACK_IPV6_MAX STACK_MTU

struct stack;

/* Where frames for the container go. */
typedef void (*stack_send)(void *opaque, const void *frame, size_t size);

struct stack *stack_new(const struct net_settings *settings, struct loop *loop, stack_send send,
	void *opaque, struct err *e);

/* The hardware address of somebody whom libslirp looks for; false when he is not known. */
typedef bool (*stack_find)(void *opaque, const struct neighbour *who, uint8_t ret_mac[6]);

/* From now on whom @find knows is not looked for inside; with stack_new()'s @opaque. */
void stack_know_neighbours(struct stack *stack, stack_find find);

/* TCP connections to the resolver's address go to this socket: IPv4 only, as libslirp has it. */
bool stack_forward_dns(struct stack *stack, const char *unix_path, struct in_addr dns4);

/* A frame from the container. */
void stack_input(struct stack *stack, const uint8_t *frame, size_t size);
size_t stack_flows(const struct stack *stack);

/* Tells the loop what is wanted, and returns how long it may wait: milliseconds, or -1. */
int stack_prepare(struct stack *stack);
/* After the wait. */
void stack_handle(struct stack *stack);

int64_t stack_now_ms(void);

#endif
