/* SPDX-License-Identifier: Apache-2.0 */
#include "quadlet/translate.h"
#include "base/own.h"
#include "base/text.h"

#include <string.h>

static const struct {
	const char *suffix, *section, *name_key, *service;
} kinds[QUADLET_KINDS] = {{".container", "Container", "ContainerName", ".service"},
	{".volume", "Volume", "VolumeName", "-volume.service"},
	{".network", "Network", "NetworkName", "-network.service"}};

/* As systemd.unit(5) has it, and short enough for what we put behind it. */
static bool is_unit_name(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				":-_.\\@");
	return n > 0 && !name[n] && n < 200 && name[0] != '.';
}

bool quadlet_kind_of(const char *name, enum quadlet_kind *ret)
{
	for (int i = 0; i < QUADLET_KINDS; i++)
		if (text_ends(name, kinds[i].suffix) && name[0] != '.' && is_unit_name(name)) {
			*ret = (enum quadlet_kind)i;
			return true;
		}
	return false;
}

static const char *stem(const char *name, struct arena *arena)
{
	const char *dot = strrchr(name, '.');
	return arena_strndup(arena, name, dot ? (size_t)(dot - name) : strlen(name));
}

const char *quadlet_service_name(const char *name, struct arena *arena)
{
	enum quadlet_kind kind;
	if (!quadlet_kind_of(name, &kind))
		return name;
	return arena_printf(arena, "%s%s", stem(name, arena), kinds[kind].service);
}

const char *quadlet_resource(const struct quadlet_source *source, struct arena *arena)
{
	const struct unit_entry *said = unit_file_last(
		&source->file, kinds[source->kind].section, kinds[source->kind].name_key);
	if (said)
		return said->value;
	const char *name = stem(source->name, arena), *at = strchr(name, '@');
	/* One for each instance: "@" is in no container's name. */
	if (at && at[1])
		return arena_printf(arena, "systemd-%.*s_%s", (int)(at - name), name, at + 1);
	if (at)
		return arena_printf(arena, "systemd-%.*s_%%i", (int)(at - name), name);
	return arena_printf(arena, "systemd-%s", name);
}

/* A path of ours, in which no "%" or "$" is for systemd. */
static const char *literal(struct arena *arena, const char *path)
{
	struct lines text = {.arena = arena};
	for (; *path; path++)
		lines_add_bytes(&text,
			*path == '%'   ? "%%"
			: *path == '$' ? "$$"
				       : path,
			*path == '%' || *path == '$' ? 2 : 1);
	return lines_text(&text);
}

const struct unit_entry *translation_last(const struct translation *t, const char *key)
{
	return unit_file_last(&t->from->file, t->section, key);
}

void translation_add(struct translation *t, const char *option, const char *value)
{
	strv_add(t->arena, &t->command, option);
	strv_add(t->arena, &t->command, value);
}

const char *translation_path(const struct translation *t, const char *path)
{
	if (path[0] == '/' || path[0] == '%' || path[0] == '$')
		return path;
	if (text_starts(path, "./"))
		path += 2;
	return arena_printf(t->arena, "%s/%s", t->dir, path);
}

bool translation_resource(struct translation *t, const struct unit_entry *entry,
	const char *source_name, const char **ret, struct err *e)
{
	for (size_t i = 0; i < t->all->n; i++) {
		const struct quadlet_source *source = &t->all->v[i];
		if (strcmp(source->name, source_name) || source->is_refused)
			continue;
		const char *unit = quadlet_service_name(source->name, t->arena);
		*ret = quadlet_resource(source, t->arena);
		if (!strv_has(&t->wanted, unit))
			strv_add(t->arena, &t->wanted, unit);
		return true;
	}
	err_msg(e, ERR_INPUT, "there is no file '%s' that can be used", source_name);
	return unit_entry_refuse(entry, e);
}

/* Made once, and there from then on: stopping the unit takes no data away. */
static bool resource_translate(struct translation *t, struct err *e)
{
	strv_add(t->arena, &t->command, t->guscio);
	strv_add(t->arena, &t->command, t->from->kind == QUADLET_VOLUME ? "volume" : "network");
	strv_add(t->arena, &t->command, "create");
	/* A volume that is there is taken as it is anyway. */
	if (t->from->kind == QUADLET_NETWORK)
		strv_add(t->arena, &t->command, "--ignore");
	if (!keys_translate(t, e))
		return false;
	strv_add(t->arena, &t->command, t->resource);
	t->is_oneshot = true;
	lines_add(&t->service, "RemainAfterExit=yes\n", NULL);
	return true;
}

bool quadlet_translate(const struct quadlet_set *all, const struct quadlet_source *from,
	const char *guscio, struct arena *arena, struct quadlet_unit *ret, struct err *e)
{
	struct translation t = {.all = all,
		.from = from,
		.arena = arena,
		.section = kinds[from->kind].section,
		.service = {.arena = arena}};
	*ret = (struct quadlet_unit){.name = quadlet_service_name(from->name, arena)};
	t.guscio = literal(arena, guscio);
	t.dir = literal(arena, from->dir);
	t.resource = quadlet_resource(from, arena);
	if (!keys_check(&t, e))
		return false;
	bool ok = from->kind == QUADLET_CONTAINER ? container_translate(&t, e)
						  : resource_translate(&t, e);
	return ok && service_write(&t, ret, e);
}
