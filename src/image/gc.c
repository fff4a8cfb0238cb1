/* SPDX-License-Identifier: Apache-2.0 */
#include "image/gc.h"
#include "base/own.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static bool drop_layers(struct store *store, const struct inside *in, const struct strv *wanted,
	size_t *ret_layers, struct err *e)
{
	struct unpacker unpacker = UNPACKER_INIT;
	const char *path;
	bool ok = true;
	while (ok && (path = store_dead_layer(store, wanted))) {
		ok = unpacker_remove(&unpacker, in, path, e);
		(*ret_layers)++;
	}
	unpacker_stop(&unpacker);
	return ok;
}

bool gc_collect(struct store *store, const struct inside *in, bool parts, int64_t *ret_bytes,
	size_t *ret_layers, struct err *e)
{
	CLEAN(clean_fd) int quiet_fd = -1;
	CLEAN(clean_fd) int index_fd = -1;
	struct store_wanted wanted;
	sigset_t before;
	*ret_bytes = 0;
	*ret_layers = 0;
	if (store->is_new || !store_lock_quiet(store, &quiet_fd))
		return true;
	/* Against those who only rename: a half-written index of theirs is no rubbish. */
	if (!store_lock_index(store, &index_fd, e))
		return false;
	if (!store_wanted_quietly(store, &wanted, e))
		return err_what(e, ERR_INPUT, "cannot tell what the storage still needs");
	signals_hold(&before);
	*ret_bytes = store_drop_blobs(store, &wanted, parts);
	clean_fd(&index_fd);
	bool ok = drop_layers(store, in, &wanted.diff_ids, ret_layers, e);
	signals_release(&before);
	return ok || err_what(e, ERR_HOST, "cannot remove unused layers");
}

static bool is_any_leased(const struct store *store)
{
	int list_fd = openat(store->dir_fd, "leases", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);
	struct dirent *entry;
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
			store_is_leased(
				store, arena_printf(store->arena, "sha256:%s", entry->d_name)))
			return true;
	return false;
}

static const char *const places[] = {"images", "layers", "leases", "overlays", "containers",
	"volumes", "secrets", "events", NULL};

bool gc_purge(struct store *store, const struct inside *in, struct err *e)
{
	CLEAN(clean_fd) int quiet_fd = -1;
	struct unpacker unpacker = UNPACKER_INIT;
	sigset_t before;
	bool ok = true;
	if (store->dir_fd < 0)
		return true;
	if (!store_lock_quiet(store, &quiet_fd) || is_any_leased(store)) {
		err_msg(e, ERR_STATE, "an image is in use, or being pulled");
		return err_what(e, ERR_STATE, "cannot remove '%s'", store->path);
	}
	signals_hold(&before);
	for (const char *const *place = places; ok && *place; place++) {
		struct stat st;
		if (fstatat(store->dir_fd, *place, &st, AT_SYMLINK_NOFOLLOW) == 0)
			ok = unpacker_remove(&unpacker, in,
				arena_printf(store->arena, "%s/%s", store->path, *place), e);
	}
	if (ok && store->layers_path)
		ok = unpacker_remove(&unpacker, in, store->layers_path, e);
	unpacker_stop(&unpacker);
	unlinkat(store->dir_fd, "lock", 0);
	unlinkat(store->dir_fd, "busy", 0);
	rmdir(store->path);
	signals_release(&before);
	return ok || err_what(e, ERR_HOST, "cannot remove '%s'", store->path);
}
