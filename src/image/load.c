/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - images into the store from archives and directories */
#include "base/own.h"
#include "base/text.h"
#include "image/archive_input.h"
#include "sys/files.h"
#include "store/sum.h"
#include "image/archive.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static void clean_json(json_t **j)
{
	json_decref(*j);
}

#define IMAGES_MAX 256

static json_t *read_json(const struct archive_input *i, const char *path, struct err *e)
{
	CLEAN(clean_free) char *text = NULL;
	CLEAN(clean_fd) int fd = -1;
	size_t size;
	json_error_t where;
	if (!input_open_file(i, path, &fd, e) ||
		!files_read_fd(fd, path, IMAGE_JSON_MAX, &text, &size, e))
		return NULL;
	json_t *document = json_loadb(text, size, 0, &where);
	if (!document)
		err_msg(e, ERR_INPUT, "'%s' is no JSON: %s", path, where.text);
	return document;
}

static const char *full_name(struct arena *arena, const char *text)
{
	struct reference reference;
	struct err ignored;
	return text && strpbrk(text, "/:") && reference_parse(arena, text, &reference, &ignored)
		       ? reference.name
		       : NULL;
}

static bool load_descriptor(struct archive_input *i, json_t *item, int depth, struct err *e);

static bool load_index(struct archive_input *i, json_t *list, int depth, struct err *e)
{
	json_t *item;
	size_t n;
	if (json_array_size(list) == 0 || json_array_size(list) > IMAGES_MAX)
		return err_msg(e, ERR_INPUT, "its index names %zu images", json_array_size(list));
	json_array_foreach(list, n, item)
	{
		if (!load_descriptor(i, item, depth, e))
			return false;
	}
	return true;
}

/* Of an index inside the index the image for this machine. */
static bool load_nested(struct archive_input *i, const char *text, size_t size, json_t *item,
	int depth, struct err *e)
{
	struct arena *arena = i->store->arena;
	struct manifest index;
	struct platform own;
	if (depth == 0)
		return err_msg(e, ERR_INPUT, "its index leads to indexes without end");
	if (!manifest_parse(arena, text, size, NULL, &index, e) ||
		!platform_parse(arena, "", &own, e))
		return false;
	const struct manifest_choice *choice = manifest_choose(arena, &index, &own, e);
	if (!choice)
		return false;
	CLEAN(clean_json) json_t *inner = json_deep_copy(item);
	json_object_set_new(inner, "digest", json_string(choice->descriptor.digest));
	json_object_set_new(inner, "mediaType", json_string(choice->descriptor.media_type));
	return load_descriptor(i, inner, depth - 1, e);
}

static bool load_descriptor(struct archive_input *i, json_t *item, int depth, struct err *e)
{
	struct arena *arena = i->store->arena;
	const char *digest = json_string_value(json_object_get(item, "digest"));
	json_t *annotations = json_object_get(item, "annotations");
	const char *name =
		json_string_value(json_object_get(annotations, "io.containerd.image.name"));
	const char *other = json_string_value(
		json_object_get(annotations, "org.opencontainers.image.ref.name"));
	CLEAN(clean_free) char *text = NULL;
	size_t size;
	struct store_image ignored;
	if (!digest || !reference_is_digest(digest))
		return err_msg(e, ERR_INPUT, "its index has an entry without a sha256 digest");
	const char *type = json_string_value(json_object_get(item, "mediaType"));
	if (!input_take_document(i, digest, &text, &size, e))
		return false;
	if (type && media_type_is_index(type))
		return load_nested(i, text, size, item, depth, e);
	return input_keep(i, text, size, full_name(arena, name ? name : other), &ignored, e);
}

