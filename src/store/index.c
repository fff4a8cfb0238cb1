/* SPDX-License-Identifier: Apache-2.0 */
/* index.c - index.json: which images there are, and by what names */
#include "base/own.h"
#include "base/text.h"
#include "sys/files.h"
#include "store/store.h"

#include <jansson.h>
#include <string.h>

#define INDEX_MAX   ((size_t)32 << 20)
#define REF_NAME    "org.opencontainers.image.ref.name"
#define CONFIG_NAME "io.guscio.config" /* the config's digest: saves reading every manifest */

static void clean_json(json_t **j)
{
	json_decref(*j);
}

static json_t *new_index(void)
{
	return json_pack("{s:i, s:s, s:[]}", "schemaVersion", 2, "mediaType",
		"application/vnd.oci.image.index.v1+json", "manifests");
}

static json_t *read_index(const struct store *store, struct err *e)
{
	CLEAN(clean_free) char *text = NULL;
	size_t size;
	json_error_t where;
	if (store->is_new)
		return new_index();
	if (!files_read(store->images_fd, "index.json", INDEX_MAX, &text, &size, e)) {
		if (e->sys != ENOENT)
			return NULL;
		*e = (struct err)ERR_INIT;
		return new_index();
	}
	json_t *index = json_loadb(text, size, 0, &where);
	if (json_is_array(json_object_get(index, "manifests")))
		return index;
	json_decref(index);
	err_msg(e, ERR_INPUT, "%s/images/index.json is no image index: %s", store->path,
		where.text);
	return NULL;
}

static bool write_index(const struct store *store, const json_t *index, struct err *e)
{
	CLEAN(clean_free) char *text = json_dumps(index, JSON_COMPACT);
	if (!text)
		return err_msg(e, ERR_INTERNAL, "no memory for the index");
	return files_write(store->images_fd, "index.json", text, strlen(text), e);
}

static const char *annotation(const json_t *item, const char *key)
{
	return json_string_value(json_object_get(json_object_get(item, "annotations"), key));
}

/* A name that another tool wrote may be short: "latest" alone is no name of ours. */
static const char *name_of(struct arena *arena, const json_t *item)
{
	const char *name = annotation(item, REF_NAME);
	const char *other = annotation(item, "io.containerd.image.name");
	struct reference reference;
	struct err ignored;
	if (!name || !strchr(name, '/'))
		name = other ? other : name;
	if (!name || !reference_parse(arena, name, &reference, &ignored))
		return NULL;
	return reference.name;
}

/* The config's digest, for an index that another tool wrote. */
static const char *config_of(struct store *store, const char *digest)
{
	CLEAN(clean_free) char *text = NULL;
	size_t size;
	struct manifest manifest;
	struct err ignored;
	if (!store_read_blob(store, digest, &text, &size, &ignored) ||
		!manifest_parse(store->arena, text, size, NULL, &manifest, &ignored) ||
		manifest.is_index)
		return NULL;
	return manifest.config.digest;
}

static bool list_one(struct store *store, struct store_image **v, size_t *n, struct err *e)
{
	CLEAN(clean_json) json_t *index = read_index(store, e);
	json_t *item;
	size_t i;
	if (!index)
		return false;
	json_array_foreach(json_object_get(index, "manifests"), i, item)
	{
		const char *digest = json_string_value(json_object_get(item, "digest"));
		const char *type = json_string_value(json_object_get(item, "mediaType"));
		if (!digest || !reference_is_digest(digest))
			continue;
		const char *config = annotation(item, CONFIG_NAME);
		config = config && reference_is_digest(config) ? arena_strdup(store->arena, config)
							       : config_of(store, digest);
		if (!config)
			continue; /* an index inside the index, or something that is no image */
		struct store_image *image = ARENA_APPEND(store->arena, *v, *n);
		*image = (struct store_image){.store = store,
			.name = name_of(store->arena, item),
			.digest = arena_strdup(store->arena, digest),
			.config = config,
			.media_type = arena_strdup(store->arena, type ? type : ""),
			.size = json_integer_value(json_object_get(item, "size"))};
	}
	return true;
}

bool store_list(struct store *store, struct store_image **ret, size_t *ret_n, struct err *e)
{
	struct store_image *v = NULL;
	size_t n = 0;
	for (struct store *s = store; s; s = s->additional)
		if (!list_one(s, &v, &n, e))
			return err_what(e, ERR_INPUT, "cannot read the images of '%s'", s->path);
	*ret = v;
	*ret_n = n;
	return true;
}

static bool is_id(const char *text)
{
	size_t n = strlen(text);
	return n >= 2 && n <= 64 && strspn(text, "0123456789abcdef") == n;
}

