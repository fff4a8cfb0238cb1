/* SPDX-License-Identifier: Apache-2.0 */
/* shell.c - a login session in a container, as machinectl shell has it */
#include "base/own.h"
#include "cmd/container_command.h"

#include <string.h>
#include <unistd.h>

/* "USER@CONTAINER", as ssh and machinectl have it; no container's name has an @. */
static bool split_user(struct container_command *c, struct err *e)
{
	struct process_spec *process = &c->to.spec.process;
	char *at = strchr(c->argv[0], '@');
	const char *user =
		at ? arena_strndup(&c->to.arena, c->argv[0], (size_t)(at - c->argv[0])) : "";
	if (at && process->user[0] && strcmp(process->user, user) != 0)
		return err_what(e, ERR_USAGE, "two users, '%s' and '%s'", process->user, user);
	if (at && (!user[0] || !at[1]))
		return err_what(e, ERR_USAGE, "'%s' is not USER@CONTAINER", c->argv[0]);
	if (at) {
		process->user = user;
		c->argv[0] = at + 1;
	}
	if (!process->user[0])
		process->user = "root";
	if (strchr(process->user, ':'))
		return err_what(e, ERR_USAGE, "a login has its user's own groups: '%s' names one",
			process->user);
	return true;
}

/* The words as one text that a shell takes apart into the same words. */
static char *quote(struct arena *a, char *const *words, int n)
{
	size_t size = 1;
	for (int i = 0; i < n; i++)
		size += 4 * strlen(words[i]) + 3;
	char *text = arena_alloc(a, size), *to = text;
	for (int i = 0; i < n; i++) {
		if (i)
			*to++ = ' ';
		*to++ = '\'';
		for (const char *p = words[i]; *p; p++) {
			if (*p == '\'')
				to = stpcpy(to, "'\\'");
			*to++ = *p;
		}
		*to++ = '\'';
	}
	*to = '\0';
	return text;
}

static bool shell(struct container_command *c, struct err *e)
{
	struct process_spec *process = &c->to.spec.process;
	char *words[2] = {c->argv[0], NULL};
	if (!split_user(c, e))
		return false;
	words[0] = c->argv[0];
	process->is_login = true;
	process->interactive = true;
	process->terminal |= isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	process->cwd = "/";
	c->to.has_workdir = true;
	if (c->argc > 1)
		words[1] = quote(&c->to.arena, c->argv + 1, c->argc - 1);
	c->argv = words;
	c->argc = words[1] ? 2 : 1;
	return container_exec(c, e);
}

static int run_shell(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 1, -1, ARGUMENTS_AFTER, shell, e);
}

static const struct option_def shell_options[] = {
	{"tty", 't', NULL, "a terminal also where ours is none", set_tty},
	{"user", 'u', "USER", "name or id, looked up in the container (root)", set_user}, {0}};

const struct command command_shell = {.name = "shell",
	.arguments = "[OPTIONS] [USER@]CONTAINER [COMMAND [ARGUMENTS...]]",
	.summary = "Log in to a container that runs",
	.details = "\nBy the container's own login or su where they are there, else by the user's "
		   "shell.\n",
	.options = shell_options,
	.run = run_shell};
