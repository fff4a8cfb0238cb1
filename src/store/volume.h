/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume.h - directories that have a name and outlive containers
 *
 * <data_dir>/volumes/<name>/_data	what containers see
 * <data_dir>/volumes/<name>/volume	a line a label; its time is the volume's birth
 * <data_dir>/volumes/<name>/_data.new	is being filled from an image; a rename makes it _data
 * <data_dir>/volumes/<name>/fill	lock: who looks whether it must be filled, and fills it
 *
 * Whoever uses a volume has a shared lock on <name>/, or a container that runs on record; who
 * removes or fills it wants the lock alone.
 */
#ifndef STORE_VOLUME_H
#define STORE_VOLUME_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

/* docker's label of volumes without a name. */
#define VOLUME_ANONYMOUS "com.docker.volume.anonymous"
#define VOLUME_FILLED	 "_data.new"

struct volume {
	const char *name, *path; /* of _data */
	int64_t created_ns;
	struct strv labels;
};

/* Makes it unless it is there; @labels may be NULL. @ret_is_new may be NULL. */
bool volume_make(const char *data_dir, const char *name, const struct strv *labels,
	bool *ret_is_new, struct err *e);

/* The same under a name that nobody has chosen, labelled so; not waited for by the disk. */
bool volume_make_anonymous(const char *data_dir, const char *name, struct err *e);
bool volume_is_anonymous(const struct volume *v);

/* Errors: ERR_STATE there is none. */
bool volume_read(const char *data_dir, const char *name, struct arena *arena, struct volume *ret,
	struct err *e);

/* Names, sorted. */
bool volume_list(const char *data_dir, struct arena *arena, struct strv *ret, struct err *e);

/*
 * volume_use() - held as long as the volume is used
 * Waits while somebody fills it. On a file system without locks there is none.
 * Errors: ERR_STATE it is not there, or was removed meanwhile.
 */
bool volume_use(const char *data_dir, const char *name, int *ret_fd, struct err *e);

struct volume_filling {
	int lock_fd;  /* of all that want to fill it */
	int dir_fd;   /* of the volume */
	bool is_ours; /* it is empty, and nobody has it: make VOLUME_FILLED in @dir_fd */
};

#define VOLUME_FILLING_INIT                                                                        \
	{                                                                                          \
		.lock_fd = -1, .dir_fd = -1                                                        \
	}

/*
 * volume_begin_filling() - may it be filled, and by us? Waits for who is at it
 * volume_end_filling() - VOLUME_FILLED, if it is there, becomes the content at once
 * @ret_use_fd: as of volume_use(), without a moment in between
 */
bool volume_begin_filling(
	const char *data_dir, const char *name, struct volume_filling *ret, struct err *e);
bool volume_end_filling(const char *data_dir, const char *name, struct volume_filling *filling,
	int *ret_use_fd, struct err *e);

/*
 * volume_take_away() - out of sight, under another name, to be removed from there
 * @ret_path: where it is now
 * Errors: ERR_STATE it is not there, or in use.
 */
bool volume_take_away(const char *data_dir, const char *name, struct arena *arena,
	const char **ret_path, struct err *e);

#endif
