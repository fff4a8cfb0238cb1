/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path.h - names inside a root that somebody else controls [openat2(2)]
 *
 * A path is resolved once, as if the root were "/", never through /proc's
 * magic links, and used by descriptor from then on. Nothing here allocates.
 */
#ifndef SYS_PATH_H
#define SYS_PATH_H

#include "base/err.h"

#include <stddef.h>
#include <sys/types.h>

/* @flags as open(2); the result is close-on-exec. */
bool path_open_in_root(int root_fd, const char *path, int flags, int *ret_fd, struct err *e);

/* The same, but no component may be a symbolic link and no mount may be crossed:
 * for files of a file system that we made ourselves. */
bool path_open_beneath(int dir_fd, const char *path, int flags, int *ret_fd, struct err *e);

enum path_kind { PATH_DIRECTORY, PATH_FILE };

/*
 * path_make_in_root() - a place to mount on, made when missing
 * @kind: what to make; missing parents become directories of mode 0755
 * @ret_fd: O_PATH descriptor of the place, following links inside the root
 * Errors: a place of the other kind is ENOTDIR or EISDIR.
 */
bool path_make_in_root(
	int root_fd, const char *path, enum path_kind kind, int *ret_fd, struct err *e);

/*
 * path_read() - at most @size - 1 bytes of a file inside a root, zero-ended
 * A missing file is success with size 0, and @buf is left alone; one that is larger is
 * ERR_INPUT; what is no regular file is passed over as if missing.
 */
bool path_read_in_root(
	int root_fd, const char *path, char *buf, size_t size, size_t *ret_size, struct err *e);

/* Writes @text in one write(2), as files under /proc/sys want it. */
bool path_write_beneath(int dir_fd, const char *path, const char *text, struct err *e);

/*
 * path_explain_denied() - after EACCES: name the directory that may not be searched
 * Adds the hint to @e; does nothing when every parent can be searched.
 */
void path_explain_denied(const char *path, struct err *e);

#endif