/* One entry of docker's manifest.json. */
static bool load_docker(struct archive_input *i, json_t *item, struct err *e)
{
	struct arena *arena = i->store->arena;
	CLEAN(clean_json) json_t *layers = json_array();
	CLEAN(clean_free) char *text = NULL;
	CLEAN(clean_fd) int fd = -1;
	CLEAN(clean_fd) int lock_fd = -1;
	const char *config = json_string_value(json_object_get(item, "Config"));
	json_t *value, *tags = json_object_get(item, "RepoTags");
	size_t size, n;
	char sum[SUM_SIZE], plain[SUM_SIZE];
	struct store_image image;
	if (!config || !input_open_file(i, config, &fd, e) ||
		!files_read_fd(fd, config, IMAGE_JSON_MAX, &text, &size, e))
		return e->cause[0] ? false : err_msg(e, ERR_INPUT, "manifest.json names no config");
	sum_of(text, size, sum);
	strv_add(arena, &i->digests, sum);
	strv_add(arena, &i->paths, config);
	if (json_array_size(json_object_get(item, "Layers")) > IMAGE_LAYERS_MAX)
		return err_msg(e, ERR_INPUT, "it has more than %d layers", IMAGE_LAYERS_MAX);
	json_array_foreach(json_object_get(item, "Layers"), n, value)
	{
		const char *path = json_string_value(value);
		if (!path || !input_add_layer(i, path, layers, plain, e))
			return false;
	}
	const char *first = full_name(arena, json_string_value(json_array_get(tags, 0)));
	if (!input_keep_built(i, sum, size, layers, first, &image, e))
		return false;
	if (json_array_size(tags) < 2)
		return true;
	if (!store_lock_index(i->store, &lock_fd, e))
		return false;
	json_array_foreach(tags, n, value)
	{
		const char *name = full_name(arena, json_string_value(value));
		if (n > 0 && name && !store_add(i->store, &image, name, e))
			return false;
		if (n > 0 && name)
			strv_add(arena, i->loaded, name);
	}
	return true;
}

static bool load_all(struct archive_input *i, struct err *e)
{
	struct err missing = ERR_INIT;
	CLEAN(clean_json) json_t *index = read_json(i, "index.json", &missing);
	if (index)
		return load_index(i, json_object_get(index, "manifests"), 2, e);
	if (missing.sys != ENOENT)
		return *e = missing, false;
	CLEAN(clean_json) json_t *manifest = read_json(i, "manifest.json", e);
	json_t *item;
	size_t n;
	if (!manifest)
		return err_msg(
			e, ERR_INPUT, "it has neither index.json (OCI) nor manifest.json (docker)");
	if (json_array_size(manifest) == 0 || json_array_size(manifest) > IMAGES_MAX)
		return err_msg(e, ERR_INPUT, "manifest.json names no images");
	json_array_foreach(manifest, n, item)
	{
		if (!load_docker(i, item, e))
			return false;
	}
	return true;
}

/* The archive's files, as files of the caller. */
static bool unpack_archive(struct archive_input *i, int in_fd, struct err *e)
{
	struct msg answer;
	struct unpacker unpacker = UNPACKER_INIT;
	if (!input_make_scratch(i, e))
		return false;
	const struct unpack_job job = {.kind = UNPACK_ROOT,
		.size = -1,
		.archive_fd = in_fd,
		.dest_fd = i->dir_fd,
		.more_fd = -1};
	bool ok = unpacker_do(&unpacker, i->single, &job, &answer, e);
	unpacker_stop(&unpacker);
	return ok;
}

static bool load_fd(struct archive_input *i, void *data, struct err *e)
{
	int in_fd = *(int *)data;
	struct stat st;
	if (fstat(in_fd, &st) < 0)
		return err_sys(e, "look at it");
	if (!S_ISDIR(st.st_mode))
		return unpack_archive(i, in_fd, e) && load_all(i, e);
	i->dir_fd = fcntl(in_fd, F_DUPFD_CLOEXEC, 3);
	return (i->dir_fd >= 0 || err_sys(e, "open it again")) && load_all(i, e);
}

bool archive_load(struct store *store, const struct inside *in, const char *map, int in_fd,
	const struct watch *watch, struct strv *ret_names, struct err *e)
{
	struct archive_input i = {
		.store = store, .in = in, .map = map, .watch = watch, .loaded = ret_names};
	return archive_input_run(&i, load_fd, &in_fd, e);
}
