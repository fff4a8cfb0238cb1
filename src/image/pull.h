/* SPDX-License-Identifier: Apache-2.0 */
/* pull.h - an image from a registry into the store */
#ifndef IMAGE_PULL_H
#define IMAGE_PULL_H

#include "image/layers.h"

struct pull_options {
	struct remote_options remote;
	const char *platform; /* "" for this machine's */
	const struct watch *watch;
};

/*
 * pull_image() - everything that the reference names is in the store, and named there
 * @map: unpack for this id map; NULL: keep the blobs only
 * @ret_changed: false when all of it was there
 * The store is busy, and signals are held, while it works.
 */
bool pull_image(struct store *store, const struct inside *in, const char *map,
	const struct reference *reference, const struct pull_options *options,
	struct store_image *ret, bool *ret_changed, struct err *e);

/* Brings an image's missing directories for an id map, from the blobs that are there. */
bool pull_view(struct store *store, const struct inside *in, const char *map,
	const struct store_image *image, const struct image_config *config,
	const struct manifest *manifest, const struct watch *watch, struct err *e);

#endif
