/* SPDX-License-Identifier: Apache-2.0 */
/* cp.h - guscio cp: archives on the standard streams (cp_tar.c), files (cp.c) */
#ifndef CMD_CP_H
#define CMD_CP_H

#include "cmd/container_command.h"

/* The container's side: a plan that leads into its root. */
struct cp_side {
	struct container_command *c;
	struct host host; /* the plan points to it */
	struct plan plan;
	bool is_archive;
	bool runs;
	struct idmaps ids; /* of one that runs */
};

/* What is at @inside, as an archive on standard output. @follows: a link, to what it leads to. */
bool cp_out_to_pipe(struct cp_side *side, const char *inside, bool follows, struct err *e);

/* The archive from standard input into the directory @inside. */
bool cp_in_from_pipe(struct cp_side *side, const char *inside, struct err *e);

#endif
