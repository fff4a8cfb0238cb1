/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - images into the store from archives: load and import */
#include "base/own.h"
#include "base/text.h"
#include "image/archive.h"
#include "store/files.h"
#include "store/sum.h"
#include "sys/path.h"
#include "sys/spawn.h"

#include <bsd/stdlib.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define IMAGES_MAX 256

static void clean_json(json_t **j)
{
	json_decref(*j);
}

/* Where an archive was unpacked, or the directory that it is. Somebody else wrote the names in it.
 */
struct input {
	struct store *store;
	const struct inside *in;
	const char *map;
	const struct watch *watch;
	int dir_fd;
	const char *scratch; /* path of ours to remove, or NULL */
	struct unpacker unpacker;
	struct strv *loaded;
	/* docker-archive: files by the digest that was found */
	struct strv digests, paths;
};

static bool open_file(const struct input *i, const char *path, int *ret_fd, struct err *e)
{
	struct stat st;
	CLEAN(clean_fd) int fd = -1;
	if (!path_open_in_root(i->dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, &fd, e))
		return false;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_msg(e, ERR_INPUT, "'%s' is no file", path);
	*ret_fd = TAKE_FD(fd);
	return true;
}

static json_t *read_json(const struct input *i, const char *path, struct err *e)
{
	CLEAN(clean_free) char *text = NULL;
	CLEAN(clean_fd) int fd = -1;
	size_t size;
	json_error_t where;
	if (!open_file(i, path, &fd, e) ||
		!files_read_fd(fd, path, IMAGE_JSON_MAX, &text, &size, e))
		return NULL;
	json_t *document = json_loadb(text, size, 0, &where);
	if (!document)
		err_msg(e, ERR_INPUT, "'%s' is no JSON: %s", path, where.text);
	return document;
}

static bool copy_all(int from_fd, int to_fd, struct err *e)
{
	char block[65536];
	ssize_t n;
	/* By reflink or inside the kernel where that goes. */
	while ((n = copy_file_range(from_fd, NULL, to_fd, NULL, (size_t)1 << 30, 0)) > 0)
		;
	if (n == 0)
		return true;
	while ((n = read(from_fd, block, sizeof(block))) > 0)
		for (ssize_t done = 0, m; done < n; done += m)
			if ((m = write(to_fd, block + done, (size_t)(n - done))) < 0)
				return err_sys(e, "write a blob");
	return n == 0 || err_sys(e, "read a blob");
}

static bool open_blob(const struct input *i, const char *digest, int *ret_fd, struct err *e)
{
	for (size_t j = 0; j < i->digests.n; j++)
		if (!strcmp(i->digests.v[j], digest))
			return open_file(i, i->paths.v[j], ret_fd, e);
	return open_file(
		i, arena_printf(i->store->arena, "blobs/sha256/%s", digest + 7), ret_fd, e);
}

static bool provide(void *data, const struct descriptor *blob, int part_fd, struct err *e)
{
	CLEAN(clean_fd) int fd = -1;
	struct stat st;
	if (!open_blob(data, blob->digest, &fd, e))
		return false;
	if (fstat(fd, &st) < 0 || st.st_size != blob->size)
		return err_msg(e, ERR_INPUT, "blob %.19s has %lld bytes instead of %lld",
			blob->digest, (long long)st.st_size, (long long)blob->size);
	/* The part is opened for appending, which copy_file_range(2) refuses. */
	if (fcntl(part_fd, F_SETFL, 0) < 0 || lseek(part_fd, 0, SEEK_SET) < 0)
		return err_sys(e, "open a blob");
	return copy_all(fd, part_fd, e);
}