/* Ids are those of the configs, as docker's are; digests name manifests. */
static bool find_by_id(const struct store_image *v, size_t n, const char *text,
	struct store_image *ret, struct err *e)
{
	const char *hex = text_starts(text, "sha256:") ? text + 7 : text;
	const struct store_image *found = NULL;
	if (!is_id(hex))
		return true;
	for (size_t i = 0; i < n; i++) {
		if (!text_starts(v[i].config + 7, hex) && !text_starts(v[i].digest + 7, hex))
			continue;
		if (found && strcmp(found->config, v[i].config)) {
			err_msg(e, ERR_STATE, "more than one image's id begins with it");
			return err_what(e, ERR_STATE, "cannot tell which image '%s' is", text);
		}
		if (!found)
			found = &v[i];
	}
	if (found)
		*ret = *found;
	return true;
}

static bool names(const struct store_image *image, const struct reference *r)
{
	if (image->name && !strcmp(image->name, r->name))
		return true;
	if (!r->digest || strcmp(image->digest, r->digest) || !image->name)
		return false;
	/* NAME@DIGEST of an image that was pulled by its tag. */
	size_t n = strlen(r->name) - strlen(r->digest) - 1;
	return !strncmp(image->name, r->name, n) &&
	       (image->name[n] == ':' || image->name[n] == '@');
}

bool store_find(struct store *store, const char *text, struct store_image *ret, struct err *e)
{
	struct store_image *v;
	size_t n;
	struct reference reference;
	struct err not_a_name = ERR_INIT;
	*ret = (struct store_image){0};
	bool is_name = reference_parse(store->arena, text, &reference, &not_a_name);
	bool may_be_id = is_id(text) || text_starts(text, "sha256:");
	if (!is_name && !may_be_id)
		return *e = not_a_name, false;
	if (!store_list(store, &v, &n, e))
		return false;
	for (size_t i = 0; is_name && i < n; i++)
		if (names(&v[i], &reference)) {
			*ret = v[i];
			return true;
		}
	return !may_be_id || find_by_id(v, n, text, ret, e);
}

bool store_get(struct store *store, const char *text, struct store_image *ret, struct err *e)
{
	if (!store_find(store, text, ret, e))
		return false;
	if (ret->digest)
		return true;
	err_what(e, ERR_STATE, "there is no image '%s' here", text);
	return err_hint(e, "see what there is with guscio images, or get it with guscio pull");
}

/* Entries that say nothing any more: no name, and a sister with the same manifest. */
static void drop_nameless_twins(json_t *list)
{
	for (size_t i = json_array_size(list); i-- > 0;) {
		json_t *item = json_array_get(list, i), *other;
		size_t j;
		bool has_twin = false;
		json_array_foreach(list, j, other)
		{
			if (j != i && json_equal(json_object_get(item, "digest"),
					      json_object_get(other, "digest")))
				has_twin = true;
		}
		if (has_twin && !annotation(item, REF_NAME))
			json_array_remove(list, i);
	}
}

static void take_name(struct arena *arena, json_t *list, const char *name)
{
	json_t *item;
	size_t i;
	json_array_foreach(list, i, item)
	{
		const char *has = name_of(arena, item);
		if (has && !strcmp(has, name)) {
			json_object_del(json_object_get(item, "annotations"), REF_NAME);
			json_object_del(
				json_object_get(item, "annotations"), "io.containerd.image.name");
		}
	}
}

bool store_add(
	struct store *store, const struct store_image *image, const char *name, struct err *e)
{
	CLEAN(clean_json) json_t *index = read_index(store, e);
	if (!index)
		return false;
	json_t *list = json_object_get(index, "manifests");
	if (name)
		take_name(store->arena, list, name);
	json_t *item = json_pack("{s:s, s:s, s:I, s:{s:s, s:s*}}", "mediaType", image->media_type,
		"digest", image->digest, "size", (json_int_t)image->size, "annotations",
		CONFIG_NAME, image->config, REF_NAME, name);
	if (!item || json_array_append_new(list, item) < 0)
		return err_msg(e, ERR_INTERNAL, "no memory for the index");
	drop_nameless_twins(list);
	return write_index(store, index, e);
}

bool store_remove(struct store *store, const char *digest, const char *name, struct err *e)
{
	CLEAN(clean_json) json_t *index = read_index(store, e);
	if (!index)
		return false;
	json_t *list = json_object_get(index, "manifests");
	for (size_t i = json_array_size(list); i-- > 0;) {
		json_t *item = json_array_get(list, i);
		const char *has = json_string_value(json_object_get(item, "digest"));
		const char *called = name_of(store->arena, item);
		if (has && !strcmp(has, digest) && (!name || (called && !strcmp(called, name))))
			json_array_remove(list, i);
	}
	return write_index(store, index, e);
}

bool store_read_manifest(
	const struct store_image *image, struct arena *arena, struct manifest *ret, struct err *e)
{
	CLEAN(clean_free) char *text = NULL;
	size_t size;
	return store_read_blob(image->store, image->digest, &text, &size, e) &&
	       manifest_parse(arena, text, size, image->media_type, ret, e);
}

bool store_read_config(const struct store_image *image, const struct manifest *manifest,
	struct arena *arena, struct image_config *ret, struct err *e)
{
	CLEAN(clean_free) char *text = NULL;
	size_t size;
	return store_read_blob(image->store, manifest->config.digest, &text, &size, e) &&
	       image_config_parse(arena, text, size, ret, e);
}
