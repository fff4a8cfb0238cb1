/* SPDX-License-Identifier: Apache-2.0 */
/* inflate.h - gzip, zstd and xz behind one face; which one, the first bytes say */
#ifndef UNPACK_INFLATE_H
#define UNPACK_INFLATE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct inflate;

/* @head: the first bytes of the input, as many as there are. NULL: no memory, with @e filled. */
struct inflate *inflate_new(const unsigned char *head, size_t size, struct err *e);
void inflate_free(struct inflate *in);

struct inflate_step {
	const unsigned char *in;
	size_t in_left;
	unsigned char *out;
	size_t out_left;
	bool is_last; /* nothing comes behind in */
};

/*
 * inflate_step() - take from in and give to out until one of them is used up
 * Errors: ERR_INPUT the data is corrupt.
 */
bool inflate_step(struct inflate *in, struct inflate_step *step, struct err *e);

/* May the input end here? Not in the middle of a member or frame. */
bool inflate_is_complete(const struct inflate *in);

#endif
