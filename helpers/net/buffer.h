/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buffer.h - what one end of a connection said and the other has not taken yet
 *
 * A ring that exists only while something is in it: a connection at rest has no memory here.
 */
#ifndef NET_BUFFER_H
#define NET_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A whole number of the largest segments (tcp_segment.h), so that none is cut at the ring's end. */
#define BUFFER_SIZE	 (4 * 65280)
#define BUFFER_SIZE_LESS 32640 /* where many connections are stuck at once */
#define BUFFERS_FULL	 128   /* so many may be large */
#define BUFFERS_SPARE	 8

struct buffer {
	uint8_t *bytes; /* NULL: empty */
	uint32_t size, head, used;
};

/* All buffers of one network. */
struct buffers {
	size_t n; /* in use */
	size_t n_spare;
	uint8_t *spare[BUFFERS_SPARE]; /* of BUFFER_SIZE */
};

/* Bytes that still fit. */
size_t buffer_room(const struct buffers *all, const struct buffer *b);

/*
 * buffer_space() - where the next bytes go, in one piece
 * @ret_size: how many fit there; more may fit at the ring's beginning
 * NULL when it is full, or memory is short.
 */
uint8_t *buffer_space(struct buffers *all, struct buffer *b, size_t *ret_size);
/* So many were put there; 0 is allowed. */
void buffer_put(struct buffers *all, struct buffer *b, size_t size);
/* Copies what fits; returns how much that is. */
size_t buffer_append(struct buffers *all, struct buffer *b, const uint8_t *bytes, size_t size);

/* The bytes from @at on, which is less than what is used, as far as they lie in one piece. */
const uint8_t *buffer_look(const struct buffer *b, size_t at, size_t *ret_size);
/* The first @size bytes are no longer needed. */
void buffer_drop(struct buffers *all, struct buffer *b, size_t size);
void buffer_free(struct buffers *all, struct buffer *b);
/* What is kept for the next ones. */
void buffers_free(struct buffers *all);

#endif
