/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_input.h - what load and import have in common: an archive's files, and images of them
 *
 * The files lie in a directory that somebody else gave their names: a scratch one of ours
 * that goes at the end, or one that the user named. Every path is opened in it as a root, and no
 * bytes become a blob before their sum is known.
 */
#ifndef IMAGE_ARCHIVE_INPUT_H
#define IMAGE_ARCHIVE_INPUT_H

#include "image/layers.h"
#include "store/sum.h"

#include <jansson.h>

struct archive_input {
	struct store *store;
	const struct inside *in;
	const char *map;
	const struct watch *watch;
	struct strv *loaded; /* names or ids of what was kept; may be NULL */
	/* Set by archive_input_run(): */
	const struct inside *single; /* the caller's own id alone */
	int dir_fd;
	const char *scratch; /* path of ours to remove, or NULL */
	struct unpacker unpacker;
	struct strv digests, paths; /* files that are not called by their digest */
};

typedef bool archive_input_action(struct archive_input *i, void *data, struct err *e);

/* Acts with the store busy and signals held, and cleans up behind it. */
bool archive_input_run(
	struct archive_input *i, archive_input_action *action, void *data, struct err *e);

/* A directory for files of the caller's. */
bool input_make_scratch(struct archive_input *i, struct err *e);

bool input_open_file(const struct archive_input *i, const char *path, int *ret_fd, struct err *e);
bool input_copy(int from_fd, int to_fd, struct err *e);

/* A document that is named by its digest: checked, and kept as a blob; malloc'ed. */
bool input_take_document(
	struct archive_input *i, const char *digest, char **ret, size_t *ret_size, struct err *e);

/* The image of a manifest's text, with config and layers from the input. @name may be NULL. */
bool input_keep(struct archive_input *i, const char *text, size_t size, const char *name,
	struct store_image *ret, struct err *e);

/* The same for an image without a manifest: of a config and layers that were added. */
bool input_keep_built(struct archive_input *i, const char *config_digest, size_t config_size,
	json_t *layers, const char *name, struct store_image *ret, struct err *e);

/* Media type of a layer by its first bytes; NULL: packed as layers are not. */
const char *input_layer_type(int fd);

/* Adds a file's descriptor to @layers; @plain gets its diff id. */
bool input_add_layer(struct archive_input *i, const char *path, json_t *layers,
	char plain[SUM_SIZE], struct err *e);

#endif
