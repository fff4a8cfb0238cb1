/* SPDX-License-Identifier: Apache-2.0 */
/* volume.h - named volumes in command lines */
#ifndef CMD_VOLUME_H
#define CMD_VOLUME_H

#include "cmd/run_options.h"
#include "host/host.h"

/*
 * volumes_settle() - names of volumes become their directories, made when missing
 * Also takes over the mounts that --volumes-from names. Before spec_freeze().
 * @is_only_shown: make nothing, lock nothing
 * The locks stay with this process.
 */
bool volumes_settle(
	struct invocation *to, const struct host *host, bool is_only_shown, struct err *e);

/* Is that the directory of a volume, and of which? */
bool volume_of_path(
	struct arena *arena, const struct host *host, const char *path, const char **ret_name);

#endif
