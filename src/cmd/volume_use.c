/* SPDX-License-Identifier: Apache-2.0 */
/* volume_use.c - volumes of a container to come: -v NAME:/dst, -v /dst and --volumes-from */
#include "cmd/volume.h"
#include "base/own.h"
#include "base/text.h"
#include "cmd/life.h"
#include "spec/mount_options.h"
#include "spec/options.h"
#include "state/event.h"
#include "state/foreground.h"
#include "store/volume.h"

#include <string.h>

static bool make_anonymous(
	struct invocation *to, const struct host *host, struct mount_spec *m, struct err *e)
{
	const char *name = invocation_new_id(&to->arena);
	m->source = name;
	if (to->explain)
		return true;
	if (!volume_make_anonymous(host->data_dir, name, e))
		return false;
	strv_add(&to->arena, &to->life.own_volumes, name);
	return true;
}

/* "copy" and "nocopy" are not for the kernel, nor for the document. */
static void take_words(struct invocation *to, struct mount_spec *m)
{
	struct strv kept = {0};
	for (size_t i = 0; i < m->options.n; i++) {
		if (!strcmp(m->options.v[i], "nocopy"))
			strv_add(&to->arena, &to->life.unfilled, m->destination);
		else if (strcmp(m->options.v[i], "copy") != 0)
			strv_add(&to->arena, &kept, m->options.v[i]);
	}
	m->options = kept;
}

static void show_as_memory(struct invocation *to, struct mount_spec *m)
{
	m->type = m->source = "tmpfs";
	m->options = (struct strv){0};
	strv_add(&to->arena, &m->options, "nosuid");
	strv_add(&to->arena, &m->options, "nodev");
}

static bool settle_one(struct invocation *to, const struct host *host, struct mount_spec *m,
	bool is_only_shown, struct err *e)
{
	bool is_anonymous = !m->source[0];
	if (is_anonymous && is_only_shown && !to->explain)
		return show_as_memory(to, m), true;
	take_words(to, m);
	if (is_anonymous && !make_anonymous(to, host, m, e))
		return false;
	const char *name = m->source;
	m->source = arena_printf(&to->arena, "%s/volumes/%s/_data", host->data_dir, name);
	bool is_new = false;
	if (is_anonymous || is_only_shown)
		return true;
	if (!volume_make(host->data_dir, name, NULL, &is_new, e))
		return false;
	if (is_new)
		event_of(host->data_dir, "volume", "create", name, "driver=local");
	return true;
}

static bool has_mount(const struct spec *spec, const char *destination)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (!strcmp(spec->mounts[i].destination, destination))
			return true;
	return false;
}

/* CONTAINER[:ro|rw]: its binds and volumes, where there is nothing of our own. */
static bool take_from(
	struct invocation *to, const struct host *host, const char *text, struct err *e)
{
	CLEAN(clean_fd) int all_fd = -1;
	struct container record;
	struct invocation other = INVOCATION_INIT(to->notes, to->environment);
	size_t n = strcspn(text, ":");
	const char *name = arena_strndup(&to->arena, text, n),
		   *word = text[n] ? text + n + 1 : "rw";
	if (strcmp(word, "ro") && strcmp(word, "rw") && strcmp(word, "z") && strcmp(word, "Z"))
		return err_what(e, ERR_USAGE, "--volumes-from '%s' is not CONTAINER[:ro]", text);
	if (!arena_init(&other.arena, e))
		return false;
	bool ok = containers_open(host->data_dir, false, &all_fd, e) &&
		  containers_find(all_fd, host->runtime_dir, name, &other.arena, &record, e) &&
		  life_load(&other, host, &record, e);
	for (size_t i = 0; ok && i < other.spec.n_mounts; i++) {
		const struct mount_spec *from = &other.spec.mounts[i];
		if (strcmp(from->type, "bind") || has_mount(&to->spec, from->destination))
			continue;
		struct mount_spec m = {.type = "bind",
			.source = arena_strdup(&to->arena, from->source),
			.destination = arena_strdup(&to->arena, from->destination)};
		for (size_t k = 0; k < from->options.n; k++)
			strv_add(&to->arena, &m.options, from->options.v[k]);
		if (!strcmp(word, "ro"))
			strv_add(&to->arena, &m.options, "ro");
		*ARENA_APPEND(&to->arena, to->spec.mounts, to->spec.n_mounts) = m;
		strv_add(&to->arena, &to->life.unfilled, m.destination);
	}
	arena_done(&other.arena);
	return ok;
}

bool volumes_settle(
	struct invocation *to, const struct host *host, bool is_only_shown, struct err *e)
{
	for (size_t i = 0; i < to->life.volumes_from.n; i++)
		if (!take_from(to, host, to->life.volumes_from.v[i], e))
			return false;
	for (size_t i = 0; i < to->spec.n_mounts; i++) {
		struct mount_spec *m = &to->spec.mounts[i];
		if (!strcmp(m->type, "bind") &&
			(!m->source[0] || mount_is_volume_name(m->source)) &&
			!settle_one(to, host, m, is_only_shown, e))
			return false;
	}
	return true;
}

bool volume_of_path(
	struct arena *arena, const struct host *host, const char *path, const char **ret_name)
{
	const char *all = arena_printf(arena, "%s/volumes/", host->data_dir);
	if (!text_starts(path, all) || !text_ends(path, "/_data"))
		return false;
	path += strlen(all);
	size_t n = strlen(path) - strlen("/_data");
	if (memchr(path, '/', n))
		return false;
	*ret_name = arena_strndup(arena, path, n);
	return true;
}