/* A document that is named by its digest, checked, and kept as a blob. */
static bool take_document(
	struct input *i, const char *digest, char **ret, size_t *ret_size, struct err *e)
{
	CLEAN(clean_fd) int fd = -1;
	char sum[SUM_SIZE];
	if (!open_blob(i, digest, &fd, e) ||
		!files_read_fd(fd, digest, IMAGE_JSON_MAX, ret, ret_size, e))
		return false;
	sum_of(*ret, *ret_size, sum);
	if (strcmp(sum, digest))
		return err_msg(e, ERR_INPUT, "blob %.19s has the digest %.19s", digest, sum);
	return store_write_blob(i->store, *ret, *ret_size, digest, e);
}

static bool keep(struct input *i, const char *text, size_t size, const char *name,
	struct store_image *ret, struct err *e)
{
	struct store *store = i->store;
	struct arena *arena = store->arena;
	CLEAN(clean_free) char *config_text = NULL;
	CLEAN(clean_fd) int lock_fd = -1;
	struct manifest manifest;
	struct image_config config;
	size_t config_size;
	char sum[SUM_SIZE];
	if (!manifest_parse(arena, text, size, NULL, &manifest, e))
		return false;
	if (manifest.is_index)
		return err_msg(e, ERR_INPUT, "an index leads to an index");
	if (!take_document(i, manifest.config.digest, &config_text, &config_size, e) ||
		!image_config_parse(arena, config_text, config_size, &config, e))
		return false;
	struct layers layers = {.store = store,
		.in = i->in,
		.map = i->map,
		.provide = provide,
		.provide_data = i,
		.manifest = &manifest,
		.config = &config,
		.watch = i->watch};
	if (!layers_bring(&layers, e))
		return false;
	sum_of(text, size, sum);
	*ret = (struct store_image){.store = store,
		.name = name,
		.digest = arena_strdup(arena, sum),
		.config = manifest.config.digest,
		.media_type = manifest.media_type,
		.size = (int64_t)size};
	if (i->loaded)
		strv_add(arena, i->loaded, name ? name : ret->config);
	return store_write_blob(store, text, size, sum, e) &&
	       store_lock_index(store, &lock_fd, e) && store_add(store, ret, name, e);
}

static const char *full_name(struct arena *arena, const char *text)
{
	struct reference reference;
	struct err ignored;
	return text && strpbrk(text, "/:") && reference_parse(arena, text, &reference, &ignored)
		       ? reference.name
		       : NULL;
}

static bool load_descriptor(struct input *i, json_t *item, int depth, struct err *e);

static bool load_index(struct input *i, json_t *list, int depth, struct err *e)
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
static bool load_nested(
	struct input *i, const char *text, size_t size, json_t *item, int depth, struct err *e)
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

static bool load_descriptor(struct input *i, json_t *item, int depth, struct err *e)
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
	if (!take_document(i, digest, &text, &size, e))
		return false;
	if (type && media_type_is_index(type))
		return load_nested(i, text, size, item, depth, e);
	return keep(i, text, size, full_name(arena, name ? name : other), &ignored, e);
}

/* Sums of a file: as it is, and unpacked. */
static bool sum_file(
	struct input *i, int fd, char packed[SUM_SIZE], char plain[SUM_SIZE], struct err *e)
{
	struct msg answer;
	const struct unpack_job job = {.kind = UNPACK_HASH,
		.size = -1,
		.archive_fd = fd,
		.dest_fd = i->dir_fd,
		.more_fd = -1};
	if (!unpacker_start(&i->unpacker, i->in, e) || !unpacker_submit(&i->unpacker, &job, e) ||
		!unpacker_receive(&i->unpacker, &answer, i->in->notes, e))
		return false;
	if (answer.kind == MSG_FAIL)
		return *e = answer.err, false;
	snprintf(packed, SUM_SIZE, "sha256:%.64s", answer.err.cause);
	snprintf(plain, SUM_SIZE, "sha256:%.64s", answer.err.what);
	return lseek(fd, 0, SEEK_SET) == 0 || err_sys(e, "read it again");
}

