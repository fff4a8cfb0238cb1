/* SPDX-License-Identifier: Apache-2.0 */
/* secret.c - "guscio secret create", ls, inspect, rm and exists, with podman's words */
#include "base/own.h"
#include "base/text.h"
#include "cmd/container_command.h"
#include "cmd/container_text.h"
#include "cmd/table.h"
#include "spec/network.h"
#include "store/secret.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void clean_json(json_t **j)
{
	json_decref(*j);
}

static bool say(struct container_command *c, const char *text, struct err *e)
{
	return print_out(arena_printf(&c->to.arena, "%s\n", text), e);
}

/* One byte more than is allowed tells that there is too much. */
static bool read_data(struct container_command *c, int fd, struct secret *s, struct err *e)
{
	char *data = arena_alloc(&c->to.arena, SECRET_SIZE_LIMIT);
	while (s->size < SECRET_SIZE_LIMIT) {
		ssize_t n = read(fd, data + s->size, SECRET_SIZE_LIMIT - s->size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read it");
		if (n == 0)
			break;
		s->size += (size_t)n;
	}
	s->data = data;
	return true;
}

static bool find_data(
	struct container_command *c, const char *from, struct secret *s, struct err *e)
{
	if (c->to.is_variable) {
		const char *value = getenv(from);
		if (!value)
			return err_what(e, ERR_USAGE, "the variable '%s' is not set", from);
		s->data = value;
		s->size = strlen(value);
		return true;
	}
	bool is_input = !strcmp(from, "-");
	CLEAN(clean_fd) int fd = is_input ? -1 : open(from, O_RDONLY | O_CLOEXEC);
	if (!is_input && fd < 0)
		err_sys(e, "open it");
	else if (read_data(c, is_input ? STDIN_FILENO : fd, s, e))
		return true;
	return err_what(e, ERR_INPUT, "cannot read '%s'", is_input ? "standard input" : from);
}

static bool create(struct container_command *c, struct err *e)
{
	struct secret s = {.name = c->argv[0], .labels = c->to.life.labels};
	if (!spec_is_name(s.name)) {
		err_what(e, ERR_USAGE, "'%s' is no name for a secret", s.name);
		return err_hint(e, "letters, digits, and after the first also _ . -");
	}
	return find_data(c, c->argv[1], &s, e) &&
	       secret_write(c->host.data_dir, &s, c->to.life.replaces, &c->to.arena, e) &&
	       say(c, s.id, e);
}

static json_t *text(const char *s)
{
	json_t *value = json_string(s);
	return value ? value : json_string("?");
}

static json_t *labels_of(const struct secret *s, struct arena *arena)
{
	json_t *object = json_object();
	for (size_t i = 0; i < s->labels.n; i++) {
		size_t n = strcspn(s->labels.v[i], "=");
		json_object_set_new(object, arena_strndup(arena, s->labels.v[i], n),
			text(s->labels.v[i][n] ? s->labels.v[i] + n + 1 : ""));
	}
	return object;
}

static bool matches(struct container_command *c, const struct secret *s, bool *ret, struct err *e)
{
	bool has[2] = {false, false}, fits[2] = {false, false};
	for (size_t i = 0; i < c->to.filters.n; i++) {
		const char *filter = c->to.filters.v[i];
		bool is_id = text_starts(filter, "id=");
		if (!is_id && !text_starts(filter, "name=")) {
			err_what(e, ERR_USAGE, "the filter '%s' is not known", filter);
			return err_hint(e, "name or id");
		}
		has[is_id] = true;
		fits[is_id] |= is_id ? text_starts(s->id, filter + 3)
				     : strstr(s->name, filter + 5) != NULL;
	}
	*ret = (!has[0] || fits[0]) && (!has[1] || fits[1]);
	return true;
}

static json_t *list_row(struct container_command *c, const struct secret *s)
{
	struct arena *arena = &c->to.arena;
	bool is_json = c->to.format && strstr(c->to.format, "json");
	const char *created = container_duration(arena, s->created_ns);
	const char *updated = container_duration(arena, s->updated_ns);
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "ID", s->id, "Name", s->name, "Driver",
		"file", "CreatedAt",
		is_json ? container_time(arena, s->created_ns)
			: arena_printf(arena, "%s ago", created),
		"UpdatedAt",
		is_json ? container_time(arena, s->updated_ns)
			: arena_printf(arena, "%s ago", updated));
}

