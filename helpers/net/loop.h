/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.h - which descriptors are watched, and who wants to know
 *
 * One epoll set. An entry of the table is a descriptor's number; what is wanted of it is
 * told to the kernel only when that changes. Events are first collected, then handled: a
 * handler may close any descriptor and open another of the same number, whose entry then
 * has no events.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/err.h"

#include <stdint.h>

struct loop;
/* @events: EPOLLIN and so on. */
typedef void (*loop_ready)(void *opaque, int fd, uint32_t events);

struct loop *loop_new(struct err *e);
/* The descriptors that are still watched stay open. */
void loop_free(struct loop *loop);

/*
 * Start to watch. With @ready NULL events are fetched by loop_events(), and what is wanted
 * holds for one round only. False when memory is short.
 */
bool loop_add(struct loop *loop, int fd, uint32_t events, loop_ready ready, void *opaque);
/* Other events; 0: none, the descriptor stays known. */
void loop_want(struct loop *loop, int fd, uint32_t events);
/* Before the descriptor is closed. A descriptor that is not watched is no error. */
void loop_remove(struct loop *loop, int fd);
/* Begin a round: descriptors without handler want nothing until they say so again. */
void loop_begin_round(struct loop *loop);
/* What was collected for a descriptor without handler. */
uint32_t loop_events(const struct loop *loop, int fd);

/* Collect events for at most @timeout_ms (-1: for ever) and call the handlers. */
void loop_wait(struct loop *loop, int timeout_ms);

/* Of CLOCK_MONOTONIC. */
int64_t loop_now_ms(void);

#endif
