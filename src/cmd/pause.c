/* SPDX-License-Identifier: Apache-2.0 */
/* pause.c - all processes of a container stopped where they are, and let go again */
#include "base/own.h"
#include "cmd/cgroup_command.h"
#include "state/event.h"
#include "sys/cgroup.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>

/* The kernel freezes each process when it comes back to user space: mostly at once. */
#define FREEZE_WAIT_MS 5000

static bool await_frozen(int fd, uint64_t wanted)
{
	CLEAN(clean_fd) int events_fd = openat(fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	struct pollfd p = {.fd = events_fd, .events = POLLPRI};
	for (int waited = 0; waited < FREEZE_WAIT_MS; waited += 50) {
		if (cgroup_count(fd, "cgroup.events", "frozen") == wanted)
			return true;
		poll(&p, 1, 50);
	}
	return false;
}

static bool freeze(struct container_command *c, const char *text, bool is_pause, struct err *e)
{
	struct running one;
	CLEAN(clean_fd) int fd = -1;
	if (!running_get(c, text, &one, &fd, e))
		return false;
	if ((cgroup_number(fd, "cgroup.freeze", 0) == 1) == is_pause)
		return err_what(e, ERR_STATE, "container '%s' is %s paused", text,
			is_pause ? "already" : "not");
	if (!cgroup_write(fd, "cgroup.freeze", is_pause ? "1" : "0", e))
		return err_what(e, ERR_HOST, "cannot %s container '%s'",
			is_pause ? "pause" : "unpause", text);
	if (!await_frozen(fd, is_pause))
		return err_what(e, ERR_HOST,
			"container '%s' does not %s: a process of it is busy in the kernel", text,
			is_pause ? "stop" : "go on");
	struct container record;
	struct err gone = ERR_INIT;
	if (container_get(c, text, &record, &gone) && !record.is_foreground)
		event_of_container(c->all_fd, &record, is_pause ? "pause" : "unpause", NULL);
	return print_out(arena_printf(&c->to.arena, "%s\n", text), e);
}

static bool pause_one(struct container_command *c, const char *text, struct err *e)
{
	return freeze(c, text, true, e);
}

static bool unpause_one(struct container_command *c, const char *text, struct err *e)
{
	return freeze(c, text, false, e);
}

static bool pause_all(struct container_command *c, struct err *e)
{
	return container_each(c, pause_one, e);
}

static bool unpause_all(struct container_command *c, struct err *e)
{
	return container_each(c, unpause_one, e);
}

static int run_pause(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 1, -1, ARGUMENTS_MIXED, pause_all, e);
}

static int run_unpause(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(
		self, argc, argv, notes, 1, -1, ARGUMENTS_MIXED, unpause_all, e);
}

static const struct option_def no_options[] = {{0}};

const struct command command_pause = {.name = "pause",
	.arguments = "CONTAINER...",
	.summary = "Stop all processes of a container where they are",
	.details = "\nBy the freezer of its cgroup: no process notices. guscio unpause lets them "
		   "go on.\n",
	.options = no_options,
	.run = run_pause};

const struct command command_unpause = {.name = "unpause",
	.arguments = "CONTAINER...",
	.summary = "Let a paused container go on",
	.details = "",
	.options = no_options,
	.run = run_unpause};
