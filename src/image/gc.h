/* SPDX-License-Identifier: Apache-2.0 */
/* gc.h - taking away what no image names any more */
#ifndef IMAGE_GC_H
#define IMAGE_GC_H

#include "image/unpacker.h"
#include "store/store.h"

/*
 * gc_collect() - unnamed blobs and layers go
 * @parts: unfinished downloads too
 * @ret_bytes: of blobs; @ret_layers: directories
 * Does nothing while another command is busy with the store: it, or the next one, will.
 */
bool gc_collect(struct store *store, const struct inside *in, bool parts, int64_t *ret_bytes,
	size_t *ret_layers, struct err *e);

/* Everything goes, also what belongs to subordinate ids. Errors: an image is in use. */
bool gc_purge(struct store *store, const struct inside *in, struct err *e);

#endif
