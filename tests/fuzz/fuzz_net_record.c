/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a named network: a file that somebody may have edited. */
#include "fuzz.h"

#include "net/record.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct net_record record;
	struct err e = ERR_INIT;
	if (size > NET_RECORD_MAX || !arena_init(&arena, &e))
		return 0;
	/* What is believed can be written again. */
	if (net_record_parse((const char *)data, size, "back", &arena, &record, &e))
		free(net_record_print(&record));
	arena_done(&arena);
	return 0;
}
