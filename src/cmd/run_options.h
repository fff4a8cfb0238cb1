/* SPDX-License-Identifier: Apache-2.0 */
/* run_options.h - the options of "guscio run" and "guscio spec" */
#ifndef CMD_RUN_OPTIONS_H
#define CMD_RUN_OPTIONS_H

#include "cmd/options.h"
#include "spec/spec.h"

struct invocation {
	struct spec spec;
	struct arena arena;
	struct notes *notes;
	char *const *environment;
	const char *entrypoint; /* NULL: not given */
	const char *bundle;	/* NULL: not given */
	bool explain;
	bool trace;
	bool wants_tty_set; /* -t was said, either way */
};

extern const struct option_def run_options[];

/*
 * invocation_read() - a command line to a spec that is complete but not frozen
 * Sets the root, the program, and the defaults that depend on the root.
 */
bool invocation_read(struct invocation *to, const struct command *command, int argc, char **argv,
	bool *ret_help, struct err *e);

#endif
