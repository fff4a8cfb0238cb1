/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "unpack/entry_name.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *clean;
	char *name = malloc(size + 1);
	memcpy(name, data, size);
	name[size] = '\0';
	if (entry_name_check(name, &clean)) {
		size_t n = strlen(clean);
		if (clean[0] == '/' || !strcmp(clean, "..") || !strncmp(clean, "../", 3) ||
			strstr(clean, "/../") || (n > 2 && !strcmp(clean + n - 3, "/..")))
			__builtin_trap();
	}
	free(name);
	return 0;
}
