/* SPDX-License-Identifier: Apache-2.0 */
/* volume.c - "guscio volume create", ls, inspect, rm and prune */
#include "cmd/volume.h"
#include "base/own.h"
#include "base/text.h"
#include "cmd/container_command.h"
#include "cmd/container_text.h"
#include "cmd/table.h"
#include "spec/mount_options.h"
#include "state/event.h"
#include "store/volume.h"

#include <string.h>

static void clean_json(json_t **j)
{
	json_decref(*j);
}

static bool say(struct container_command *c, const char *name, struct err *e)
{
	return print_out(arena_printf(&c->to.arena, "%s\n", name), e);
}

static bool create(struct container_command *c, struct err *e)
{
	const char *name = c->argc ? c->argv[0] : invocation_new_id(&c->to.arena);
	bool is_new;
	if (!mount_is_volume_name(name)) {
		err_what(e, ERR_USAGE, "'%s' is no name for a volume", name);
		return err_hint(e, "letters, digits, and after the first also _ . -");
	}
	if (!volume_make(c->host.data_dir, name, &c->to.life.labels, &is_new, e))
		return false;
	if (is_new)
		event_of(c->host.data_dir, "volume", "create", name, "driver=local");
	return say(c, name, e);
}

static json_t *labels_of(const struct volume *v, struct arena *arena)
{
	json_t *object = json_object();
	for (size_t i = 0; i < v->labels.n; i++) {
		size_t n = strcspn(v->labels.v[i], "=");
		json_t *text = json_string(v->labels.v[i][n] ? v->labels.v[i] + n + 1 : "");
		json_object_set_new(object, arena_strndup(arena, v->labels.v[i], n),
			text ? text : json_string("?"));
	}
	return object;
}

static json_t *row_of(struct container_command *c, const struct volume *v)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:n}", "Name", v->name, "Driver", "local",
		"Scope", "local", "Mountpoint", v->path, "CreatedAt",
		container_time(&c->to.arena, v->created_ns), "Labels", labels_of(v, &c->to.arena),
		"Options");
}

static bool matches(struct container_command *c, const struct volume *v, bool *ret, struct err *e)
{
	*ret = true;
	for (size_t i = 0; i < c->to.filters.n && *ret; i++) {
		const char *filter = c->to.filters.v[i];
		if (text_starts(filter, "name=")) {
			*ret = strstr(v->name, filter + 5) != NULL;
		} else if (text_starts(filter, "label=")) {
			const char *key =
				arena_strndup(&c->to.arena, filter + 6, strcspn(filter + 6, "="));
			const char *value = strv_env(&v->labels, key);
			*ret = strchr(filter + 6, '=') ? strv_has(&v->labels, filter + 6)
						       : value != NULL;
		} else if (!strcmp(filter, "dangling=true") || !strcmp(filter, "dangling=false")) {
			bool used;
			if (!volume_has_user(&c->host, v->name, false, &used, e))
				return false;
			*ret = used == !strcmp(filter, "dangling=false");
		} else {
			err_what(e, ERR_USAGE, "the filter '%s' is not known", filter);
			return err_hint(e, "name, label, dangling=true|false");
		}
	}
	return true;
}

static bool add_rows(struct container_command *c, json_t *rows, struct err *e)
{
	struct strv names = {0};
	if (!volume_list(c->host.data_dir, &c->to.arena, &names, e))
		return false;
	for (size_t i = 0; i < names.n; i++) {
		struct volume v;
		bool wanted;
		if (!volume_read(c->host.data_dir, names.v[i], &c->to.arena, &v, e) ||
			!matches(c, &v, &wanted, e))
			return false;
		if (wanted)
			json_array_append_new(rows, row_of(c, &v));
	}
	return true;
}

static const struct column columns[] = {{"DRIVER", "Driver"}, {"VOLUME NAME", "Name"}, {0}};

static bool list(struct container_command *c, struct err *e)
{
	CLEAN(clean_json) json_t *rows = json_array();
	const char *format = c->to.source.is_quiet && !c->to.format ? "{{.Name}}" : c->to.format;
	return add_rows(c, rows, e) &&
	       table_print(rows, columns, format, c->to.has_no_header, &c->to.arena, e);
}

static bool inspect(struct container_command *c, struct err *e)
{
	CLEAN(clean_json) json_t *rows = json_array();
	for (int i = 0; i < c->argc; i++) {
		struct volume v;
		if (!volume_read(c->host.data_dir, c->argv[i], &c->to.arena, &v, e))
			return false;
		json_array_append_new(rows, row_of(c, &v));
	}
	return table_print(
		rows, NULL, c->to.format ? c->to.format : "json", false, &c->to.arena, e);
}