/* The type by its first bytes, as the archive does not say it. */
static const char *layer_type(int fd)
{
	unsigned char head[6] = {0};
	if (pread(fd, head, sizeof(head), 0) < 2)
		return "application/vnd.oci.image.layer.v1.tar";
	if (head[0] == 0x1f && head[1] == 0x8b)
		return "application/vnd.oci.image.layer.v1.tar+gzip";
	if (!memcmp(head, "\x28\xb5\x2f\xfd", 4))
		return "application/vnd.oci.image.layer.v1.tar+zstd";
	if (!memcmp(head,
		    "\xfd"
		    "7zXZ",
		    6) ||
		!memcmp(head, "BZh", 3))
		return NULL;
	return "application/vnd.oci.image.layer.v1.tar";
}

static bool add_layer(
	struct input *i, const char *path, json_t *layers, char plain[SUM_SIZE], struct err *e)
{
	CLEAN(clean_fd) int fd = -1;
	struct stat st;
	char packed[SUM_SIZE];
	if (!open_file(i, path, &fd, e))
		return false;
	const char *type = layer_type(fd);
	if (!type || fstat(fd, &st) < 0)
		return err_msg(e, ERR_INPUT, "'%s' is packed in a way that layers are not", path);
	if (!sum_file(i, fd, packed, plain, e))
		return false;
	strv_add(i->store->arena, &i->digests, packed);
	strv_add(i->store->arena, &i->paths, path);
	json_array_append_new(layers, json_pack("{s:s, s:s, s:I}", "mediaType", type, "digest",
					      packed, "size", (json_int_t)st.st_size));
	return true;
}

static bool keep_built(struct input *i, const char *config_digest, size_t config_size,
	json_t *layers, const char *name, struct store_image *ret, struct err *e)
{
	CLEAN(clean_json)
	json_t *manifest = json_pack("{s:i, s:s, s:{s:s, s:s, s:I}, s:O}", "schemaVersion", 2,
		"mediaType", "application/vnd.oci.image.manifest.v1+json", "config", "mediaType",
		"application/vnd.oci.image.config.v1+json", "digest", config_digest, "size",
		(json_int_t)config_size, "layers", layers);
	CLEAN(clean_free) char *text = json_dumps(manifest, JSON_COMPACT);
	return text ? keep(i, text, strlen(text), name, ret, e)
		    : err_msg(e, ERR_INTERNAL, "no memory for a manifest");
}

/* One entry of docker's manifest.json. */
static bool load_docker(struct input *i, json_t *item, struct err *e)
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
	if (!config || !open_file(i, config, &fd, e) ||
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
		if (!path || !add_layer(i, path, layers, plain, e))
			return false;
	}
	const char *first = full_name(arena, json_string_value(json_array_get(tags, 0)));
	if (!keep_built(i, sum, size, layers, first, &image, e))
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

static bool load_all(struct input *i, struct err *e)
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

/* The archive's files, as files of the caller, in a directory that goes afterwards. */
static bool unpack_archive(struct input *i, const struct inside *single, int in_fd, struct err *e)
{
	struct msg answer;
	const char *random = arena_printf(i->store->arena, "%08x%08x", arc4random(), arc4random());
	if (!store_begin_layer(i->store, "single", random, &i->scratch, &i->dir_fd, e))
		return false;
	struct unpacker unpacker = UNPACKER_INIT;
	const struct unpack_job job = {.kind = UNPACK_ROOT,
		.size = -1,
		.archive_fd = in_fd,
		.dest_fd = i->dir_fd,
		.more_fd = -1};
	bool ok = unpacker_start(&unpacker, single, e) && unpacker_submit(&unpacker, &job, e) &&
		  unpacker_receive(&unpacker, &answer, i->in->notes, e);
	if (ok && answer.kind == MSG_FAIL) {
		*e = answer.err;
		ok = false;
	}
	unpacker_stop(&unpacker);
	return ok;
}

