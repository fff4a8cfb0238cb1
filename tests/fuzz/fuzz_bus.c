/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "scope/bus.h"

#include <stdlib.h>
#include <string.h>

/* What a manager sends: texts end within the message, and its size is that of the input at most. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bus_message m;
	/* A copy of exactly this size: a byte too far is seen. */
	uint8_t *copy = malloc(size ? size : 1);
	memcpy(copy, data, size);
	long n = bus_parse(copy, size, &m);
	if (n > 0) {
		if ((size_t)n > size)
			abort();
		for (size_t i = 0; i < m.n_words; i++)
			if (m.words[i] + strlen(m.words[i]) >= (char *)copy + n)
				abort();
		if (m.member[0] && m.member + strlen(m.member) >= (char *)copy + n)
			abort();
	}
	free(copy);
	return 0;
}
