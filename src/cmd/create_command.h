/* SPDX-License-Identifier: Apache-2.0 */
/* create_command.h - the command line that has made a container, kept with it */
#ifndef CMD_CREATE_COMMAND_H
#define CMD_CREATE_COMMAND_H

#include "cmd/run_options.h"

struct create_command {
	const char *directory;	/* where it was given: paths in it may be relative */
	const char *name;	/* run, create, boot */
	struct strv options;	/* but for what is a secret */
	struct strv root_words; /* ROOT and COMMAND... */
};

/* Into the annotations of the document. */
void create_command_note(struct invocation *to);

/* Errors: ERR_STATE the container was made by an older guscio, which kept none. */
bool create_command_read(const struct strv *annotations, struct arena *arena,
	struct create_command *ret, struct err *e);

#endif