static void finish(struct input *i, const struct inside *single)
{
	struct unpacker unpacker = UNPACKER_INIT;
	struct err ignored;
	unpacker_stop(&i->unpacker);
	if (i->scratch)
		unpacker_remove(&unpacker, single, i->scratch, &ignored);
	unpacker_stop(&unpacker);
	clean_fd(&i->dir_fd);
}

static bool begin(struct input *i, const struct inside *single, int in_fd, struct err *e)
{
	struct stat st;
	if (fstat(in_fd, &st) < 0)
		return err_sys(e, "look at it");
	if (S_ISDIR(st.st_mode)) {
		i->dir_fd = fcntl(in_fd, F_DUPFD_CLOEXEC, 3);
		return i->dir_fd >= 0 || err_sys(e, "open it again");
	}
	return unpack_archive(i, single, in_fd, e);
}

bool archive_load(struct store *store, const struct inside *in, const char *map, int in_fd,
	const struct watch *watch, struct strv *ret_names, struct err *e)
{
	struct inside single = *in;
	struct input i = {.store = store,
		.in = in,
		.map = map,
		.watch = watch,
		.dir_fd = -1,
		.unpacker = UNPACKER_INIT,
		.loaded = ret_names};
	CLEAN(clean_fd) int busy_fd = -1;
	sigset_t before;
	single.userns = USERNS_SINGLE;
	if (!store_lock_busy(store, &busy_fd, e))
		return false;
	signals_hold(&before);
	bool ok = begin(&i, &single, in_fd, e) && load_all(&i, e);
	finish(&i, &single);
	signals_release(&before);
	return ok;
}

/* CMD, ENTRYPOINT, ENV, … of a Dockerfile, as docker import takes them. */
static bool apply_change(json_t *config, const char *change, struct err *e)
{
	size_t n = strcspn(change, " =");
	const char *value = change + n + (change[n] != '\0');
	static const struct {
		const char *word, *key;
		enum { CHANGE_WORDS, CHANGE_TEXT, CHANGE_LIST, CHANGE_KEY, CHANGE_LABEL } kind;
	} known[] = {{"CMD", "Cmd", CHANGE_WORDS}, {"ENTRYPOINT", "Entrypoint", CHANGE_WORDS},
		{"ENV", "Env", CHANGE_LIST}, {"EXPOSE", "ExposedPorts", CHANGE_KEY},
		{"LABEL", "Labels", CHANGE_LABEL}, {"STOPSIGNAL", "StopSignal", CHANGE_TEXT},
		{"USER", "User", CHANGE_TEXT}, {"VOLUME", "Volumes", CHANGE_KEY},
		{"WORKDIR", "WorkingDir", CHANGE_TEXT}};
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		const char *key = known[i].key;
		if (strlen(known[i].word) != n || strncasecmp(known[i].word, change, n) ||
			!value[0])
			continue;
		json_t *list = json_object_get(config, key);
		const char *equals = strchr(value, '=');
		switch (known[i].kind) {
		case CHANGE_WORDS:
			list = value[0] == '[' ? json_loads(value, 0, NULL)
					       : json_pack("[s, s, s]", "/bin/sh", "-c", value);
			json_object_set_new(config, key, list ? list : json_array());
			return list || err_what(e, ERR_USAGE, "'%s' is no JSON list", value);
		case CHANGE_TEXT:
			json_object_set_new(config, key, json_string(value));
			return true;
		case CHANGE_LIST:
			if (!equals)
				return err_what(e, ERR_USAGE, "'%s' is not NAME=VALUE", value);
			if (!list)
				json_object_set_new(config, key, list = json_array());
			json_array_append_new(list, json_string(value));
			return true;
		case CHANGE_KEY:
		case CHANGE_LABEL:
			if (!list)
				json_object_set_new(config, key, list = json_object());
			if (known[i].kind == CHANGE_KEY)
				json_object_set_new(list, value, json_object());
			else if (equals)
				json_object_setn_new(list, value, (size_t)(equals - value),
					json_string(equals + 1));
			return equals || known[i].kind == CHANGE_KEY ||
			       err_what(e, ERR_USAGE, "'%s' is not NAME=VALUE", value);
		}
	}
	err_what(e, ERR_USAGE, "the change '%s' is not understood", change);
	return err_hint(
		e, "CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR");
}

