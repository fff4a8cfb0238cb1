/* SPDX-License-Identifier: Apache-2.0 */
/* ps.c - the list of containers, with docker's columns, filters and words */
#include "base/own.h"
#include "base/text.h"
#include "cmd/container_command.h"
#include "cmd/container_text.h"
#include "cmd/table.h"
#include "cmd/ports_shown.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

static void clean_json(json_t **j)
{
	json_decref(*j);
}

static bool is_before(int64_t ns, const struct container *other)
{
	return ns < other->created_ns;
}

static bool matches_label(const struct container *record, const char *wanted)
{
	const char *key = wanted;
	size_t n = strcspn(key, "=");
	for (size_t i = 0; i < record->labels.n; i++) {
		const char *label = record->labels.v[i];
		if (wanted[n] ? !strcmp(label, wanted) : !strncmp(label, key, n) && label[n] == '=')
			return true;
	}
	return false;
}

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = list; (p = strstr(p, word)); p++)
		if ((p == list || p[-1] == ',') && (p[n] == ',' || !p[n]))
			return true;
	return false;
}

/* Value of the container that --filter before= or since= names. */
static bool matches_time(struct container_command *c, const struct container *record,
	const char *value, bool is_before_it, bool *ret, struct err *e)
{
	struct container other;
	if (!container_get(c, value, &other, e))
		return false;
	*ret = is_before_it ? is_before(record->created_ns, &other)
			    : is_before(other.created_ns, record);
	return true;
}

static bool matches(struct container_command *c, const struct container *record, const char *filter,
	bool *ret, struct err *e)
{
	size_t n = strcspn(filter, "=");
	const char *key = arena_strndup(&c->to.arena, filter, n);
	const char *value = filter[n] ? filter + n + 1 : "";
	const char *state = container_state_word(record);
	if (!strcmp(key, "id"))
		*ret = text_starts(record->id, value);
	else if (!strcmp(key, "name"))
		*ret = strstr(record->name, value[0] == '/' ? value + 1 : value) != NULL;
	else if (!strcmp(key, "label"))
		*ret = matches_label(record, value);
	else if (!strcmp(key, "status"))
		*ret = !strcmp(state, value);
	else if (!strcmp(key, "exited"))
		*ret = !strcmp(state, "exited") &&
		       !strcmp(arena_printf(&c->to.arena, "%d", record->exit_code), value);
	else if (!strcmp(key, "ancestor"))
		*ret = !strcmp(record->image, value) || text_starts(record->image_id, value) ||
		       !strcmp(record->image, arena_printf(&c->to.arena, "%s:latest", value));
	else if (!strcmp(key, "volume"))
		*ret = has_word(record->mounts, value);
	else if (!strcmp(key, "network"))
		*ret = !strcmp(record->network, value);
	else if (!strcmp(key, "health"))
		*ret = !strcmp(record->health[0] ? record->health : "none", value);
	else if (!strcmp(key, "before") || !strcmp(key, "since"))
		return matches_time(c, record, value, key[0] == 'b', ret, e);
	else {
		err_what(e, ERR_USAGE, "the filter '%s' is not known", filter);
		return err_hint(e, "id, name, label, status, exited, ancestor, volume, network, "
				   "health, before, since");
	}
	return true;
}

/* The same key twice means either, different keys mean both; labels must all be there. */
static bool is_wanted(
	struct container_command *c, const struct container *record, bool *ret, struct err *e)
{
	const struct strv *filters = &c->to.filters;
	*ret = true;
	for (size_t i = 0; i < filters->n && *ret; i++) {
		size_t n = strcspn(filters->v[i], "=");
		bool any = false;
		for (size_t k = 0; k < filters->n && !any; k++) {
			if (strncmp(filters->v[k], filters->v[i], n + 1))
				continue;
			if (k != i && text_starts(filters->v[i], "label="))
				continue;
			if (!matches(c, record, filters->v[k], &any, e))
				return false;
		}
		*ret = any;
	}
	return true;
}

static const char *short_id(struct container_command *c, const struct container *record)
{
	return c->to.is_whole ? record->id : arena_strndup(&c->to.arena, record->id, 12);
}

static const char *short_command(struct container_command *c, const struct container *record)
{
	if (c->to.is_whole || strlen(record->command) <= 20)
		return arena_printf(&c->to.arena, "\"%s\"", record->command);
	return arena_printf(&c->to.arena, "\"%.17s...\"", record->command);
}

static const char *created_at(struct container_command *c, const struct container *record)
{
	return container_time_local(&c->to.arena, record->created_ns);
}

static const char *running_for(struct container_command *c, const struct container *record)
{
	return arena_printf(
		&c->to.arena, "%s ago", container_duration(&c->to.arena, record->created_ns));
}

/* What guscio-port serves now: ports come and go, with network none too. */
static const char *ports(struct container_command *c, const struct container *record)
{
	struct ports_shown shown = {0};
	if (container_is_up(record) && strcmp(record->network, "host") != 0)
		shown = ports_shown_of(&c->host, record->id, &c->to.arena);
	return ports_shown_text(&shown, &c->to.arena);
}

static const char *state(struct container_command *c, const struct container *record)
{
	(void)c;
	return container_state_word(record);
}

static const char *status(struct container_command *c, const struct container *record)
{
	return container_status(&c->to.arena, record);
}

static const char *labels(struct container_command *c, const struct container *record)
{
	const char *text = "";
	for (size_t i = 0; i < record->labels.n; i++)
		text = arena_printf(
			&c->to.arena, "%s%s%s", text, i ? "," : "", record->labels.v[i]);
	return text;
}