static const struct column columns[] = {{"ID", "ID"}, {"NAME", "Name"}, {"DRIVER", "Driver"},
	{"CREATED", "CreatedAt"}, {"UPDATED", "UpdatedAt"}, {0}};

static bool list(struct container_command *c, struct err *e)
{
	CLEAN(clean_json) json_t *rows = json_array();
	struct strv names = {0};
	if (!secret_list(c->host.data_dir, &c->to.arena, &names, e))
		return false;
	for (size_t i = 0; i < names.n; i++) {
		struct secret s;
		struct err spoilt = ERR_INIT;
		bool wanted;
		if (!secret_read(c->host.data_dir, names.v[i], false, &c->to.arena, &s, &spoilt)) {
			notes_add(c->to.notes, "%s: %s", spoilt.what, spoilt.cause);
			continue;
		}
		if (!matches(c, &s, &wanted, e))
			return false;
		if (wanted)
			json_array_append_new(rows, list_row(c, &s));
	}
	const char *format = c->to.source.is_quiet && !c->to.format ? "{{.ID}}" : c->to.format;
	return table_print(rows, columns, format, c->to.has_no_header, &c->to.arena, e);
}

static bool get(struct container_command *c, const char *word, struct secret *ret, struct err *e)
{
	const char *name;
	return secret_find(c->host.data_dir, word, &c->to.arena, &name, e) &&
	       secret_read(c->host.data_dir, name, c->to.shows_secret, &c->to.arena, ret, e);
}

static bool inspect(struct container_command *c, struct err *e)
{
	CLEAN(clean_json) json_t *rows = json_array();
	struct arena *arena = &c->to.arena;
	for (int i = 0; i < c->argc; i++) {
		struct secret s;
		if (!get(c, c->argv[i], &s, e))
			return false;
		json_t *row = json_pack("{s:s, s:s, s:s, s:{s:s, s:{s:s, s:{s:s}}, s:o}}", "ID",
			s.id, "CreatedAt", container_time(arena, s.created_ns), "UpdatedAt",
			container_time(arena, s.updated_ns), "Spec", "Name", s.name, "Driver",
			"Name", "file", "Options", "path",
			arena_printf(arena, "%s/secrets", c->host.data_dir), "Labels",
			labels_of(&s, arena));
		if (c->to.shows_secret)
			json_object_set_new(row, "SecretData", text(s.data));
		json_array_append_new(rows, row);
	}
	return table_print(rows, NULL, c->to.format ? c->to.format : "json", false, arena, e);
}

static bool remove_one(struct container_command *c, const char *word, struct err *e)
{
	struct secret s;
	if (get(c, word, &s, e))
		return secret_remove(c->host.data_dir, s.name, e) && say(c, s.id, e);
	/* Nobody can read a spoilt one, but everybody wants it gone. */
	if (e->kind == ERR_INPUT)
		return secret_remove(c->host.data_dir, word, e) && say(c, word, e);
	if (!c->to.force)
		return false;
	*e = (struct err)ERR_INIT;
	return true;
}

static bool remove_all(struct container_command *c, struct err *e)
{
	struct strv names = {0};
	if (!c->to.all)
		return container_each(c, remove_one, e);
	if (c->argc)
		return err_what(e, ERR_USAGE, "--all and names of secrets exclude each other");
	if (!secret_list(c->host.data_dir, &c->to.arena, &names, e))
		return false;
	c->argc = (int)names.n;
	c->argv = names.v;
	return container_each(c, remove_one, e);
}

