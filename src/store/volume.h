/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume.h - directories that have a name and outlive containers
 *
 * <data_dir>/volumes/<name>/_data	what containers see
 * <data_dir>/volumes/<name>/volume	a line a label; its time is the volume's birth
 *
 * Whoever uses a volume has a shared lock on <name>/; who removes it wants that alone.
 */
#ifndef STORE_VOLUME_H
#define STORE_VOLUME_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

struct volume {
	const char *name, *path; /* of _data */
	int64_t created_ns;
	struct strv labels;
};

/* Makes it unless it is there; @labels may be NULL. @ret_is_new may be NULL. */
bool volume_make(const char *data_dir, const char *name, const struct strv *labels,
	bool *ret_is_new, struct err *e);

/* Errors: ERR_STATE there is none. */
bool volume_read(const char *data_dir, const char *name, struct arena *arena, struct volume *ret,
	struct err *e);

/* Names, sorted. */
bool volume_list(const char *data_dir, struct arena *arena, struct strv *ret, struct err *e);

/* Held as long as the volume is used; -1 in *ret_fd when its file system has no locks. */
bool volume_use(const char *data_dir, const char *name, int *ret_fd, struct err *e);

/*
 * volume_take_away() - out of sight, under another name, to be removed from there
 * @ret_path: where it is now
 * Errors: ERR_STATE it is not there, or in use.
 */
bool volume_take_away(const char *data_dir, const char *name, struct arena *arena,
	const char **ret_path, struct err *e);

#endif
