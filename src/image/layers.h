/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layers.h - an image's layers, from wherever they are to directories
 *
 * A layer is downloaded and unpacked at the same time: guscio-fetch appends to the part of
 * the blob, guscio-unpack reads behind it and waits at its end. Several layers run at once.
 * Nothing is believed before its sums are right: only then do part and directory get the
 * names by which others find them.
 */
#ifndef IMAGE_LAYERS_H
#define IMAGE_LAYERS_H

#include "image/fetcher.h"
#include "image/unpacker.h"
#include "store/store.h"

enum row_state { ROW_WAITING, ROW_DOWNLOADING, ROW_UNPACKING, ROW_DONE, ROW_THERE };

/* What a layer looks like to somebody who watches. */
struct layer_row {
	const char *digest;
	int64_t size, done; /* packed bytes */
	enum row_state state;
};

struct watch {
	/* Called several times a second, and once at the end. */
	void (*draw)(void *data, const struct layer_row *rows, size_t n, bool is_last);
	void *data;
};

struct layers {
	struct store *store;
	const struct inside *in;
	const char *map;	 /* name of the id map; NULL: blobs only, no directories */
	struct fetcher *fetcher; /* NULL: all blobs are there, or provided */
	/* Fills the empty part of a blob from elsewhere; its bytes are checked afterwards. */
	bool (*provide)(void *data, const struct descriptor *blob, int part_fd, struct err *e);
	void *provide_data;
	const struct manifest *manifest;
	const struct image_config *config;
	const struct watch *watch; /* may be NULL */
	bool has_changed;	   /* set when anything had to be done */
};

/*
 * layers_bring() - every blob and every directory of the image is in the store
 * Signals must be held: one that comes ends the work with ERR_STATE.
 * Errors: ERR_INPUT wrong bytes, a hostile archive; ERR_HOST network, disk.
 */
bool layers_bring(struct layers *l, struct err *e);

/* Paths of the directories, uppermost first, as overlayfs lists them. */
bool layers_paths(const struct store *store, const char *map, const struct image_config *config,
	struct arena *arena, struct strv *ret, struct err *e);

#endif
