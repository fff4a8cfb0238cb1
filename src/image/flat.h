/* SPDX-License-Identifier: Apache-2.0 */
/* flat.h - an image as one directory of plain files, where there are no overlays */
#ifndef IMAGE_FLAT_H
#define IMAGE_FLAT_H

#include "image/layers.h"

/* Has this machine no overlays in user namespaces (Linux before 5.11), or does GUSCIO_NO_OVERLAY
 * say so? */
bool flat_is_needed(const struct host *host);

/*
 * flat_make() - a root for one container
 * @layers: directories, uppermost first; shared by reflink where the file system can
 * @ret_fd: its lock: without it the next command takes the directory for rubbish
 */
bool flat_make(struct store *store, const struct inside *in, const char *map,
	const struct strv *layers, const char **ret_path, int *ret_fd, struct err *e);

void flat_remove(const struct inside *in, const char *path);

#endif
