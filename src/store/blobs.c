/* SPDX-License-Identifier: Apache-2.0 */
/* blobs.c - the store's files by digest, and layers by diff id */
#include "base/own.h"
#include "base/text.h"
#include "sys/files.h"
#include "store/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

bool store_has_blob(const struct store *store, const char *digest, int64_t size)
{
	struct stat st;
	for (; store; store = store->additional)
		if (!store->is_new && fstatat(store->blobs_fd, digest + 7, &st, 0) == 0 &&
			S_ISREG(st.st_mode) && (size < 0 || st.st_size == size))
			return true;
	return false;
}

bool store_open_blob(const struct store *store, const char *digest, int *ret_fd, struct err *e)
{
	for (; store; store = store->additional) {
		if (store->is_new)
			continue;
		int fd = openat(store->blobs_fd, digest + 7, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		*ret_fd = fd;
		return true;
	}
	return err_sys(e, "open the blob %s", digest);
}

bool store_read_blob(
	const struct store *store, const char *digest, char **ret, size_t *ret_size, struct err *e)
{
	CLEAN(clean_fd) int fd = -1;
	return store_open_blob(store, digest, &fd, e) &&
	       files_read_fd(fd, digest, IMAGE_JSON_MAX, ret, ret_size, e);
}

bool store_write_blob(
	const struct store *store, const void *data, size_t size, const char *digest, struct err *e)
{
	return files_write(store->blobs_fd, digest + 7, data, size, e);
}

static const char *part_name(const struct store *store, const char *digest)
{
	return arena_printf(store->arena, "%s.part", digest + 7);
}

bool store_open_part(const struct store *store, const char *digest, int *ret_fd, struct err *e)
{
	const char *name = part_name(store, digest);
	struct stat mine, named;
	for (;;) {
		CLEAN(clean_fd)
		int fd = openat(store->blobs_fd, name,
			O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &mine) < 0)
			return err_sys(e, "open '%s'", name);
		/* While we waited, its owner may have made it the blob, or dropped it. */
		if (fstatat(store->blobs_fd, name, &named, 0) == 0 && mine.st_ino == named.st_ino) {
			*ret_fd = TAKE_FD(fd);
			return true;
		}
	}
}

bool store_keep_part(const struct store *store, const char *digest, int fd, struct err *e)
{
	(void)fd;
	if (renameat(store->blobs_fd, part_name(store, digest), store->blobs_fd, digest + 7) < 0)
		return err_sys(e, "keep the blob %s", digest);
	return true;
}

void store_drop_part(const struct store *store, const char *digest)
{
	unlinkat(store->blobs_fd, part_name(store, digest), 0);
}

const char *store_find_layer(const struct store *store, const char *map, const char *diff_id)
{
	struct stat st;
	for (; store; store = store->additional) {
		const char *name = arena_printf(store->arena, "%s/%s", map, diff_id + 7);
		if (!store->is_new && store->layers_fd >= 0 &&
			fstatat(store->layers_fd, name, &st, 0) == 0 && S_ISDIR(st.st_mode))
			return arena_printf(store->arena, "%s/%s", store->layers_path, name);
	}
	return NULL;
}