static json_t *import_config(
	const char *diff_id, const char *message, const struct strv *changes, struct err *e)
{
	char created[32];
	time_t now = time(NULL);
	struct tm tm;
	struct platform own;
	struct arena arena = {0};
	if (!arena_init(&arena, e))
		return NULL;
	platform_parse(&arena, "", &own, e);
	strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	json_t *run = json_object();
	bool ok = true;
	for (size_t i = 0; ok && i < changes->n; i++)
		ok = apply_change(run, changes->v[i], e);
	json_t *config = json_pack("{s:s, s:s, s:s, s:o, s:{s:s, s:[s]}, s:[{s:s, s:s, s:s}]}",
		"created", created, "architecture", own.architecture, "os", "linux", "config", run,
		"rootfs", "type", "layers", "diff_ids", diff_id, "history", "created", created,
		"created_by", "guscio import", "comment", message ? message : "");
	arena_done(&arena);
	if (ok)
		return config;
	json_decref(config);
	return NULL;
}

/* From a pipe: the layer has to be a file that can be read twice. */
static bool spool(struct input *i, int in_fd, int *ret_fd, struct err *e)
{
	const char *random = arena_printf(i->store->arena, "%08x%08x", arc4random(), arc4random());
	if (!store_begin_layer(i->store, "single", random, &i->scratch, &i->dir_fd, e))
		return false;
	*ret_fd = openat(i->dir_fd, "layer", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return (*ret_fd >= 0 || err_sys(e, "make a file")) && copy_all(in_fd, *ret_fd, e);
}

static bool import_layer(struct input *i, int in_fd, const char *name, const char *message,
	const struct strv *changes, struct store_image *ret, struct err *e)
{
	CLEAN(clean_json) json_t *layers = json_array();
	CLEAN(clean_fd) int fd = -1;
	char plain[SUM_SIZE], sum[SUM_SIZE];
	if (!spool(i, in_fd, &fd, e))
		return false;
	if (!layer_type(fd)) {
		err_msg(e, ERR_INPUT, "layers are plain, gzip or zstd");
		return err_hint(e, "unpack it on the way: xz -dc FILE | guscio import -");
	}
	if (!add_layer(i, "layer", layers, plain, e))
		return false;
	CLEAN(clean_json) json_t *config = import_config(plain, message, changes, e);
	CLEAN(clean_free) char *text = config ? json_dumps(config, JSON_COMPACT) : NULL;
	if (!text)
		return false;
	sum_of(text, strlen(text), sum);
	if (!files_write(i->dir_fd, "config", text, strlen(text), e))
		return false;
	strv_add(i->store->arena, &i->digests, sum);
	strv_add(i->store->arena, &i->paths, "config");
	return keep_built(i, sum, strlen(text), layers, name, ret, e);
}

bool archive_import(struct store *store, const struct inside *in, const char *map, int in_fd,
	const char *name, const char *message, const struct strv *changes, struct store_image *ret,
	struct err *e)
{
	struct inside single = *in;
	struct input i = {
		.store = store, .in = in, .map = map, .dir_fd = -1, .unpacker = UNPACKER_INIT};
	CLEAN(clean_fd) int busy_fd = -1;
	sigset_t before;
	single.userns = USERNS_SINGLE;
	if (!store_lock_busy(store, &busy_fd, e))
		return false;
	signals_hold(&before);
	bool ok = import_layer(&i, in_fd, name, message, changes, ret, e);
	finish(&i, &single);
	signals_release(&before);
	return ok;
}
