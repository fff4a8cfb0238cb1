/* SPDX-License-Identifier: Apache-2.0 */
/* lines.h - a text that grows: doubled in the arena, so that its cost is that of its length */
#ifndef QUADLET_LINES_H
#define QUADLET_LINES_H

#include "base/arena.h"

struct lines {
	struct arena *arena;
	char *v; /* NULL: nothing yet */
	size_t n, room;
};

void lines_add_bytes(struct lines *to, const char *bytes, size_t n);
/* Texts one after the other, up to a NULL. */
void lines_add(struct lines *to, ...) __attribute__((sentinel));
/* What is there; "" when nothing is. */
const char *lines_text(const struct lines *from);

#endif