static bool remove_one(struct container_command *c, const char *name, struct err *e)
{
	bool used;
	if (!mount_is_volume_name(name))
		return err_what(e, ERR_STATE, "no volume '%s'", name);
	struct volume ignored;
	if (!volume_read(c->host.data_dir, name, &c->to.arena, &ignored, e)) {
		if (c->to.force)
			*e = (struct err)ERR_INIT;
		return c->to.force;
	}
	if (!volume_has_user(&c->host, name, false, &used, e))
		return false;
	if (used) {
		err_msg(e, ERR_STATE, "a container has it");
		err_what(e, ERR_STATE, "cannot remove volume '%s'", name);
		return err_hint(e, "see which: guscio ps -a --filter volume=%s", name);
	}
	if (!volume_delete(&c->host, name, c->to.notes, e))
		return false;
	event_of(c->host.data_dir, "volume", "destroy", name, "driver=local");
	return say(c, name, e);
}

static bool remove_all(struct container_command *c, struct err *e)
{
	return container_each(c, remove_one, e);
}

/* Which of those that no container has: docker's rule is those without a name. */
static bool is_pruned(struct container_command *c, const struct volume *v, bool *ret, struct err *e)
{
	bool used;
	*ret = false;
	if (!c->to.all && !volume_is_anonymous(v))
		return true;
	if (!matches(c, v, ret, e) || !volume_has_user(&c->host, v->name, false, &used, e))
		return false;
	*ret &= !used;
	return true;
}

/* Without asking only when told so: what is in a volume is nobody's copy. */
static bool prune(struct container_command *c, struct err *e)
{
	struct strv names = {0};
	if (!c->to.force) {
		err_what(e, ERR_USAGE, "volumes hold data that is nowhere else");
		return err_hint(e, "guscio volume prune --force removes what no container has");
	}
	if (!volume_list(c->host.data_dir, &c->to.arena, &names, e))
		return false;
	c->to.force = false;
	for (size_t i = 0; i < names.n; i++) {
		struct volume v;
		bool is_wanted;
		struct err busy = ERR_INIT;
		if (!volume_read(c->host.data_dir, names.v[i], &c->to.arena, &v, &busy))
			continue;
		if (!is_pruned(c, &v, &is_wanted, e))
			return false;
		/* One that a container in the foreground has stays too. */
		if (is_wanted && !remove_one(c, names.v[i], &busy) && busy.kind != ERR_STATE)
			return *e = busy, false;
	}
	return true;
}

CONTAINER_COMMAND(run_create, 0, 1, create)
CONTAINER_COMMAND(run_list, 0, 0, list)
CONTAINER_COMMAND(run_inspect, 1, -1, inspect)
CONTAINER_COMMAND(run_rm, 1, -1, remove_all)
CONTAINER_COMMAND(run_prune, 0, 0, prune)

static const struct option_def create_options[] = {
	{"label", 'l', "KEY=VALUE", "a label", set_label}, {0}};

const struct command command_volume_create = {.name = "volume create",
	.arguments = "[OPTIONS] [NAME]",
	.summary = "Make a volume",
	.details = "",
	.options = create_options,
	.run = run_create};

static const struct option_def list_options[] = {
	{"filter", 'f', "KEY=VALUE", "name, label, dangling=true|false", set_filter},
	{"format", 0, "FORMAT", "json, or a template as {{.Name}}", set_format},
	{"noheading", 'n', NULL, "no heads", set_noheading},
	{"quiet", 'q', NULL, "only names", set_quiet}, {0}};

const struct command command_volume_list = {.name = "volume ls",
	.arguments = "[OPTIONS]",
	.summary = "List volumes",
	.details = "",
	.options = list_options,
	.run = run_list};

static const struct option_def inspect_options[] = {
	{"format", 0, "FORMAT", "json (the default), or a template as {{.Mountpoint}}", set_format},
	{0}};

const struct command command_volume_inspect = {.name = "volume inspect",
	.arguments = "[OPTIONS] NAME...",
	.summary = "Show where volumes are",
	.details = "",
	.options = inspect_options,
	.run = run_inspect};

static const struct option_def rm_options[] = {
	{"force", 'f', NULL, "one that is not there is no error", set_force}, {0}};

const struct command command_volume_rm = {.name = "volume rm",
	.arguments = "[OPTIONS] NAME...",
	.summary = "Remove volumes that no container has",
	.details = "",
	.options = rm_options,
	.run = run_rm};

static const struct option_def prune_options[] = {
	{"all", 'a', NULL, "also those with names", set_all},
	{"filter", 0, "KEY=VALUE", "name, label", set_filter},
	{"force", 'f', NULL, "do it: there is no question", set_force}, {0}};

const struct command command_volume_prune = {.name = "volume prune",
	.arguments = "[OPTIONS]",
	.summary = "Remove volumes without a name that no container has",
	.details = "",
	.options = prune_options,
	.run = run_prune};
