/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "spec/document.h"

#include <stdlib.h>

/* What reads must print, and what is printed must read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct err e = ERR_INIT;
	struct notes notes = {0};
	struct spec spec;
	if (!arena_init(&arena, &e))
		return 0;
	spec_init(&spec, &arena);
	spec.id = "0123456789abcdef";
	if (spec_from_json(&spec, (const char *)data, size, "/bundle", &notes, &e) &&
		spec_freeze(&spec, &notes, &e))
		free(spec_to_json(&spec));
	arena_done(&arena);
	return 0;
}
