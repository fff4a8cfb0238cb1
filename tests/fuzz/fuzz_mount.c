/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "spec/mount_options.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	typedef bool reader(const char *, struct arena *, struct mount_spec *, struct err *);
	reader *const readers[] = {mount_from_volume, mount_from_mount, mount_from_tmpfs};
	struct arena arena;
	struct err e = ERR_INIT;
	struct mount_spec m;
	struct mount_flags flags;
	if (size < 1 || size > 4096 || !arena_init(&arena, &e))
		return 0;
	const char *text = arena_strndup(&arena, (const char *)data + 1, size - 1);
	if (readers[data[0] % 3](text, &arena, &m, &e)) {
		if (m.destination[0] != '/' || strstr(m.destination, "/../"))
			__builtin_trap();
		mount_options_parse(&m, &arena, &flags, &e);
	}
	arena_done(&arena);
	return 0;
}