static bool exists(struct container_command *c, struct err *e)
{
	const char *name;
	if (!secret_find(c->host.data_dir, c->argv[0], &c->to.arena, &name, e)) {
		if (e->kind != ERR_STATE)
			return false;
		*e = (struct err)ERR_INIT;
		c->status = 1;
	}
	return true;
}

CONTAINER_COMMAND(run_create, 2, 2, create)
CONTAINER_COMMAND(run_list, 0, 0, list)
CONTAINER_COMMAND(run_inspect, 1, -1, inspect)
CONTAINER_COMMAND(run_rm, 1, -1, remove_all)
CONTAINER_COMMAND(run_exists, 1, 1, exists)

#define SWITCH(function, option, field)                                                            \
	static bool function(struct invocation *to, const char *value, struct err *e)              \
	{                                                                                          \
		return option_bool(value, option, &(field), e);                                    \
	}

SWITCH(set_variable, "env", to->is_variable)
SWITCH(set_show, "showsecret", to->shows_secret)
SWITCH(set_ignore, "ignore", to->force)

static bool set_driver(struct invocation *to, const char *value, struct err *e)
{
	(void)to;
	if (!strcmp(value, "file"))
		return true;
	err_what(e, ERR_USAGE, "there is no secret driver '%s'", value);
	return err_hint(e, "file, the only one: what pass or a key ring prints can be piped in");
}

static const struct option_def create_options[] = {
	{"driver", 'd', "DRIVER", "where it is kept: file, the only one", set_driver},
	{"env", 0, NULL, "the second argument is a variable of yours, not a file", set_variable},
	{"label", 'l', "KEY=VALUE", "a label", set_label},
	{"replace", 0, NULL, "in the place of one that has the name", set_replace}, {0}};

const struct command command_secret_create = {.name = "secret create",
	.arguments = "[OPTIONS] NAME FILE|-",
	.summary = "Keep a secret for containers",
	.details = "\n- is standard input. It has 1 to 511999 bytes of any kind.\n",
	.options = create_options,
	.run = run_create};

static const struct option_def list_options[] = {
	{"filter", 'f', "KEY=VALUE", "name (a part of it), id (its beginning)", set_filter},
	{"format", 0, "FORMAT", "json, or a template as {{.Name}}", set_format},
	{"noheading", 'n', NULL, "no heads", set_noheading},
	{"quiet", 'q', NULL, "only ids", set_quiet}, {0}};

const struct command command_secret_list = {.name = "secret ls",
	.arguments = "[OPTIONS]",
	.summary = "List secrets",
	.details = "",
	.options = list_options,
	.run = run_list};

static const struct option_def inspect_options[] = {
	{"format", 'f', "FORMAT", "json (the default), or a template as {{.Spec.Name}}",
		set_format},
	{"showsecret", 0, NULL, "what is in it too", set_show}, {0}};

const struct command command_secret_inspect = {.name = "secret inspect",
	.arguments = "[OPTIONS] SECRET...",
	.summary = "Show everything about secrets but what is in them",
	.details = "",
	.options = inspect_options,
	.run = run_inspect};

static const struct option_def rm_options[] = {{"all", 'a', NULL, "every one", set_all},
	{"ignore", 'i', NULL, "one that is not there is no error", set_ignore}, {0}};

const struct command command_secret_rm = {.name = "secret rm",
	.arguments = "[OPTIONS] SECRET...",
	.summary = "Remove secrets; containers keep what they were given",
	.details = "",
	.options = rm_options,
	.run = run_rm};

static const struct option_def no_options[] = {{0}};

const struct command command_secret_exists = {.name = "secret exists",
	.arguments = "SECRET",
	.summary = "Is there such a secret? 0 for yes, 1 for no",
	.details = "",
	.options = no_options,
	.run = run_exists};
