/* SPDX-License-Identifier: Apache-2.0 */
/* idmaps.h - which ids a container gets: the ladder, as arithmetic */
#ifndef PLAN_IDMAPS_H
#define PLAN_IDMAPS_H

#include "host/host.h"
#include "spec/spec.h"

struct idmaps {
	struct id_map uid;
	struct id_map gid;
	enum map_rung rung;  /* how they get written */
	uint32_t caller_uid; /* the caller's ids as seen inside */
	uint32_t caller_gid;
	bool root_mapped;     /* uid 0 and gid 0 exist inside */
	uint32_t default_uid; /* whom the program runs as without -u */
	uint32_t default_gid;
};

/*
 * idmaps_plan() - maps for this spec on this machine
 *
 * auto:    0 is the caller, 1… the subordinate ranges in their order, as many
 *          as there are (a range of 2,000 works, with a note that says what
 *          that costs: files of ids above cannot be had); without ranges or
 *          helpers one id, with one note (rung_reason).
 * keep-id: the caller's own uid and gid inside, subordinate ids around it.
 *          When ranges are too short to reach the own id, the ids from 0 up
 *          as far as they go. Without ranges: only the own id, with a note.
 * single:  0 is the caller, nothing else.
 * manual:  as given, checked (own ids or subordinate ones only, no overlap);
 *          only one of the two given: the other is the same numbers.
 * USERNS_JOIN: empty maps; the namespace has its own.
 *
 * Errors: ERR_USAGE a manual map that is wrong, ERR_HOST one that this
 *         machine does not grant (names the id and the range that is allowed).
 */
bool idmaps_plan(const struct spec *spec, const struct host *host, struct arena *arena,
	struct idmaps *ret, struct notes *notes, struct err *e);

#endif
