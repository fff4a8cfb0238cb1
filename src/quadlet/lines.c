/* SPDX-License-Identifier: Apache-2.0 */
#include "quadlet/lines.h"

#include <string.h>

void lines_add_bytes(struct lines *to, const char *bytes, size_t n)
{
	if (to->n + n + 1 > to->room) {
		size_t room = 2 * (to->n + n) + 256;
		char *v = arena_alloc(to->arena, room);
		if (to->n)
			memcpy(v, to->v, to->n);
		to->v = v;
		to->room = room;
	}
	memcpy(to->v + to->n, bytes, n);
	to->n += n;
	to->v[to->n] = '\0';
}

void lines_add(struct lines *to, ...)
{
	const char *text;
	va_list texts;
	va_start(texts, to);
	while ((text = va_arg(texts, const char *)))
		lines_add_bytes(to, text, strlen(text));
	va_end(texts);
}

const char *lines_text(const struct lines *from)
{
	return from->v ? from->v : "";
}
