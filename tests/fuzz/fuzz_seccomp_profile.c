/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "spec/seccomp_profile.h"
#include "sys/seccomp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct profile_context context = {.name = "p", .kernel_major = 6};
	struct arena arena;
	struct err e = ERR_INIT;
	struct notes notes = {0};
	struct seccomp_rules rules;
	struct seccomp_filter filter;
	if (size > 16384 || !arena_init(&arena, &e))
		return 0;
	const char *text = arena_strndup(&arena, (const char *)data, size);
	if (seccomp_profile_read(text, &context, &arena, &rules, &e))
		seccomp_compile_profile(&rules, &arena, &notes, &filter, &e);
	arena_done(&arena);
	return 0;
}
