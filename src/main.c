/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - argv to command to exit status; prints every error and note, once */
#include "base/own.h"
#include "base/text.h"
#include "cmd/commands.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COMMANDS_MAX 64

static void print_error(const struct err *e)
{
	char line[4 * sizeof(e->what)];
	err_format(e, line, sizeof(line));
	fprintf(stderr, "guscio: %s\n", line);
	if (e->hint[0]) {
		text_visible(line, sizeof(line), e->hint);
		fprintf(stderr, "hint: %s\n", line);
	}
}

/* A missing standard descriptor would be given to the next open file, and printed into. */
static void open_standard_fds(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/dev/null", fd ? O_WRONLY : O_RDONLY);
}

static bool print_help(struct err *e)
{
	char text[4096];
	int n = snprintf(text, sizeof(text),
		"usage: guscio COMMAND [OPTIONS] [ARGUMENTS]\n\n"
		"Containers for everybody: no root, no daemon, no setup.\n\ncommands:\n");
	for (const struct command *const *c = commands; *c; c++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "  %-10s %s\n", (*c)->name,
			(*c)->summary);
	snprintf(text + n, sizeof(text) - (size_t)n,
		"\n  guscio COMMAND --help tells more; so does man guscio\n"
		"  guscio --version prints the version\n");
	return print_out(text, e);
}

static bool refuse_unknown(const char *word, struct err *e)
{
	const char *names[COMMANDS_MAX + 1];
	size_t n = 0;
	for (const struct command *const *c = commands; *c && n < COMMANDS_MAX; c++)
		names[n++] = (*c)->name;
	names[n] = NULL;
	const char *nearest = text_nearest(word, names);
	err_what(e, ERR_USAGE, "unknown command '%s'", word);
	if (nearest)
		return err_hint(e, "did you mean guscio %s?", nearest);
	return err_hint(e, "see: guscio --help");
}

static int dispatch(int argc, char **argv, struct notes *notes, struct err *e)
{
	const char *word = argc > 1 ? argv[1] : "--help";
	if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help"))
		return print_help(e) ? 0 : -1;
	if (!strcmp(word, "--version") || !strcmp(word, "version"))
		return print_out("guscio " GUSCIO_VERSION "\n", e) ? 0 : -1;
	for (const struct command *const *c = commands; *c; c++)
		if (!strcmp((*c)->name, word))
			return (*c)->run(*c, argc - 2, argv + 2, notes, e);
	refuse_unknown(word, e);
	return -1;
}

int main(int argc, char **argv)
{
	struct notes notes = {0};
	struct err e = ERR_INIT;
	open_standard_fds();
	/* Writes to a reader that is gone fail with EPIPE, and are handled where they happen. */
	int status = dispatch(argc, argv, &notes, &e);
	print_notes(&notes);
	if (status >= 0)
		return status;
	print_error(&e);
	return err_exit_code(&e);
}