bool store_begin_layer(const struct store *store, const char *map, const char *random,
	const char **ret_path, int *ret_fd, struct err *e)
{
	const char *name = arena_printf(store->arena, "%s/new.%.32s", map, random);
	const char *path = arena_printf(store->arena, "%s/%s", store->layers_path, name);
	if (mkdirat(store->layers_fd, map, 0711) < 0 && errno != EEXIST)
		return err_sys(e, "make directory '%s/%s'", store->layers_path, map);
	if (mkdirat(store->layers_fd, name, 0755) < 0)
		return err_sys(e, "make directory '%s'", path);
	CLEAN(clean_fd)
	int fd = openat(store->layers_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_sys(e, "lock '%s'", path);
	*ret_path = path;
	*ret_fd = TAKE_FD(fd);
	return true;
}

bool store_keep_layer(const struct store *store, const char *map, const char *path,
	const char *diff_id, struct err *e)
{
	const char *place = arena_printf(store->arena, "%s/%s", map, diff_id + 7);
	if (renameat(AT_FDCWD, path, store->layers_fd, place) < 0 && errno != EEXIST &&
		errno != ENOTEMPTY)
		return err_sys(e, "name the layer '%s'", diff_id);
	return true;
}

static bool is_wanted(const char *name, const struct strv *wanted)
{
	for (size_t i = 0; i < wanted->n; i++)
		if (!strcmp(wanted->v[i] + 7, name))
			return true;
	return false;
}

/* In one map's directory; @wanted NULL: only what killed commands left. */
static const char *dead_below(
	const struct store *store, const char *parent, const struct strv *wanted)
{
	int list_fd = openat(store->layers_fd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		const char *name = entry->d_name;
		const char *path = arena_printf(store->arena, "%s/%s", parent, name);
		if (name[0] == '.')
			continue;
		if (!text_starts(name, "new.")) {
			const char *away = arena_printf(store->arena, "%s/new.%.32s", parent, name);
			if (wanted && !is_wanted(name, wanted) &&
				renameat(store->layers_fd, path, store->layers_fd, away) == 0)
				return away;
			continue;
		}
		CLEAN(clean_fd)
		int fd = openat(
			store->layers_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			return path;
	}
	return NULL;
}

const char *store_dead_layer(const struct store *store, const struct strv *wanted_diff_ids)
{
	int list_fd = openat(store->layers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		const char *found = dead_below(
			store, arena_strdup(store->arena, entry->d_name), wanted_diff_ids);
		if (found)
			return arena_printf(store->arena, "%s/%s", store->layers_path, found);
	}
	return NULL;
}

bool store_want_image(struct store *store, const struct store_image *image,
	struct store_wanted *ret, struct err *e)
{
	struct manifest manifest;
	struct image_config config;
	strv_add(store->arena, &ret->blobs, image->digest);
	strv_add(store->arena, &ret->blobs, image->config);
	if (!store_read_manifest(image, store->arena, &manifest, e) ||
		!store_read_config(image, &manifest, store->arena, &config, e))
		return false;
	for (size_t i = 0; i < manifest.n_layers; i++)
		if (!strv_has(&ret->blobs, manifest.layers[i].digest))
			strv_add(store->arena, &ret->blobs, manifest.layers[i].digest);
	for (size_t i = 0; i < config.diff_ids.n; i++)
		if (!strv_has(&ret->diff_ids, config.diff_ids.v[i]))
			strv_add(store->arena, &ret->diff_ids, config.diff_ids.v[i]);
	return true;
}

/*
 * What runs is wanted whatever the index says: an image may lose its name just as a start takes
 * its lease. A lease that nobody holds goes; under the quiet lock nobody is about to take it.
 */
static bool add_leased(struct store *store, struct store_wanted *ret, struct err *e)
{
	int list_fd = openat(store->dir_fd, "leases", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		struct manifest manifest;
		struct store_image image = {.store = store,
			.digest = arena_printf(store->arena, "sha256:%s", entry->d_name)};
		if (!reference_is_digest(image.digest))
			continue;
		if (!store_is_leased(store, image.digest)) {
			unlinkat(dirfd(dir), entry->d_name, 0);
			continue;
		}
		if (strv_has(&ret->blobs, image.digest))
			continue;
		if (!store_read_manifest(&image, store->arena, &manifest, e))
			return false;
		image.config = manifest.config.digest;
		if (!store_want_image(store, &image, ret, e))
			return false;
	}
	return true;
}

bool store_wanted(struct store *store, struct store_wanted *ret, struct err *e)
{
	struct store_image *v;
	size_t n;
	*ret = (struct store_wanted){0};
	if (!store_list(store, &v, &n, e))
		return false;
	for (size_t i = 0; i < n; i++)
		if (v[i].store == store && !store_want_image(store, &v[i], ret, e))
			return false;
	return true;
}

bool store_wanted_quietly(struct store *store, struct store_wanted *ret, struct err *e)
{
	return store_wanted(store, ret, e) && add_leased(store, ret, e);
}

bool store_is_dead_blob(const char *name, const struct store_wanted *wanted, bool parts)
{
	size_t n = strspn(name, "0123456789abcdef");
	if (n == 64 && !name[n])
		return !is_wanted(name, &wanted->blobs);
	/* ".<hex>.<pid>": a small one that was being written. */
	return (parts && n == 64 && !strcmp(name + n, ".part")) ||
	       (name[0] == '.' && strlen(name) > 60);
}

/* ".index.json.<pid>", left by a command that was killed while it wrote. */
static void drop_temporary(const struct store *store)
{
	int list_fd = openat(store->images_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);
	struct dirent *entry;
	while (dir && (entry = readdir(dir)))
		if (text_starts(entry->d_name, ".index.json."))
			unlinkat(store->images_fd, entry->d_name, 0);
}

int64_t store_drop_blobs(const struct store *store, const struct store_wanted *wanted, bool parts)
{
	int list_fd = openat(store->blobs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);
	struct dirent *entry;
	int64_t bytes = 0;
	drop_temporary(store);
	while (dir && (entry = readdir(dir))) {
		struct stat st;
		if (!store_is_dead_blob(entry->d_name, wanted, parts) ||
			fstatat(store->blobs_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (unlinkat(store->blobs_fd, entry->d_name, 0) == 0)
			bytes += st.st_size;
	}
	return bytes;
}
