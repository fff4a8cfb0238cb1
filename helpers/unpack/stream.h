/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - packed bytes to plain ones, hashed on both sides, on threads of their own
 *
 * Three stages over one ring of blocks: a thread reads, hashes what it read and inflates
 * into a block; a second hashes the block; the caller consumes it. Each stage works on
 * another block, so the slowest alone sets the pace, and memory stays at the ring's size.
 * The file may still be growing: then an eventfd says that there is more.
 */
#ifndef UNPACK_STREAM_H
#define UNPACK_STREAM_H

#include "base/err.h"
#include "unpack/digest.h"

#include <stdint.h>
#include <sys/types.h>

struct stream;

struct stream_source {
	int fd;		  /* read from its beginning; borrowed */
	int more_fd;	  /* eventfd, counts up when the file has grown; -1: it is complete */
	int64_t size;	  /* packed bytes; -1: up to the end of the file */
	int64_t size_max; /* plain bytes at most */
	int64_t ratio_max;
};

struct stream_result {
	char packed[DIGEST_HEX_SIZE]; /* SHA-256 of what was read */
	char plain[DIGEST_HEX_SIZE];  /* and of what came out */
	int64_t packed_size;
	int64_t plain_size;
};

/* NULL with @e filled when there is no memory or no thread. */
struct stream *stream_start(const struct stream_source *source, struct err *e);

/*
 * stream_next() - the next plain block; valid until the next call
 * Returns its size, 0 at the end, -1 with @e filled: truncated, corrupt, a bomb.
 */
ssize_t stream_next(struct stream *s, const void **ret_block, struct err *e);

/* Consumes what is left; then the sums are right. */
bool stream_drain(struct stream *s, struct stream_result *ret, struct err *e);

/* Ends the threads wherever they are. */
void stream_free(struct stream *s);

#endif
