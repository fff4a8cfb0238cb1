/* SPDX-License-Identifier: Apache-2.0 */
/* tree_tar.h - a root file system that is in use, as a tar stream [pax, POSIX.1-2001] */
#ifndef IMAGE_TREE_TAR_H
#define IMAGE_TREE_TAR_H

#include "base/err.h"

/*
 * tree_to_tar() - everything below @root_fd on its own mount
 * What is mounted below it is an empty directory or file. Sockets are left out. Goes by
 * descriptors and follows no link: the tree may be changed by somebody hostile meanwhile.
 *
 * Context: a child with the ids of the tree.
 */
bool tree_to_tar(int root_fd, int out_fd, struct err *e);

/* One file or directory of it. */
struct tree_part {
	int dir_fd; /* the directory that it is in, … */
	const char *name;
	int opened_fd;	   /* … or itself, open for reading: the end of a link; else -1 */
	const char *shown; /* its name in the archive: "." for what is in a directory */
};

/* The same of one part, with what is mounted in it. */
bool tree_part_to_tar(const struct tree_part *part, int out_fd, struct err *e);

#endif
