/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "spec/secret_text.h"
#include "store/secret.h"

#include <string.h>

/* A secret's file, and the option's text: what was read and is written again reads the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct err e = ERR_INIT;
	struct secret s;
	if (size < 1 || size > 8192 || !arena_init(&arena, &e))
		return 0;
	char *text = arena_alloc(&arena, size);
	memcpy(text, data + 1, size - 1);
	if (data[0] % 2) {
		if (secret_from_text(text, size - 1, true, &arena, &s, &e) &&
			(s.size >= SECRET_SIZE_LIMIT || s.data[s.size]))
			__builtin_trap();
	} else {
		struct spec spec = {.arena = &arena};
		if (spec_add_secret(&spec, text, &e) &&
			(!spec_add_secret(&spec, secret_to_text(&spec.secrets[0], &arena), &e) ||
				strcmp(spec.secrets[0].target, spec.secrets[1].target) != 0))
			__builtin_trap();
	}
	arena_done(&arena);
	return 0;
}
