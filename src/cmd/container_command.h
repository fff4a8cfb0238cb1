/* SPDX-License-Identifier: Apache-2.0 */
/* container_command.h - what every command for containers that stay begins with */
#ifndef CMD_CONTAINER_COMMAND_H
#define CMD_CONTAINER_COMMAND_H

#include "cmd/commands.h"
#include "cmd/life.h"
#include "plan/idmaps.h"

struct container_command {
	struct invocation to;
	struct host host;
	int all_fd; /* -1: there are no containers */
	int argc;   /* the arguments without the options */
	char **argv;
	int status; /* what the command returns when all went well */
};

enum container_arguments {
	ARGUMENTS_MIXED, /* options may also come after the arguments */
	ARGUMENTS_AFTER, /* the first argument ends the options: a program follows */
};

typedef bool container_action(struct container_command *c, struct err *e);

/*
 * container_command_run() - parse, look at the host, open the directory of containers, act
 * @min, @max: how many arguments; @max -1: any number
 */
int container_command_run(const struct command *self, int argc, char **argv, struct notes *notes,
	int min, int max, enum container_arguments arguments, container_action *action,
	struct err *e);

/* What a command's table wants: its arguments may stand between the options. */
#define CONTAINER_COMMAND(function, min, max, action)                                              \
	static int function(const struct command *self, int argc, char **argv,                     \
		struct notes *notes, struct err *e)                                                \
	{                                                                                          \
		return container_command_run(                                                      \
			self, argc, argv, notes, min, max, ARGUMENTS_MIXED, action, e);            \
	}

/*
 * container_get() - the record of a container by name, id or prefix; repaired when it is stale
 * Also of one in somebody's foreground: it is up, is_foreground, and has nothing on disk.
 */
bool container_get(
	struct container_command *c, const char *text, struct container *ret, struct err *e);

/*
 * container_get_kept() - the same, for what only a container on disk can do
 * @what, @why: "cannot WHAT container: it runs in somebody's foreground: WHY"
 */
bool container_get_kept(struct container_command *c, const char *text, const char *what,
	const char *why, struct container *ret, struct err *e);

/* All of either kind, newest first, repaired. One that is spoilt becomes a note. */
bool container_get_all(
	struct container_command *c, struct container **ret, size_t *ret_n, struct err *e);

/*
 * container_each() - the same for every argument; each is tried, the first failure is the answer
 * @act: prints what it has done; with --all or --latest the arguments are made before
 */
bool container_each(struct container_command *c,
	bool (*act)(struct container_command *c, const char *text, struct err *e), struct err *e);

/* Is there a container of that name or id, of either kind? Where a name could also be an image's.
 */
bool container_is_named(const char *name);

/* Its document, frozen, with its root as a plan wants it; @ret: the host, with ranges. */
bool container_prepare(struct container_command *c, const struct container *record,
	struct host *ret, struct err *e);

/* The first argument names the container, the others and the spec say the program (exec.c). */
bool container_exec(struct container_command *c, struct err *e);

/* A running one's namespaces and id maps, and a pidfd that proves whose they were (exec.c). */
bool container_enter(struct container_command *c, const struct container *record, int *ret_pid_fd,
	uint64_t *ret_flags, struct idmaps *ret_ids, struct err *e);

#endif
