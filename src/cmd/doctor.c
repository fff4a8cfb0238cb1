/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "cmd/commands.h"
#include "host/check.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

struct invocation {
	bool as_json;
};

static bool set_format(struct invocation *to, const char *value, struct err *e)
{
	to->as_json = !strcmp(value, "json");
	if (to->as_json || !strcmp(value, "table"))
		return true;
	return err_what(e, ERR_USAGE, "--format '%s' is not known", value) ||
	       err_hint(e, "json or table");
}

static const struct option_def doctor_options[] = {
	{"format", 0, "FORMAT", "table (the default) or json", set_format},
	{0},
};

static const char *const status_words[] = {"ok", "works without", "broken"};

static const char *colour(enum check_status status)
{
	static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
	const char *no_color = getenv("NO_COLOR");
	if (!isatty(STDOUT_FILENO) || (no_color && no_color[0]))
		return NULL;
	return colours[status];
}

static const char *table(const struct check_result *results, size_t n, struct arena *a)
{
	const char *text = "";
	size_t counts[3] = {0};
	for (size_t i = 0; i < n; i++) {
		const struct check_result *r = &results[i];
		const char *on = colour(r->status);
		counts[r->status]++;
		text = arena_printf(a, "%s%s%-13s%s  %-16s  %s\n", text, on ? on : "",
			status_words[r->status], on ? "\033[0m" : "", r->id, r->what);
		if (r->lost[0])
			text = arena_printf(a, "%s%33s%s\n", text, "", r->lost);
		if (r->mend[0])
			text = arena_printf(a, "%s%33smend: %s\n", text, "", r->mend);
	}
	return arena_printf(a, "%s%zu ok, %zu to do without, %zu broken: %s\n", text,
		counts[CHECK_OK], counts[CHECK_WITHOUT], counts[CHECK_BROKEN],
		counts[CHECK_BROKEN] ? "containers cannot run here" : "containers run here");
}

static const char *as_json(const struct check_result *results, size_t n, struct arena *a)
{
	static const char *const words[] = {"ok", "works-without", "broken"};
	json_t *array = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(
			array, json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", results[i].id, "status",
				       words[results[i].status], "what", results[i].what, "lost",
				       results[i].lost, "mend", results[i].mend));
	char *printed = json_dumps(array, JSON_INDENT(2));
	json_decref(array);
	const char *text = arena_printf(a, "%s\n", printed ? printed : "[]");
	free(printed);
	return text;
}

static int diagnose(const struct invocation *to, struct arena *a, struct err *e)
{
	struct check_result results[CHECKS_MAX];
	struct host host;
	bool is_broken = false;
	if (!host_probe(HOST_WANT_USER | HOST_WANT_RANGES, a, &host, e))
		return -1;
	size_t n = check_all(&host, results);
	for (size_t i = 0; i < n; i++)
		is_broken |= results[i].status == CHECK_BROKEN;
	const char *text = to->as_json ? as_json(results, n, a) : table(results, n, a);
	return print_out(text, e) ? is_broken : -1;
}

static int run(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	struct invocation to = {0};
	struct arena a;
	bool wants_help;
	int n, status = -1;
	(void)notes;
	if (!arena_init(&a, e))
		return -1;
	if (options_parse(self, argc, argv, &to, &n, &wants_help, e)) {
		if (wants_help)
			status = print_out(options_help(self, &a), e) ? 0 : -1;
		else if (n < argc)
			err_what(e, ERR_USAGE, "doctor takes no argument '%s'", argv[n]);
		else
			status = diagnose(&to, &a, e);
	}
	arena_done(&a);
	return status;
}

const struct command command_doctor = {.name = "doctor",
	.arguments = "[OPTIONS]",
	.summary = "Check this machine for everything guscio needs",
	.details = "\nEach line: ok, works without (and what is lost), or broken; and the command "
		   "that\n"
		   "mends it. Exit status 1 when containers cannot run here.\n",
	.options = doctor_options,
	.run = run};
