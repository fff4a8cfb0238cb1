/* SPDX-License-Identifier: Apache-2.0 */
/* walk.h - a directory tree into an archive, as it should be rather than as it could be made */
#ifndef PACK_WALK_H
#define PACK_WALK_H

#include "base/err.h"

#include <archive.h>

/*
 * walk_tree() - every entry below @root_fd, in the order of their names
 * Owners, modes and devices that are noted in attributes come out as noted.
 * Context: @root_fd is this process's root.
 */
bool walk_tree(struct archive *out, int root_fd, struct err *e);

#endif
