/* SPDX-License-Identifier: Apache-2.0 */
/* files.h - small files that are there as a whole or not at all */
#ifndef SYS_FILES_H
#define SYS_FILES_H

#include "base/arena.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Makes a directory with its parents; the last one with @mode. */
bool files_make_path(const char *path, mode_t mode, struct err *e);

/* Temporary file, fsync, rename, fsync of the directory. */
bool files_write(int dir_fd, const char *name, const void *data, size_t size, struct err *e);

/*
 * The same for what only its owner may read.
 * @replaces: false: with e->sys EEXIST when there is one already
 */
bool files_write_private(
	int dir_fd, const char *name, const void *data, size_t size, bool replaces, struct err *e);

/*
 * files_read() - a whole file of at most @size_max bytes, malloc'ed and zero-ended
 * Errors: with e->sys ENOENT when it is missing.
 */
bool files_read(
	int dir_fd, const char *name, size_t size_max, char **ret, size_t *ret_size, struct err *e);
bool files_read_fd(
	int fd, const char *name, size_t size_max, char **ret, size_t *ret_size, struct err *e);

/* The path of this very program; a build that was replaced meanwhile has the old one's place. */
/* Adds the names in a directory but the hidden ones, sorted; -1 has none. */
void files_list(int take_dir_fd, struct arena *arena, struct strv *ret);

bool files_own_program(char *ret, size_t size, struct err *e);

/*
 * files_tree_size() - bytes of all files below a directory; one with several names once, as long
 *                     as all of these are below it
 * False when something could not be looked into, which belongs to a subordinate id.
 */
bool files_tree_size(int dir_fd, const char *name, int64_t *ret);

#endif
