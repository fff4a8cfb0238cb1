/* SPDX-License-Identifier: Apache-2.0 */
/* generate.c - "guscio generate systemd": a unit for a container that is there */
#include "base/own.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/container_command.h"
#include "cmd/create_command.h"
#include "quadlet/words.h"
#include "sys/files.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>

#define SETTER(name) static bool name(struct invocation *to, const char *value, struct err *e)
#define SWITCH(function, option, field)                                                            \
	SETTER(function)                                                                           \
	{                                                                                          \
		return option_bool(value, option, &(field), e);                                    \
	}
#define UNITS(function, list)                                                                      \
	SETTER(function)                                                                           \
	{                                                                                          \
		return add_unit(&to->arena, &(list), value, e);                                    \
	}

/* What is written into a unit stays in its line. */
static bool is_one_word(const char *text, const char *more)
{
	for (; *text; text++)
		if (!((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
			    (*text >= '0' && *text <= '9') || strchr(more, *text)))
			return false;
	return true;
}

static bool add_unit(struct arena *arena, struct strv *list, const char *value, struct err *e)
{
	if (!value[0] || !is_one_word(value, ":-_.\\@"))
		return err_what(e, ERR_USAGE, "'%s' is no name of a unit", value);
	strv_add(arena, list, value);
	return true;
}

SWITCH(set_new, "new", to->unit.is_new)
SWITCH(set_names, "name", to->unit.uses_name)
SWITCH(set_files, "files", to->unit.to_files)
SWITCH(set_no_header, "no-header", to->unit.has_no_header)
UNITS(set_after, to->unit.after)
UNITS(set_requires, to->unit.requires)
UNITS(set_wants, to->unit.wants)

SETTER(set_policy)
{
	static const char *const policies[] = {"no", "on-success", "on-failure", "on-abnormal",
		"on-watchdog", "on-abort", "always"};
	for (size_t i = 0; i < ARRAY_LEN(policies); i++)
		if (!strcmp(policies[i], value)) {
			to->unit.restart_policy = policies[i];
			return true;
		}
	err_what(e, ERR_USAGE, "--restart-policy '%s' is not known", value);
	return err_hint(
		e, "no, always, on-success, on-failure, on-abnormal, on-watchdog, on-abort");
}

static bool set_seconds(const char *option, const char *value, const char **ret, struct err *e)
{
	uint64_t ms;
	if (!text_to_ms(value, &ms))
		return err_what(e, ERR_USAGE, "--%s '%s' is no time", option, value);
	*ret = value;
	return true;
}

SETTER(set_restart_sec)
{
	return set_seconds("restart-sec", value, &to->unit.restart_wait, e);
}

SETTER(set_start_timeout)
{
	return set_seconds("start-timeout", value, &to->unit.start_timeout, e);
}

SETTER(set_stop_time)
{
	return text_to_ms(value, &to->life.wait_ms) ||
	       err_what(e, ERR_USAGE, "--stop-timeout '%s' is no time", value);
}

SETTER(set_prefix)
{
	if (!is_one_word(value, ":-_.\\"))
		return err_what(
			e, ERR_USAGE, "--container-prefix '%s': not in a unit's name", value);
	to->unit.prefix = value;
	return true;
}

SETTER(set_separator)
{
	if (!is_one_word(value, ":-_.\\"))
		return err_what(e, ERR_USAGE, "--separator '%s': not in a unit's name", value);
	to->unit.separator = value;
	return true;
}

static const char *unit_name(struct container_command *c, const struct container *record)
{
	const char *prefix = c->to.unit.prefix ? c->to.unit.prefix : "container";
	const char *separator = c->to.unit.separator ? c->to.unit.separator : "-";
	return arena_printf(&c->to.arena, "%s%s%s.service", prefix, prefix[0] ? separator : "",
		c->to.unit.uses_name && record->name[0] ? record->name : record->id);
}

static void add_list(struct lines *to, const char *key, const struct strv *units)
{
	for (size_t i = 0; i < units->n; i++)
		lines_add(to, key, "=", units->v[i], "\n", NULL);
}

static void add_command(struct lines *to, const char *key, const struct strv *words, unsigned style)
{
	lines_add(to, key, NULL);
	words_add(to, words, WORDS_LITERAL | style);
	lines_add(to, "\n", NULL);
}

static void add_words(struct arena *arena, struct strv *list, const struct strv *more)
{
	for (size_t i = 0; i < more->n; i++)
		strv_add(arena, list, more->v[i]);
}

/* The container's own command line again, with what a unit needs in place of what it forbids. */
static bool add_new_start(struct container_command *c, const struct container *record,
	const char *guscio, struct lines *to, struct err *e)
{
	static const char *const replaced[] = {"cidfile", "detach", "name", "pidfile", "replace",
		"restart", "rm", "sdnotify", NULL};
	struct arena *arena = &c->to.arena;
	struct create_command made;
	struct strv words = {0}, options = {0};
	if (!life_load(&c->to, &c->host, record, e) ||
		!create_command_read(&c->to.spec.annotations, arena, &made, e))
		return err_what(e, ERR_STATE, "cannot make '%s' anew", record->name);
	if (strchr(made.directory, '\n'))
		return err_what(e, ERR_STATE, "a directory with a line end is for no unit");
	options_without(&command_run, &made.options, replaced, arena, &options);
	strv_add(arena, &words, guscio);
	strv_add(arena, &words, !strcmp(made.name, "create") ? "run" : made.name);
	strv_add(arena, &words, arena_printf(arena, "--name=%s", record->name));
	strv_add(arena, &words, "--replace");
	strv_add(arena, &words, "--rm");
	strv_add(arena, &words, "-d");
	strv_add(arena, &words, "--cgroups=split");
	strv_add(arena, &words,
		arena_printf(
			arena, "--sdnotify=%s", record->sdnotify[0] ? record->sdnotify : "conmon"));
	if (c->to.source.storage)
		strv_add(arena, &words, arena_printf(arena, "--storage=%s", c->to.source.storage));
	add_words(arena, &words, &options);
	if (made.root_words.n)
		strv_add(arena, &words, "--");
	add_words(arena, &words, &made.root_words);
	/* No command line: nothing is quoted in it, and "$" is none. */
	lines_add(to, "WorkingDirectory=", NULL);
	for (const char *at = made.directory; *at; at++)
		lines_add_bytes(to, *at == '%' ? "%%" : at, *at == '%' ? 2 : 1);
	lines_add(to, "\n", NULL);
	add_command(to, "ExecStart=", &words, WORDS_WRAPPED);
	return true;
}

static bool add_start(struct container_command *c, const struct container *record,
	const char *guscio, struct lines *to, struct err *e)
{
	struct arena *arena = &c->to.arena;
	struct strv words = {0};
	if (c->to.unit.is_new)
		return add_new_start(c, record, guscio, to, e);
	if (record->is_auto_removed) {
		err_msg(e, ERR_STATE, "it is removed at its end");
		err_what(e, ERR_STATE, "a unit cannot start '%s' again", record->name);
		return err_hint(e, "--new makes it anew at each start");
	}
	strv_add(arena, &words, guscio);
	strv_add(arena, &words, "start");
	/* A program that nobody has said to be one that speaks is not waited for. */
	if (!record->sdnotify[0])
		strv_add(arena, &words, "--sdnotify=conmon");
	strv_add(arena, &words, c->to.unit.uses_name ? record->name : record->id);
	add_command(to, "ExecStart=", &words, 0);
	return true;
}

static void add_stop(struct container_command *c, const struct container *record,
	const char *guscio, uint64_t stop_ms, struct lines *to)
{
	struct arena *arena = &c->to.arena;
	struct strv stop = {0}, remove = {0};
	const char *name = c->to.unit.is_new || c->to.unit.uses_name ? record->name : record->id;
	strv_add(arena, &stop, guscio);
	strv_add(arena, &stop, "stop");
	strv_add(arena, &stop, "-t");
	strv_add(arena, &stop,
		arena_printf(arena, stop_ms % 1000 ? "%llums" : "%llu",
			(unsigned long long)(stop_ms % 1000 ? stop_ms : stop_ms / 1000)));
	strv_add(arena, &stop, name);
	add_command(to, "ExecStop=", &stop, 0);
	strv_add(arena, &remove, guscio);
	strv_add(arena, &remove, "rm");
	strv_add(arena, &remove, "-f");
	strv_add(arena, &remove, "-v");
	strv_add(arena, &remove, name);
	if (c->to.unit.is_new)
		add_command(to, "ExecStopPost=-", &remove, 0);
}

static bool write_unit(struct container_command *c, const struct container *record,
	struct lines *to, struct err *e)
{
	char guscio[4096];
	const struct unit_options *unit = &c->to.unit;
	struct arena *arena = &c->to.arena;
	uint64_t stop_ms =
		c->to.life.wait_ms == UINT64_MAX ? record->stop_timeout_ms : c->to.life.wait_ms;
	if (!files_own_program(guscio, sizeof(guscio), e))
		return false;
	if (!unit->has_no_header)
		lines_add(to, "# ", unit_name(c, record), "\n# Made by guscio generate systemd ",
			unit->is_new ? "--new " : "", record->name, "\n\n", NULL);
	lines_add(to, "[Unit]\nDescription=Container ", record->name,
		"\nDocumentation=man:guscio-generate(1)\n", NULL);
	add_list(to, "Wants", &unit->wants);
	add_list(to, "Requires", &unit->requires);
	add_list(to, "After", &unit->after);
	lines_add(to,
		"\n[Service]\nType=notify\nNotifyAccess=all\nKillMode=mixed\nDelegate=yes\n"
		"Restart=",
		unit->restart_policy ? unit->restart_policy : "on-failure", "\n", NULL);
	if (unit->restart_wait)
		lines_add(to, "RestartSec=", unit->restart_wait, "\n", NULL);
	if (unit->start_timeout)
		lines_add(to, "TimeoutStartSec=", unit->start_timeout, "\n", NULL);
	/* systemd's own patience must be longer than guscio's. */
	lines_add(to, "TimeoutStopSec=",
		arena_printf(arena, "%llu\n", (unsigned long long)(stop_ms / 1000 + 60)), NULL);
	if (!add_start(c, record, guscio, to, e))
		return false;
	add_stop(c, record, guscio, stop_ms, to);
	lines_add(to, "\n[Install]\nWantedBy=default.target\n", NULL);
	return true;
}

static bool put_file(const char *name, const char *text, struct arena *arena, struct err *e)
{
	CLEAN(clean_free) char *cwd = getcwd(NULL, 0);
	if (!files_write(AT_FDCWD, name, text, strlen(text), e))
		return err_what(e, ERR_HOST, "cannot write '%s'", name);
	return print_out(arena_printf(arena, "%s/%s\n", cwd ? cwd : ".", name), e);
}

static bool put_json(const char *name, const char *text, struct err *e)
{
	json_t *object = json_pack("{s:s}", name, text);
	CLEAN(clean_free) char *printed = json_dumps(object, JSON_INDENT(2));
	json_decref(object);
	return printed ? print_out(printed, e) && print_out("\n", e)
		       : err_what(e, ERR_INTERNAL, "cannot print the unit: no memory");
}

static bool generate(struct container_command *c, struct err *e)
{
	struct container record;
	struct lines text = {.arena = &c->to.arena};
	bool is_json = c->to.format && !strcmp(c->to.format, "json");
	if (c->to.format && !is_json) {
		err_what(e, ERR_USAGE, "--format '%s' is not known", c->to.format);
		return err_hint(e, "json");
	}
	if (!container_get_kept(
		    c, c->argv[0], "make a unit of", "nothing of it is on disk", &record, e) ||
		!write_unit(c, &record, &text, e))
		return false;
	const char *name = unit_name(c, &record);
	return c->to.unit.to_files ? put_file(name, lines_text(&text), &c->to.arena, e)
	       : is_json	   ? put_json(name, lines_text(&text), e)
				   : print_out(lines_text(&text), e);
}

static int run_systemd(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 1, 1, ARGUMENTS_MIXED, generate, e);
}

