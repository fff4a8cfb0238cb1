/* SPDX-License-Identifier: Apache-2.0 */
/* volume_remove.c - who has a volume, and its end */
#include "base/own.h"
#include "cmd/volume.h"
#include "image/flat.h"
#include "spec/document.h"
#include "state/event.h"
#include "state/foreground.h"
#include "store/volume.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = words; (p = strstr(p, word)); p += n)
		if ((p == words || p[-1] == ',') && (!p[n] || p[n] == ','))
			return true;
	return false;
}

/* Those in somebody's foreground run, else they would not be there. */
static bool has_foreground_user(
	const char *runtime_dir, const char *name, const struct strv *known, struct arena *arena)
{
	struct container *others;
	size_t n;
	foreground_list(runtime_dir, known, arena, &others, &n);
	for (size_t i = 0; i < n; i++)
		if (has_word(others[i].mounts, name))
			return true;
	return false;
}

struct search {
	const struct host *host;
	const char *name;
	bool only_running;
};

static bool look_for_user(
	const struct search *s, int all_fd, struct arena *arena, bool *ret, struct err *e)
{
	struct strv ids = {0};
	if (!container_list(all_fd, arena, &ids, e))
		return false;
	strv_sort(&ids);
	*ret = has_foreground_user(s->host->runtime_dir, s->name, &ids, arena);
	for (size_t i = 0; i < ids.n && !*ret; i++) {
		struct container c;
		struct err spoilt = ERR_INIT;
		if (container_read(all_fd, ids.v[i], arena, &c, &spoilt) &&
			has_word(c.mounts, s->name))
			*ret = !s->only_running || container_is_up(&c);
	}
	return true;
}

bool volume_has_user(
	const struct host *host, const char *name, bool only_running, bool *ret, struct err *e)
{
	CLEAN(clean_fd) int all_fd = -1;
	struct arena arena = {0};
	*ret = false;
	if (!containers_open(host->data_dir, false, &all_fd, e) || !arena_init(&arena, e))
		return false;
	const struct search search = {host, name, only_running};
	bool ok = look_for_user(&search, all_fd, &arena, ret, e);
	arena_done(&arena);
	return ok;
}

/* No helper is wanted for an empty one. */
static bool remove_empty(const char *path)
{
	const char *const files[] = {"volume", "fill"};
	CLEAN(clean_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || unlinkat(fd, "_data", AT_REMOVEDIR) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		unlinkat(fd, files[i], 0);
	return rmdir(path) == 0;
}

bool volume_delete(const struct host *host, const char *name, struct notes *notes, struct err *e)
{
	struct arena arena = {0};
	struct host whole;
	struct spec spec;
	const char *path;
	if (!arena_init(&arena, e))
		return false;
	spec_init(&spec, &arena);
	bool ok = volume_take_away(host->data_dir, name, &arena, &path, e);
	if (ok && !remove_empty(path)) {
		ok = host_probe(HOST_WANT_RANGES, &arena, &whole, e);
		struct inside in = inside_of(&spec, &whole, notes);
		if (ok)
			flat_remove(&in, path);
		ok = ok && (access(path, F_OK) < 0 ||
				   err_msg(e, ERR_HOST, "something is left in '%s'", path));
		if (!ok)
			err_what(e, ERR_HOST, "cannot remove volume '%s'", name);
	}
	arena_done(&arena);
	return ok;
}

void volumes_release(struct invocation *to)
{
	for (size_t i = 0; i < to->life.n_volume_fds; i++)
		clean_fd(&to->life.volume_fds[i]);
	to->life.n_volume_fds = 0;
}

void volumes_drop(struct invocation *to, const struct host *host)
{
	/* Our own locks would be in the way. */
	volumes_release(to);
	for (size_t i = 0; i < to->life.own_volumes.n; i++) {
		const char *name = to->life.own_volumes.v[i];
		struct err e = ERR_INIT;
		struct notes ignored = {0};
		bool is_used = true;
		/* With --volumes-from another container may have it by now. */
		if (volume_has_user(host, name, false, &is_used, &e) && !is_used)
			volume_delete(host, name, &ignored, &e);
	}
	to->life.own_volumes = (struct strv){0};
}

void volumes_remove_anonymous(const struct host *host, const char *mounts, struct notes *notes)
{
	struct arena arena = {0};
	struct err e = ERR_INIT;
	if (!arena_init(&arena, &e))
		return;
	char *words = arena_strdup(&arena, mounts), *name;
	while ((name = strsep(&words, ","))) {
		struct volume v;
		bool is_used = true;
		struct err own = ERR_INIT;
		if (!name[0] || strchr(name, '/') ||
			!volume_read(host->data_dir, name, &arena, &v, &own) ||
			!volume_is_anonymous(&v))
			continue;
		if (volume_has_user(host, name, false, &is_used, &own) && is_used)
			continue;
		if (!is_used && !volume_delete(host, name, notes, &own) && own.kind != ERR_STATE)
			notes_add(notes, "%s: %s", own.what, own.cause);
		else if (!is_used && !own.what[0])
			event_of(host->data_dir, "volume", "destroy", name, "driver=local");
	}
	arena_done(&arena);
}
