/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/tarball.h"
#include "apply/proc.h"
#include "base/own.h"
#include "spec/document.h"
#include "store/rootcache.h"
#include "wire/msg.h"

#include <fcntl.h>
#include <string.h>

/* One name for an id map: trees made with different maps have different owners. */
static const char *flavour(struct arena *arena, const struct idmaps *ids)
{
	uint64_t hash = 14695981039346656037ull;
	const struct id_map *maps[] = {&ids->uid, &ids->gid};
	if (ids->rung == MAP_SINGLE)
		return "single";
	for (size_t m = 0; m < 2; m++)
		for (size_t i = 0; i < maps[m]->n; i++) {
			const uint32_t values[] = {
				maps[m]->v[i].inside, maps[m]->v[i].outside, maps[m]->v[i].count};
			for (size_t j = 0; j < 3; j++)
				hash = (hash ^ values[j]) * 1099511628211ull;
		}
	return arena_printf(arena, "%016llx", (unsigned long long)hash);
}

/* A program in a user namespace with the container's ids; these descriptors and nothing else. */
static bool start_inside(struct invocation *to, const struct host *host, const struct strv *args,
	const int *fds, size_t n_fds, struct plan *plan, struct proc *ret, struct err *e)
{
	struct notes said_again = {0};
	struct spec *spec = arena_alloc(&to->arena, sizeof(*spec));
	spec_init(spec, &to->arena);
	spec->id = "";
	spec->init = false;
	spec->userns = to->spec.userns;
	spec->uid_map = to->spec.uid_map;
	spec->gid_map = to->spec.gid_map;
	spec->process.args = *args;
	spec->process.interactive = true;
	/* Without a root inside, exec would take the capabilities: then one id serves as well. */
	if (spec->userns == USERNS_KEEP_ID && host->rung == MAP_SINGLE)
		spec->userns = USERNS_SINGLE;
	if (!plan_build_unshare(spec, host, plan, &said_again, e))
		return false;
	for (size_t i = 0; i < n_fds; i++)
		plan->keep_fds[plan->n_keep_fds++] = fds[i];
	return start(plan, ret, to->notes, e);
}

/* The helper's answer; its notes become ours. */
static bool listen_to(struct invocation *to, int socket_fd, const char **ret_digest, struct err *e)
{
	for (;;) {
		struct msg m;
		switch (msg_receive(socket_fd, &m, NULL, NULL, e)) {
		case MSG_GOT_ERROR:
			return false;
		case MSG_GOT_EOF:
			return err_msg(e, ERR_INTERNAL, "guscio-unpack ended without a word");
		case MSG_GOT_RECORD:
			break;
		}
		if (m.kind == MSG_NOTE)
			notes_add(to->notes, "%s", m.err.what);
		if (m.kind == MSG_FAIL)
			return *e = m.err, false;
		if (m.kind == MSG_DONE) {
			*ret_digest = arena_strdup(&to->arena, m.err.what);
			return true;
		}
	}
}

static bool run_unpack(struct invocation *to, const struct host *host, int tar_fd, int dest_fd,
	const char **ret_digest, struct err *e)
{
	struct arena *a = &to->arena;
	struct strv args = {0};
	struct proc proc = PROC_INIT;
	struct plan plan;
	int wire[2], status;
	if (!msg_pair(wire, e))
		return false;
	const int fds[] = {tar_fd, dest_fd, wire[1]};
	strv_add(a, &args, arena_printf(a, "%s/guscio-unpack", host->helper_dir));
	for (size_t i = 0; i < 3; i++)
		strv_add(a, &args, arena_printf(a, "%d", fds[i]));
	bool ok = start_inside(to, host, &args, fds, 3, &plan, &proc, e);
	close(wire[1]);
	ok = ok && listen_to(to, wire[0], ret_digest, e) &&
	     foreground(&plan, &proc, to->notes, &status, e);
	close(wire[0]);
	proc_drop(&plan, &proc);
	return ok;
}

/* Files of subordinate ids: only inside the namespace can they be removed. */
static void remove_inside(struct invocation *to, const struct host *host, const char *path)
{
	struct strv args = {0};
	struct proc proc = PROC_INIT;
	struct plan plan;
	struct err ignored;
	int status;
	strv_add(&to->arena, &args, "/bin/rm");
	strv_add(&to->arena, &args, "-rf");
	strv_add(&to->arena, &args, "--");
	strv_add(&to->arena, &args, path);
	if (start_inside(to, host, &args, NULL, 0, &plan, &proc, &ignored))
		foreground(&plan, &proc, to->notes, &status, &ignored);
	proc_drop(&plan, &proc);
}

static void remove_dead(struct invocation *to, const struct host *host, struct rootcache *cache)
{
	const char *name = rootcache_dead(cache);
	if (name)
		remove_inside(to, host, arena_printf(&to->arena, "%s/%s", cache->path, name));
}

static bool unpack_new(struct invocation *to, const struct host *host, struct rootcache *cache,
	int tar_fd, const char *key, const char *map, struct err *e)
{
	const char *name = NULL, *digest = NULL, *path = NULL;
	CLEAN(clean_fd) int dest_fd = -1;
	if (!rootcache_begin(cache, to->spec.id, &name, &dest_fd, e))
		return false;
	bool ok = run_unpack(to, host, tar_fd, dest_fd, &digest, e) &&
		  rootcache_commit(cache, name, dest_fd, digest, map, key, &path, e);
	/* Failed, or there already: what was unpacked here is nobody's. */
	const char *mine = arena_printf(&to->arena, "%s/%s", cache->path, name);
	if (faccessat(cache->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		remove_inside(to, host, mine);
	if (ok)
		to->spec.root.path = path;
	return ok;
}

static bool find_or_unpack(struct invocation *to, const struct host *host, struct rootcache *cache,
	int tar_fd, struct err *e)
{
	struct idmaps ids;
	struct notes said_again = {0};
	const char *key, *path;
	CLEAN(clean_fd) int lock_fd = -1;
	if (to->spec.userns == USERNS_JOIN) {
		err_msg(e, ERR_USAGE, "a joined user namespace has ids that are not known here");
		return err_hint(e, "unpack it first, and use the directory");
	}
	if (!idmaps_plan(&to->spec, host, &to->arena, &ids, &said_again, e))
		return false;
	const char *map = flavour(&to->arena, &ids);
	if (!rootcache_key(cache, tar_fd, map, &key, e))
		return false;
	path = rootcache_find(cache, key);
	if (!path) {
		if (!rootcache_lock(cache, key, &lock_fd, e))
			return false;
		/* Perhaps somebody unpacked it while we waited. */
		path = rootcache_find(cache, key);
	}
	if (!path) {
		remove_dead(to, host, cache);
		return unpack_new(to, host, cache, tar_fd, key, map, e);
	}
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
