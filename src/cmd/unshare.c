/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/proc.h"
#include "base/own.h"
#include "cmd/commands.h"
#include "cmd/run_options.h"
#include "spec/document.h"

#include <stdlib.h>
#include <string.h>

extern char **environ;

static bool set_plain_userns(struct invocation *to, const char *value, struct err *e)
{
	static const struct {
		const char *name;
		enum userns_mode mode;
	} modes[] = {{"auto", USERNS_AUTO}, {"keep-id", USERNS_KEEP_ID}, {"single", USERNS_SINGLE}};
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		if (strcmp(modes[i].name, value))
			continue;
		to->spec.userns = modes[i].mode;
		return true;
	}
	err_what(e, ERR_USAGE, "--userns '%s' is not known", value);
	return err_hint(e, "auto, keep-id or single");
}

static const struct option_def unshare_options[] = {
	{"userns", 0, "MODE", "auto, keep-id, single", set_plain_userns},
	{0},
};

/* The caller's own environment, program and directory; nothing of a container. */
static void set_program(struct invocation *to, int argc, char **argv)
{
	struct process_spec *process = &to->spec.process;
	const char *shell = getenv("SHELL");
	process->env = (struct strv){0};
	for (char *const *entry = environ; *entry; entry++)
		strv_add(&to->arena, &process->env, *entry);
	strv_env_set(&to->arena, &process->env, "_GUSCIO_UNSHARE=1");
	process->interactive = true;
	process->terminal = false;
	process->args = (struct strv){0};
	for (int i = 0; i < argc; i++)
		strv_add(&to->arena, &process->args, argv[i]);
	if (!argc)
		strv_add(&to->arena, &process->args, shell && shell[0] ? shell : "/bin/sh");
	to->spec.init = false;
	to->spec.timeout_ms = 0;
}

static int stay(struct invocation *to, const struct plan *plan, struct err *e)
{
	struct proc proc = PROC_INIT;
	int status = -1;
	if (!start(plan, &proc, to->notes, e))
		return -1;
	print_notes(to->notes);
	bool ok = foreground(plan, &proc, to->notes, &status, e);
	proc_drop(plan, &proc);
	return ok ? status : -1;
}

static int unshare_invocation(struct invocation *to, struct err *e)
{
	struct host host;
	struct plan plan;
	unsigned want = to->spec.userns == USERNS_SINGLE ? 0 : HOST_WANT_RANGES;
	if (!host_probe(want, &to->arena, &host, e) ||
		!plan_build_unshare(&to->spec, &host, &plan, to->notes, e))
		return -1;
	return stay(to, &plan, e);
}

static int run(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	struct invocation to = {.notes = notes, .environment = environ};
	bool wants_help;
	int n, status = -1;
	if (!arena_init(&to.arena, e))
		return -1;
	spec_init(&to.spec, &to.arena);
	to.spec.id = "";
	if (options_parse(self, argc, argv, &to, &n, &wants_help, e)) {
		set_program(&to, argc - n, argv + n);
		if (wants_help)
			status = print_out(options_help(self, &to.arena), e) ? 0 : -1;
		else
			status = unshare_invocation(&to, e);
	}
	arena_done(&to.arena);
	return status;
}

const struct command command_unshare = {.name = "unshare",
	.arguments = "[OPTIONS] [COMMAND...]",
	.summary = "Run a command, or a shell, with your subordinate ids mapped",
	.details =
		"\nYour files and those of your containers, as the container's root sees them: to\n"
		"repair or delete what belongs to subordinate ids.\n",
	.options = unshare_options,
	.run = run};
