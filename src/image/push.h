/* SPDX-License-Identifier: Apache-2.0 */
/* push.h - an image from the store to a registry, byte for byte */
#ifndef IMAGE_PUSH_H
#define IMAGE_PUSH_H

#include "image/layers.h"

struct push_options {
	struct remote_options remote;
	const struct watch *watch; /* may be NULL */
};

/* Blobs that the registry has are not sent; the manifest comes last, under @to's tag or digest. */
bool push_image(const struct store_image *image, const struct host *host,
	const struct reference *to, const struct push_options *options, struct err *e);

/* Are user and password good for the registry? */
bool push_login(struct arena *arena, const struct host *host, const struct reference *registry,
	const struct remote_options *options, struct err *e);

#endif
