/* SPDX-License-Identifier: Apache-2.0 */
/* image_root.h - guscio run IMAGE: pull when missing, config into the spec, layers into the root */
#ifndef CMD_IMAGE_ROOT_H
#define CMD_IMAGE_ROOT_H

#include "cmd/run_options.h"
#include "host/host.h"

/*
 * image_settle() - what the image's config says and the user did not, for a root that is an image
 * Does nothing for other roots and for bundles, whose document says it all.
 * Source: image-spec config.md, conversion.md.
 */
bool image_settle(struct invocation *to, const struct host *host, struct err *e);

/* The image's layers, unpacked for the spec's id map, become the root; holds a lease on them. */
bool image_layers(struct invocation *to, const struct host *host, struct err *e);

/* Removes the root that was made for one container alone, if one was. */
void image_done(struct invocation *to, const struct host *host);

#endif
