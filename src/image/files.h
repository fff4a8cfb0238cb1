/* SPDX-License-Identifier: Apache-2.0 */
/* files.h - archives that the user names: whole or not at all, "-" for the standard streams */
#ifndef IMAGE_FILES_H
#define IMAGE_FILES_H

#include "base/arena.h"
#include "base/err.h"

struct out_file {
	int fd;
	const char *path;      /* as the user wrote it; NULL: standard output */
	const char *temporary; /* written first, renamed at the end; NULL: written in place */
};

/*
 * out_file_open() - where an archive goes
 * @path: NULL or "-" is standard output, which must not be a terminal
 * @is_directory: a directory, made when missing, instead of a file
 * What stands at @path stays until out_file_keep(); pipes and devices are written directly.
 */
bool out_file_open(struct out_file *out, struct arena *arena, const char *path, bool is_directory,
	struct err *e);

/* The archive is complete: it takes its name. */
bool out_file_keep(struct out_file *out, struct err *e);

/* Closes it; one that was not kept is removed. */
void out_file_done(struct out_file *out);

/* An archive or a directory to read; NULL or "-" is standard input. */
bool in_file_open(const char *path, int *ret_fd, struct err *e);

#endif
