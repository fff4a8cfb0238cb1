/* SPDX-License-Identifier: Apache-2.0 */
/* usage.c - how much a store has, and how much of that containers need */
#include "base/own.h"
#include "store/store.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct measuring {
	struct store *store;
	store_layer_size *layer_size;
	void *data;
	struct store_wanted active;
	struct store_usage *usage;
};

/* Also images without a name, as long as a container has them. */
static bool want_active(struct measuring *m, struct err *e)
{
	struct store *store = m->store;
	int list_fd = openat(store->dir_fd, "leases", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		struct manifest manifest;
		struct store_image image = {.store = store,
			.digest = arena_printf(store->arena, "sha256:%s", entry->d_name)};
		if (!reference_is_digest(image.digest) || !store_is_leased(store, image.digest))
			continue;
		if (!store_read_manifest(&image, store->arena, &manifest, e))
			return false;
		image.config = manifest.config.digest;
		if (!store_want_image(store, &image, &m->active, e))
			return false;
		m->usage->active++;
	}
	return true;
}

static void measure_blobs(struct measuring *m)
{
	int list_fd = openat(m->store->blobs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		struct stat st;
		if (fstatat(list_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISREG(st.st_mode))
			continue;
		m->usage->bytes += st.st_size;
		if (!store_is_dead_blob(entry->d_name, &m->active, true))
			m->usage->active_bytes += st.st_size;
	}
}

static void measure_map(struct measuring *m, int layers_fd, const char *map)
{
	struct arena *arena = m->store->arena;
	int map_fd = openat(layers_fd, map, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = map_fd < 0 ? NULL : fdopendir(map_fd);
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		if (strlen(entry->d_name) != 64)
			continue;
		int64_t bytes = m->layer_size(m->data,
			arena_printf(arena, "%s/%s/%s", m->store->layers_path, map, entry->d_name));
		m->usage->layers++;
		m->usage->bytes += bytes;
		if (strv_has(&m->active.diff_ids, arena_printf(arena, "sha256:%s", entry->d_name)))
			m->usage->active_bytes += bytes;
	}
}

static void measure_layers(struct measuring *m)
{
	int list_fd = openat(m->store->layers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);
	struct dirent *entry;
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			measure_map(m, list_fd, entry->d_name);
}

/* Names of one image are one image. */
static size_t count_images(const struct store *store, const struct store_image *v, size_t n)
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++) {
		bool is_again = v[i].store != store;
		for (size_t k = 0; k < i && !is_again; k++)
			is_again = v[k].store == store && !strcmp(v[k].digest, v[i].digest);
		count += !is_again;
	}
	return count;
}

bool store_measure(struct store *store, store_layer_size *layer_size, void *data,
	struct store_usage *ret, struct err *e)
{
	struct store_usage usage = {0};
	struct measuring m = {
		.store = store, .layer_size = layer_size, .data = data, .usage = &usage};
	struct store_image *v;
	size_t n;
	if (!store_list(store, &v, &n, e) || !want_active(&m, e))
		return false;
	usage.images = count_images(store, v, n);
	measure_blobs(&m);
	measure_layers(&m);
	*ret = usage;
	return true;
}
