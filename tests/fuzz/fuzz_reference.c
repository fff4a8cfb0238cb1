/* SPDX-License-Identifier: Apache-2.0 */
/* Names of images: a full name must parse to itself, and hold nothing that a URL or path minds. */
#include "fuzz.h"

#include "store/reference.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct err e = ERR_INIT;
	struct reference r, again;
	if (!arena_init(&arena, &e))
		return 0;
	const char *text = arena_strndup(&arena, (const char *)data, size);
	if (reference_parse(&arena, text, &r, &e)) {
		if (strpbrk(r.name, " \t\r\n?#%\\\"'") || strstr(r.name, "//") ||
			strstr(r.repository, ".."))
			__builtin_trap();
		if (!reference_parse(&arena, r.name, &again, &e) || strcmp(r.name, again.name))
			__builtin_trap();
	}
	arena_done(&arena);
	return 0;
}
