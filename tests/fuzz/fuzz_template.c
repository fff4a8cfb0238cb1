/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "cmd/template.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char document[] = "{\"A\": {\"B\": \"text\", \"C\": [1, \"two\", null]}, "
				       "\"D\": [], \"E\": {\"k\": true}}";
	struct arena arena;
	struct err e = ERR_INIT;
	char *text = NULL;
	size_t length;
	/* Blocks in blocks repeat each other: what is long is only slow. */
	if (size > 512 || !arena_init(&arena, &e))
		return 0;
	json_t *value = json_loads(document, 0, NULL);
	FILE *out = open_memstream(&text, &length);
	bool ok = template_print(
		out, value, arena_strndup(&arena, (const char *)data, size), &arena, &e);
	if (!ok && !e.what[0])
		__builtin_trap();
	fclose(out);
	free(text);
	json_decref(value);
	arena_done(&arena);
	return 0;
}
