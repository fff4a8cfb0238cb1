/* SPDX-License-Identifier: Apache-2.0 */
/* host_parts.h - the parts of host_probe(), one file each */
#ifndef HOST_HOST_PARTS_H
#define HOST_HOST_PARTS_H

#include "host/host.h"

/* Subordinate ranges of the caller, from libsubid by way of a helper and a cache. */
void ranges_find(struct host *host, struct arena *arena);

/* Fills rung, rung_reason, rung_hint, newuidmap, newgidmap. */
void ladder_find(struct host *host, struct arena *arena);

/*
 * ranges_parse() - the answer of guscio-subid: lines "u START COUNT" and "g START COUNT"
 * False when a line is anything else.
 */
bool ranges_parse(struct host *host, struct arena *arena, const char *text);

/* Every id of /proc/self/uid_map text, as seen inside, without @own. */
bool ranges_from_map(
	const char *text, uint32_t own, struct arena *arena, struct id_range **ret, size_t *ret_n);

#endif
