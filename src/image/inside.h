/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inside.h - helpers of ours in a user namespace with a container's ids
 *
 * Files of subordinate ids can be made, read and removed only there.
 */
#ifndef IMAGE_INSIDE_H
#define IMAGE_INSIDE_H

#include "apply/proc.h"

struct inside {
	const struct host *host;
	struct arena *arena;
	struct notes *notes;
	enum userns_mode userns;
	struct id_map uid_map, gid_map; /* USERNS_MANUAL */
};

/* For a container to come: its id map. */
struct inside inside_of(const struct spec *spec, const struct host *host, struct notes *notes);

/*
 * inside_map() - one name for an id map: trees made with different maps have different owners
 * Errors: ERR_USAGE for a joined namespace, whose ids are not known here.
 */
bool inside_map(const struct inside *in, const char **ret, struct err *e);

/* A program with these descriptors and nothing else; drop it with proc_drop(). */
bool inside_start(const struct inside *in, const struct strv *args, const int *fds, size_t n_fds,
	struct plan *plan, struct proc *ret, struct err *e);

#endif
