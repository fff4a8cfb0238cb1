/* SPDX-License-Identifier: Apache-2.0 */
/* local.h - where layers can be unpacked: beside the blobs, else somewhere on this machine */
#ifndef STORE_LOCAL_H
#define STORE_LOCAL_H

#include "store/store.h"

/* Is it a file system of this type that other machines see too? [statfs(2), linux/magic.h] */
bool local_is_network(long fs_type);

/* Sets layers_fd and layers_path; without @may_create they may stay unset. */
bool local_open_layers(struct store *store, bool may_create, struct err *e);

#endif
