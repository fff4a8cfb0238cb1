/* SPDX-License-Identifier: Apache-2.0 */
/* registries.conf, and what it makes of a name. */
#include "fuzz.h"

#include "image/registries.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct err e = ERR_INIT;
	struct registries r = {0};
	if (!arena_init(&arena, &e))
		return 0;
	const char *text = arena_strndup(&arena, (const char *)data, size);
	if (registries_parse(&arena, text, &r, &e)) {
		const struct registry_rule *rule = registries_find(&r, "example.com/team/image");
		if (rule && rule->location)
			(void)registries_replace(
				&arena, rule, rule->location, "example.com/team/image");
	}
	arena_done(&arena);
	return 0;
}
