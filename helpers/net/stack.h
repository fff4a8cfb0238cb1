/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack.h - libslirp, driven by our loop: all that is not TCP
 *
 * libslirp asks to be called twice a second as long as there is any flow. It needs that
 * only while something is under way; stack_prepare() finds out.
 */
#ifndef NET_STACK_H
#define NET_STACK_H

#include "net/loop.h"
#include "net/neighbour.h"
#include "net/settings.h"

/* As large as libslirp can: what the device's MTU is, is tap_write()'s concern. */
#define STACK_MTU 65521

struct stack;

/* Where frames for the container go. */
typedef void (*stack_send)(void *opaque, const void *frame, size_t size);

struct stack *stack_new(const struct net_settings *settings, struct loop *loop, stack_send send,
	void *opaque, struct err *e);

/* The hardware address of somebody whom libslirp looks for; false when he is not known. */
typedef bool (*stack_find)(void *opaque, const struct neighbour *who, uint8_t ret_mac[6]);

/* From now on whom @find knows is not looked for inside; with stack_new()'s @opaque. */
void stack_know_neighbours(struct stack *stack, stack_find find);

/* Who asks for the hardware address of the resolver is told one. */
bool stack_answer_for_dns(struct stack *stack, struct in_addr dns4);

/* A frame from the container. */
void stack_input(struct stack *stack, const uint8_t *frame, size_t size);
size_t stack_flows(const struct stack *stack);

/* Tells the loop what is wanted, and returns how long it may wait: milliseconds, or -1. */
int stack_prepare(struct stack *stack);
/* After the wait. */
void stack_handle(struct stack *stack);

#endif