static const struct option_def systemd_options[] = {
	{"after", 0, "UNIT", "After= of the unit", set_after},
	{"container-prefix", 0, "TEXT", "how the unit's name begins (container)", set_prefix},
	{"files", 'f', NULL, "write a file here, and print its path", set_files},
	{"format", 0, "FORMAT", "json: an object of name and text", set_format},
	{"name", 'n', NULL, "call it by its name, not its id", set_names},
	{"new", 0, NULL, "make the container anew at each start, and remove it at its end",
		set_new},
	{"no-header", 0, NULL, "without the comment on top", set_no_header},
	{"requires", 0, "UNIT", "Requires= of the unit", set_requires},
	{"restart-policy", 0, "POLICY", "systemd's Restart= (on-failure)", set_policy},
	{"restart-sec", 0, "TIME", "systemd's RestartSec=", set_restart_sec},
	{"separator", 0, "TEXT", "between prefix and name (-)", set_separator},
	{"start-timeout", 0, "TIME", "systemd's TimeoutStartSec=", set_start_timeout},
	{"stop-timeout", 't', "TIME", "wait this long before SIGKILL (the container's own)",
		set_stop_time},
	{"wants", 0, "UNIT", "Wants= of the unit", set_wants}, {0}};

const struct command command_generate_systemd = {.name = "generate systemd",
	.arguments = "[OPTIONS] CONTAINER",
	.summary = "Print a unit of your systemd that starts a container",
	.details = "",
	.options = systemd_options,
	.run = run_systemd};
