/* SPDX-License-Identifier: Apache-2.0 */
/* merge.h - a layer's directory over a root: what overlayfs would show, as plain files */
#ifndef UNPACK_MERGE_H
#define UNPACK_MERGE_H

#include "unpack/tree.h"

/*
 * merge_layer() - copy everything in @layer_fd over the tree's root
 * Whiteouts and opaque marks take away what layers below made. Data is shared where the file
 * system can (reflink), else copied. Layers come lowest first.
 */
bool merge_layer(struct tree *t, int layer_fd, struct err *e);

#endif
