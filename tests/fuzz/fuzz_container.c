/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "state/container_text.h"

#include <stdlib.h>
#include <string.h>

/* What is read and written again reads the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena arena;
	struct err e = ERR_INIT;
	struct container c, again;
	if (size >= CONTAINER_TEXT_MAX || (!arena.base && !arena_init(&arena, &e)))
		return 0;
	memset(arena.base, 0, arena.used);
	arena.used = 0;
	container_init(&c);
	if (!container_from_text(arena_strndup(&arena, (const char *)data, size), &arena, &c, &e))
		return 0;
	char *text = container_to_text(&c);
	container_init(&again);
	if (!text || !container_from_text(text, &arena, &again, &e) || strcmp(c.name, again.name) ||
		c.labels.n != again.labels.n || c.phase != again.phase)
		__builtin_trap();
	free(text);
	return 0;
}
