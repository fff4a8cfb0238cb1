/* SPDX-License-Identifier: Apache-2.0 */
#include "image/archive_input.h"
#include "base/own.h"
#include "sys/files.h"
#include "store/sum.h"
#include "sys/path.h"
#include "sys/spawn.h"

#include <bsd/stdlib.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static void clean_json(json_t **j)
{
	json_decref(*j);
}

bool input_open_file(const struct archive_input *i, const char *path, int *ret_fd, struct err *e)
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

bool input_copy(int from_fd, int to_fd, struct err *e)
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

static bool open_blob(const struct archive_input *i, const char *digest, int *ret_fd, struct err *e)
{
	for (size_t j = 0; j < i->digests.n; j++)
		if (!strcmp(i->digests.v[j], digest))
			return input_open_file(i, i->paths.v[j], ret_fd, e);
	return input_open_file(
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
	return input_copy(fd, part_fd, e);
}

/* A document that is named by its digest, checked, and kept as a blob. */
bool input_take_document(
	struct archive_input *i, const char *digest, char **ret, size_t *ret_size, struct err *e)
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

bool input_keep(struct archive_input *i, const char *text, size_t size, const char *name,
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
	if (!input_take_document(i, manifest.config.digest, &config_text, &config_size, e) ||
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

/* Sums of a file: as it is, and unpacked. */
static bool sum_file(
	struct archive_input *i, int fd, char packed[SUM_SIZE], char plain[SUM_SIZE], struct err *e)
{
	struct msg answer;
	const struct unpack_job job = {.kind = UNPACK_HASH,
		.size = -1,
		.archive_fd = fd,
		.dest_fd = i->dir_fd,
		.more_fd = -1};
	if (!unpacker_do(&i->unpacker, i->in, &job, &answer, e))
		return false;
	snprintf(packed, SUM_SIZE, "sha256:%.64s", answer.err.cause);
	snprintf(plain, SUM_SIZE, "sha256:%.64s", answer.err.what);
	return lseek(fd, 0, SEEK_SET) == 0 || err_sys(e, "read it again");
}

/* The type by its first bytes, as the archive does not say it. */
const char *input_layer_type(int fd)
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

bool input_add_layer(struct archive_input *i, const char *path, json_t *layers,
	char plain[SUM_SIZE], struct err *e)
{
	CLEAN(clean_fd) int fd = -1;
	struct stat st;
	char packed[SUM_SIZE];
	if (!input_open_file(i, path, &fd, e))
		return false;
	const char *type = input_layer_type(fd);
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

bool input_keep_built(struct archive_input *i, const char *config_digest, size_t config_size,
	json_t *layers, const char *name, struct store_image *ret, struct err *e)
{
	CLEAN(clean_json)
	json_t *manifest = json_pack("{s:i, s:s, s:{s:s, s:s, s:I}, s:O}", "schemaVersion", 2,
		"mediaType", "application/vnd.oci.image.manifest.v1+json", "config", "mediaType",
		"application/vnd.oci.image.config.v1+json", "digest", config_digest, "size",
		(json_int_t)config_size, "layers", layers);
	CLEAN(clean_free) char *text = json_dumps(manifest, JSON_COMPACT);
	return text ? input_keep(i, text, strlen(text), name, ret, e)
		    : err_msg(e, ERR_INTERNAL, "no memory for a manifest");
}

bool archive_input_run(
	struct archive_input *i, archive_input_action *action, void *data, struct err *e)
{
	struct inside single = *i->in;
	struct unpacker remover = UNPACKER_INIT;
	CLEAN(clean_fd) int busy_fd = -1;
	struct err ignored;
	sigset_t before;
	single.userns = USERNS_SINGLE;
	i->single = &single;
	i->dir_fd = -1;
	i->unpacker = (struct unpacker)UNPACKER_INIT;
	if (!store_lock_busy(i->store, &busy_fd, e))
		return false;
	signals_hold(&before);
	bool ok = action(i, data, e);
	unpacker_stop(&i->unpacker);
	if (i->scratch)
		unpacker_remove(&remover, &single, i->scratch, &ignored);
	unpacker_stop(&remover);
	clean_fd(&i->dir_fd);
	signals_release(&before);
	return ok;
}

bool input_make_scratch(struct archive_input *i, struct err *e)
{
	const char *random = arena_printf(i->store->arena, "%08x%08x", arc4random(), arc4random());
	return store_begin_layer(i->store, "single", random, &i->scratch, &i->dir_fd, e);
}