/* Of the mounts those that are a volume's name and no path. */
static const char *local_volumes(struct container_command *c, const struct container *record)
{
	unsigned n = 0;
	for (const char *p = record->mounts; *p; p += strcspn(p, ","), p += *p == ',')
		n += *p != '/';
	return arena_printf(&c->to.arena, "%u", n);
}

static const char *restarts(struct container_command *c, const struct container *record)
{
	return arena_printf(&c->to.arena, "%llu", (unsigned long long)record->restart_count);
}

static const char *size(struct container_command *c, const struct container *record)
{
	return container_size(&c->to.arena, c->host.data_dir, record->id);
}

#define TEXT(name, member)                                                                         \
	{                                                                                          \
		name, NULL, offsetof(struct container, member)                                     \
	}

/* lint: table */
static const struct field {
	const char *name;
	const char *(*value)(struct container_command *c, const struct container *record);
	size_t offset; /* of the text itself, where there is nothing to make */
} fields[] = {{"ID", short_id}, TEXT("Names", name), TEXT("Image", image),
	TEXT("ImageID", image_id), {"Command", short_command}, {"CreatedAt", created_at},
	{"RunningFor", running_for}, {"Ports", ports}, {"State", state}, {"Status", status},
	{"Labels", labels}, TEXT("Mounts", mounts), TEXT("Networks", network),
	{"LocalVolumes", local_volumes}, {"Restarts", restarts}, {"Size", size}};

static const char *value_of(
	struct container_command *c, const struct container *record, const struct field *field)
{
	return field->value ? field->value(c, record)
			    : *(const char *const *)((const char *)record + field->offset);
}

static const struct column columns[] = {{"CONTAINER ID", "ID"}, {"IMAGE", "Image"},
	{"COMMAND", "Command"}, {"CREATED", "RunningFor"}, {"STATUS", "Status"}, {"PORTS", "Ports"},
	{"NAMES", "Names"}, {0}};

static const struct column columns_with_size[] = {{"CONTAINER ID", "ID"}, {"IMAGE", "Image"},
	{"COMMAND", "Command"}, {"CREATED", "RunningFor"}, {"STATUS", "Status"}, {"PORTS", "Ports"},
	{"NAMES", "Names"}, {"SIZE", "Size"}, {0}};

/* A template, or NULL for the columns. */
static const char *format_of(const struct container_command *c)
{
	const char *format = c->to.format;
	if (c->to.source.is_quiet && !format)
		return "{{.ID}}";
	return format && !strcmp(format, "table") ? NULL : format;
}

/* Most values cost something, and there may be hundreds of rows: none for nobody. */
static bool is_shown(const struct container_command *c, const char *name)
{
	if (!strcmp(name, "Size"))
		return c->to.life.shows_size;
	if (format_of(c))
		return c->to.format || !strcmp(name, "ID");
	for (const struct column *column = columns; column->title; column++)
		if (!strcmp(column->field, name))
			return true;
	return false;
}

static json_t *row_of(
	struct container_command *c, const struct container *record, const bool *is_field_shown)
{
	json_t *row = json_object();
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (!is_field_shown[i])
			continue;
		/* What a command line holds may be no UTF-8: then the value is left out. */
		json_t *text = json_string(value_of(c, record, &fields[i]));
		json_object_set_new(row, fields[i].name, text ? text : json_string("?"));
	}
	json_object_set_new(
		row, "Pid", json_integer(container_is_up(record) ? record->first.pid : 0));
	json_object_set_new(row, "ExitCode", json_integer(record->exit_code));
	return row;
}

static bool is_status_asked(const struct container_command *c)
{
	for (size_t i = 0; i < c->to.filters.n; i++)
		if (text_starts(c->to.filters.v[i], "status=") ||
			text_starts(c->to.filters.v[i], "exited="))
			return true;
	return false;
}

static bool list(struct container_command *c, struct err *e)
{
	CLEAN(clean_json) json_t *rows = json_array();
	struct container *all;
	size_t n;
	uint64_t left = c->to.is_latest ? 1 : c->to.life.last ? c->to.life.last : UINT64_MAX;
	bool shows_all = c->to.all || left != UINT64_MAX || is_status_asked(c);
	if (!container_get_all(c, &all, &n, e))
		return false;
	bool is_field_shown[ARRAY_LEN(fields)];
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		is_field_shown[i] = is_shown(c, fields[i].name);
	for (size_t i = 0; i < n && left > 0; i++) {
		bool wanted;
		if (!shows_all && !container_is_up(&all[i]))
			continue;
		if (!is_wanted(c, &all[i], &wanted, e))
			return false;
		if (!wanted)
			continue;
		left--;
		json_array_append_new(rows, row_of(c, &all[i], is_field_shown));
	}
	return table_print(rows, c->to.life.shows_size ? columns_with_size : columns, format_of(c),
		c->to.has_no_header, &c->to.arena, e);
}

static int run_ps(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 0, 0, ARGUMENTS_MIXED, list, e);
}

static const struct option_def ps_options[] = {
	{"all", 'a', NULL, "also those that do not run", set_all},
	{"filter", 'f', "KEY=VALUE", "id, name, label, status, exited, ancestor, …", set_filter},
	{"format", 0, "FORMAT", "table, json, or a template as {{.ID}}", set_format},
	{"last", 'n', "N", "the N that were made last, in any state", set_last},
	{"latest", 'l', NULL, "the one that was made last, in any state", set_latest},
	{"noheading", 0, NULL, "no heads", set_noheading},
	{"no-trunc", 0, NULL, "whole ids and commands", set_no_trunc},
	{"quiet", 'q', NULL, "only ids", set_quiet},
	{"size", 's', NULL, "how much each has changed", set_size}, {0}};

const struct command command_ps = {.name = "ps",
	.arguments = "[OPTIONS]",
	.summary = "List containers that run",
	.details = "",
	.options = ps_options,
	.run = run_ps};
