/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h - archive entries into a directory that is this process's root
 *
 * The archive is an attacker's. Three things keep it inside: names with ".." are refused,
 * parents are resolved by openat2(RESOLVE_IN_ROOT) and used by descriptor, and the
 * process has made the destination its root before the first byte came in.
 *
 * A layer's whiteouts become what overlayfs knows with "userxattr": character device 0:0,
 * and user.overlay.opaque [image-spec layer.md; kernel overlayfs.rst].
 */
#ifndef UNPACK_TREE_H
#define UNPACK_TREE_H

#include "base/err.h"

#include <archive.h>
#include <archive_entry.h>
#include <limits.h>
#include <stdint.h>

#define TREE_MAP_MAX 340

struct id_ranges {
	uint32_t first[TREE_MAP_MAX];
	uint32_t count[TREE_MAP_MAX];
	size_t n;
};

struct tree_directory {
	char *path;
	int64_t mtime;
	long mtime_ns;
};

struct tree {
	int root_fd;
	bool is_single; /* one id: owners that cannot be had go into an attribute */
	bool is_layer;	/* .wh. names are whiteouts */
	bool is_copy;	/* into a directory that is in use, by docker cp's rules */
	struct id_ranges uids, gids;
	int64_t entries, entries_max;
	int64_t lost; /* attributes that this file system does not take */
	char lost_text[200];
	int64_t skipped;  /* of a copy: devices and pipes */
	int64_t unmapped; /* of a copy: owners that became root */
	int parent_fd;	  /* of the last entry: most entries stand beside their predecessor */
	char parent[PATH_MAX];
	struct tree_directory *directories; /* their times are set at the end */
	size_t n_directories, room;
};

/* The maps of this process: to be read while /proc can still be seen. */
bool tree_read_maps(struct tree *t, struct err *e);

/* One entry with its data from @in, which may be NULL where there is none. */
bool tree_add(struct tree *t, struct archive *in, struct archive_entry *entry, struct err *e);

/* Removes one entry of a directory, with everything in it; a missing one is fine. */
bool tree_remove(int dir_fd, const char *name, struct err *e);

/* Removes everything in the root. */
bool tree_clear(struct tree *t, struct err *e);

/* Times of directories, last: each entry in one had changed them. */
bool tree_finish(struct tree *t, struct err *e);

void tree_done(struct tree *t);

#endif
