/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buffer.h - what one end of a connection said and the other has not taken yet
 *
 * A ring that exists only while something is in it: a connection at rest has no memory here.
 * What comes before its turn lies already where it belongs, behind a hole.
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
	uint32_t early; /* from the end of what is used to that of what came before its turn */
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
/* So many are there now, put there or by buffer_put_early(); 0 is allowed. */
void buffer_put(struct buffers *all, struct buffer *b, size_t size);
/* Copies what fits; returns how much that is. */
size_t buffer_append(struct buffers *all, struct buffer *b, const uint8_t *bytes, size_t size);

/*
 * buffer_put_early() - bytes with a hole of @gap before them
 * False when they do not all fit, or memory is short: nothing is changed then.
 */
bool buffer_put_early(
	struct buffers *all, struct buffer *b, size_t gap, const uint8_t *bytes, size_t size);
/* Of an empty one: so many bytes of the hole came, and went on without being put here. */
void buffer_pass(struct buffers *all, struct buffer *b, size_t size);
/* What came early will never have its turn. */
void buffer_drop_early(struct buffers *all, struct buffer *b);

/* The bytes from @at on, which is less than what is used, as far as they lie in one piece. */
const uint8_t *buffer_look(const struct buffer *b, size_t at, size_t *ret_size);
/* The first @size bytes are no longer needed. */
void buffer_drop(struct buffers *all, struct buffer *b, size_t size);
void buffer_free(struct buffers *all, struct buffer *b);
/* What is kept for the next ones. */
void buffers_free(struct buffers *all);

#endif
