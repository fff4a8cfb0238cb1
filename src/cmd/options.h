/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - command lines as tables
 *
 * One table a command feeds the parser, --help, and the completions (tests/lint
 * holds the man pages against it). A new option is one line and one setter.
 */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"

struct invocation; /* what the setters fill; each command family has its own */

typedef bool option_setter(struct invocation *to, const char *value, struct err *e);

struct option_def {
	const char *name; /* without "--" */
	char letter;	  /* 0: none */
	const char *arg;  /* NULL: a switch ("--x", "--x=true|false"); "[X]": only with '=' */
	const char *help;
	option_setter *set; /* a switch gets "true" or "false", a missing "[X]" gets "" */
};

struct command {
	const char *name;
	const char *arguments;		  /* for the usage line */
	const char *summary;		  /* one line, for "guscio --help" */
	const char *details;		  /* some lines more, for "guscio NAME --help" */
	const struct option_def *options; /* ended by a NULL name */
	/* Returns the exit status; -1 with @e filled when it failed. */
	int (*run)(const struct command *self, int argc, char **argv, struct notes *notes,
		struct err *e);
};

/*
 * options_parse() - options up to the first argument
 * @argv:  without the command's name
 * @ret_n: how many words were options
 * @ret_help: --help or -h was there; parsing ends at it
 * Errors: ERR_USAGE unknown option (with the nearest known), missing or unwanted value.
 */
bool options_parse(const struct command *command, int argc, char **argv, struct invocation *to,
	int *ret_n, bool *ret_help, struct err *e);

/*
 * options_parse_mixed() - the same where options may also stand between and behind the arguments
 * The arguments are moved to the beginning of @argv, *argc becomes their number.
 */
bool options_parse_mixed(const struct command *command, int *argc, char **argv,
	struct invocation *to, bool *ret_help, struct err *e);

/*
 * options_without() - words of options, but for some of them with their values
 * @words: what options_parse() has taken for options, without a "--" at their end
 * @names: NULL-ended
 */
void options_without(const struct command *command, const struct strv *words,
	const char *const *names, struct arena *arena, struct strv *ret);

/* The text of --help in the arena. */
const char *options_help(const struct command *command, struct arena *arena);

/* "true", "1", "yes" or their opposites; false for anything else, with @e filled. */
bool option_bool(const char *value, const char *name, bool *ret, struct err *e);

/* Prints survivable trouble on standard error and forgets it. */
void print_notes(struct notes *notes);

/* Prints a help text or a result to standard output; a full disk is an error there too. */
bool print_out(const char *text, struct err *e);

#endif
