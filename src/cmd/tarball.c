/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/tarball.h"
#include "base/own.h"
#include "base/text.h"
#include "cmd/progress.h"
#include "image/unpacker.h"
#include "store/rootcache.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The helper reads by our own descriptor: how far it is, its offset says. Ends at the answer. */
static void watch_reading(
	struct unpacker *u, int tar_fd, struct layer_row *row, const struct watch *watch)
{
	struct pollfd answer = {.fd = u->socket_fd, .events = POLLIN};
	while (watch && poll(&answer, 1, 100) == 0) {
		row->done = lseek(tar_fd, 0, SEEK_CUR);
		watch->draw(watch->data, row, 1, false);
	}
	row->state = ROW_DONE;
	if (watch)
		watch->draw(watch->data, row, 1, true);
}

static bool run_unpack(struct unpacker *u, const struct inside *in, int tar_fd, int dest_fd,
	struct layer_row *row, const struct watch *watch, const char **ret_digest, struct err *e)
{
	struct msg answer;
	const struct unpack_job job = {.kind = UNPACK_ROOT,
		.size = -1,
		.archive_fd = tar_fd,
		.dest_fd = dest_fd,
		.more_fd = -1};
	if (!unpacker_start(u, in, e) || !unpacker_submit(u, &job, e))
		return false;
	watch_reading(u, tar_fd, row, watch);
	if (!unpacker_receive(u, &answer, in->notes, e))
		return false;
	if (answer.kind == MSG_FAIL)
		return *e = answer.err, false;
	*ret_digest = arena_strdup(in->arena, answer.err.cause);
	return true;
}

static void remove_dead(struct unpacker *u, const struct inside *in, struct rootcache *cache)
{
	const char *name = rootcache_dead(cache);
	struct err ignored;
	if (name)
		unpacker_remove(
			u, in, arena_printf(in->arena, "%s/%s", cache->path, name), &ignored);
}

/* A row of the progress that layers have, with the file's name in the digest's place. */
static struct layer_row row_of(struct invocation *to, int tar_fd)
{
	struct stat st;
	char name[64];
	const char *slash = strrchr(to->spec.root.path, '/');
	text_visible(name, sizeof(name), slash ? slash + 1 : to->spec.root.path);
	return (struct layer_row){.digest = arena_printf(&to->arena, "sha256:%s", name),
		.size = fstat(tar_fd, &st) == 0 ? st.st_size : 0,
		.state = ROW_UNPACKING};
}

static bool unpack_new(struct invocation *to, const struct inside *in, struct rootcache *cache,
	int tar_fd, const char *key, const char *map, struct err *e)
{
	CLEAN(unpacker_stop) struct unpacker unpacker = UNPACKER_INIT;
	const char *name = NULL, *digest = NULL, *path = NULL;
	CLEAN(clean_fd) int dest_fd = -1;
	struct bars bars;
	struct layer_row row = row_of(to, tar_fd);
	const struct watch *watch =
		progress_watch(&bars, to->source.is_quiet || !isatty(STDERR_FILENO));
	remove_dead(&unpacker, in, cache);
	if (!rootcache_begin(cache, to->spec.id, &name, &dest_fd, e))
		return false;
	bool ok = run_unpack(&unpacker, in, tar_fd, dest_fd, &row, watch, &digest, e) &&
		  rootcache_commit(cache, name, dest_fd, digest, map, key, &path, e);
	/* Failed, or there already: what was unpacked here is nobody's. */
	const char *mine = arena_printf(&to->arena, "%s/%s", cache->path, name);
	struct err ignored;
	if (!ok)
		unpacker_stop(&unpacker); /* its job may still write there */
	if (faccessat(cache->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		unpacker_remove(&unpacker, in, mine, &ignored);
	if (ok)
		to->spec.root.path = path;
	return ok;
}

static bool find_or_unpack(struct invocation *to, const struct host *host, struct rootcache *cache,
	int tar_fd, struct err *e)
{
	struct inside in = inside_of(&to->spec, host, to->notes);
	const char *key, *path, *map;
	CLEAN(clean_fd) int lock_fd = -1;
	if (!inside_map(&in, &map, e) || !rootcache_key(cache, tar_fd, map, &key, e))
		return false;
	path = rootcache_find(cache, key);
	if (!path) {
		if (!rootcache_lock(cache, key, &lock_fd, e))
			return false;
		/* Perhaps somebody unpacked it while we waited. */
		path = rootcache_find(cache, key);
	}
	if (!path)
		return unpack_new(to, &in, cache, tar_fd, key, map, e);
	to->spec.root.path = path;
	return true;
}

bool tarball_unpack(struct invocation *to, const struct host *host, struct err *e)
{
	struct rootcache cache = {.dir_fd = -1};
	const char *path = to->spec.root.path;
	CLEAN(clean_fd) int tar_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (tar_fd < 0) {
		err_sys(e, "open it");
		return err_what(e, ERR_INPUT, "cannot use '%s' as root", path);
	}
	bool ok = rootcache_open(&cache, host->cache_dir, &to->arena, e) &&
		  find_or_unpack(to, host, &cache, tar_fd, e);
	rootcache_close(&cache);
	if (!ok)
		return err_what(e, e->kind == ERR_INTERNAL ? ERR_HOST : e->kind,
			"cannot unpack '%s'", path);
	to->spec.root.kind = ROOT_DIR;
	return true;
}
