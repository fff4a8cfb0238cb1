/* SPDX-License-Identifier: Apache-2.0 */
/* tarball.h - a root file system tarball becomes a directory in the cache */
#ifndef CMD_TARBALL_H
#define CMD_TARBALL_H

#include "cmd/run_options.h"
#include "host/host.h"

/*
 * tarball_unpack() - unpack spec.root.path, or find it unpacked; the root is then a directory
 * Unpacking happens in a user namespace with the container's id map, by guscio-unpack.
 * Errors: ERR_INPUT the tarball is none, is truncated or hostile.
 */
bool tarball_unpack(struct invocation *to, const struct host *host, struct err *e);

#endif
