/* SPDX-License-Identifier: Apache-2.0 */
/* image_command.h - what every command for images begins with */
#ifndef CMD_IMAGE_COMMAND_H
#define CMD_IMAGE_COMMAND_H

#include "cmd/commands.h"
#include "cmd/source.h"

struct image_command {
	struct invocation to;
	struct host host;
	struct store store;
	int argc; /* the arguments without the options */
	char **argv;
};

enum image_wants {
	IMAGE_READS = 0,
	IMAGE_WRITES = 1, /* make the store when it is missing */
};

typedef bool image_action(struct image_command *c, struct err *e);

/*
 * image_command_run() - parse, look at the host, open the store, act
 * @min, @max: how many arguments; @max -1: any number
 * Returns the exit status, -1 with @e filled.
 */
int image_command_run(const struct command *self, int argc, char **argv, struct notes *notes,
	int min, int max, enum image_wants wants, image_action *action, struct err *e);

/* Asks on a terminal, unless --force was said. Errors: ERR_STATE no, ERR_USAGE nobody to ask. */
bool image_confirm(struct image_command *c, const char *question, struct err *e);

/* Images without a name, with --all every one that no container has, and what they had. */
bool images_prune(struct image_command *c, int64_t *ret_bytes, struct err *e);

/* The id map that images are unpacked with unless a container asks for another. */
struct inside image_inside(struct image_command *c);

#endif
