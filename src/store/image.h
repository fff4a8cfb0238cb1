/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h - manifests, indexes and configs: JSON that somebody else wrote
 *
 * OCI image-spec v1 and docker's schema 2, which differ in their media types only. Pure:
 * text in, values in the arena out. Sizes, digests and counts are checked here, once.
 */
#ifndef STORE_IMAGE_H
#define STORE_IMAGE_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

#define IMAGE_JSON_MAX	 ((size_t)4 << 20)
#define IMAGE_LAYERS_MAX 256
#define IMAGE_BLOB_MAX	 ((int64_t)1 << 40)

struct descriptor {
	const char *media_type;
	const char *digest; /* checked: sha256:<hex> */
	int64_t size;
};

struct platform {
	const char *os, *architecture, *variant; /* variant may be "" */
};

struct manifest_choice {
	struct descriptor descriptor;
	struct platform platform;
};

struct manifest {
	const char *media_type;
	bool is_index;
	/* An image: */
	struct descriptor config;
	struct descriptor *layers; /* lowest first */
	size_t n_layers;
	/* An index: */
	struct manifest_choice *choices;
	size_t n_choices;
};

struct history_entry {
	const char *created, *created_by, *comment;
	bool is_empty; /* made no layer */
};

struct image_config {
	struct platform platform;
	const char *created;
	const char *author;
	struct strv diff_ids;
	struct strv env, entrypoint, cmd;
	struct strv volumes, exposed_ports;
	struct strv labels; /* name=value */
	const char *user, *working_dir, *stop_signal;
	struct history_entry *history;
	size_t n_history;
};

/*
 * manifest_parse() - an image's manifest or an index
 * @type: as the registry called it, or NULL; the document's own mediaType wins
 * Errors: ERR_INPUT what is wrong with it.
 */
bool manifest_parse(struct arena *arena, const char *text, size_t size, const char *type,
	struct manifest *ret, struct err *e);

bool image_config_parse(struct arena *arena, const char *text, size_t size,
	struct image_config *ret, struct err *e);

/* "linux/arm64/v8", "arm64" or "" for this machine's own. */
bool platform_parse(struct arena *arena, const char *text, struct platform *ret, struct err *e);
const char *platform_text(struct arena *arena, const struct platform *p);

/* The same system and architecture; @strictly: and variant. */
bool platform_matches(const struct platform *a, const struct platform *wanted, bool strictly);

/* The entry of an index for a platform; NULL with @e filled, and what there is as its hint. */
const struct manifest_choice *manifest_choose(struct arena *arena, const struct manifest *index,
	const struct platform *wanted, struct err *e);

bool media_type_is_manifest(const char *type);
bool media_type_is_index(const char *type);
bool media_type_is_layer(const char *type);

#endif
