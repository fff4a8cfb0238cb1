/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "state/event.h"

#include <string.h>

/* What is read and written again reads the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct err e = ERR_INIT;
	struct event event, again;
	char line[EVENT_LINE_MAX];
	if (size > EVENT_LINE_MAX || !arena_init(&arena, &e))
		return 0;
	char *text = arena_strndup(&arena, (const char *)data, size);
	if (event_from_line(text, &arena, &event)) {
		size_t n = event_to_line(&event, line);
		if (n > EVENT_LINE_MAX || (n && (line[n - 1] != '\n' || memchr(line, '\n', n - 1))))
			__builtin_trap();
		char *copy = n ? arena_strndup(&arena, line, n - 1) : NULL;
		if (copy && (!event_from_line(copy, &arena, &again) || again.ns != event.ns ||
				    strcmp(again.action, event.action) != 0 ||
				    again.attributes.n > event.attributes.n))
			__builtin_trap();
	}
	arena_done(&arena);
	return 0;
}
