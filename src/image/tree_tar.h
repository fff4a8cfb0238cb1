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

#endif
