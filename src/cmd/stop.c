/* SPDX-License-Identifier: Apache-2.0 */
/* stop.c - stop, kill, wait, rm, rename and container prune */
#include "base/own.h"
#include "cmd/foreground.h"
#include "cmd/volume.h"
#include "spec/document.h"
#include "spec/options.h"
#include "state/event.h"
#include "state/record.h"
#include "sys/cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool say(struct container_command *c, const char *text, struct err *e)
{
	return print_out(arena_printf(&c->to.arena, "%s\n", text), e);
}

/* --all and --latest: the arguments that they stand for. */
static bool choose(struct container_command *c, bool only_up, struct err *e)
{
	struct container *all;
	size_t n;
	if (!c->to.all && !c->to.is_latest)
		return true;
	if (c->argc > 0)
		return err_what(e, ERR_USAGE, "--all and --latest stand alone");
	if (!container_get_all(c, &all, &n, e))
		return false;
	c->argv = arena_array(&c->to.arena, n + 1, sizeof(*c->argv));
	for (size_t i = 0; i < n && !(c->to.is_latest && c->argc); i++)
		if (!only_up || c->to.is_latest || container_is_up(&all[i]))
			c->argv[c->argc++] = (char *)all[i].id;
	return true;
}

static bool stop_one(struct container_command *c, const char *text, struct err *e)
{
	struct container record;
	if (!container_get(c, text, &record, e))
		return false;
	bool ok = record.is_foreground
			  ? foreground_stop(&record, c->to.life.wait_ms, e)
			  : life_stop(c->all_fd, record.id, c->to.life.wait_ms, &c->to.arena, e);
	return ok && say(c, text, e);
}

static bool stop_all(struct container_command *c, struct err *e)
{
	return choose(c, true, e) && container_each(c, stop_one, e);
}

static int run_stop(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 1, -1, ARGUMENTS_MIXED, stop_all, e);
}

static bool mark_killed(struct container_command *c, const char *id, struct err *e)
{
	CLEAN(clean_fd) int lock_fd = -1;
	struct container now;
	if (!container_lock(c->all_fd, id, &lock_fd, e) ||
		!container_read(c->all_fd, id, &c->to.arena, &now, e))
		return false;
	now.was_stopped = true;
	return container_write(lock_fd, &now, false, e);
}

static bool kill_one(struct container_command *c, const char *text, struct err *e)
{
	struct container record;
	struct spec spec = {.stop_signal = SIGKILL};
	if (c->to.life.signal && !spec_set_stop_signal(&spec, c->to.life.signal, e))
		return false;
	if (!container_get(c, text, &record, e))
		return false;
	CLEAN(clean_fd) int fd = live_process_open(&record.first, record.boot_id);
	if (!container_is_up(&record) || fd < 0)
		return err_what(e, ERR_STATE, "container '%s' does not run", text);
	bool ends = spec.stop_signal == SIGKILL || spec.stop_signal == record.stop_signal;
	if (ends && !record.is_foreground && !mark_killed(c, record.id, e))
		return false;
	if (syscall(SYS_pidfd_send_signal, fd, spec.stop_signal, NULL, 0) < 0) {
		err_sys(e, "send the signal");
		return err_what(e, ERR_HOST, "cannot signal container '%s'", text);
	}
	if (ends)
		cgroup_thaw(record.cgroup);
	if (!record.is_foreground)
		event_of_container(c->all_fd, &record, "kill",
			arena_printf(&c->to.arena, "signal=%d", spec.stop_signal));
	return say(c, text, e);
}

static bool kill_all(struct container_command *c, struct err *e)
{
	return choose(c, true, e) && container_each(c, kill_one, e);
}

static int run_kill(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 1, -1, ARGUMENTS_MIXED, kill_all, e);
}

static bool wait_one(struct container_command *c, const char *text, struct err *e)
{
	struct container record;
	bool has_ended;
	int code;
	if (!container_get(c, text, &record, e))
		return false;
	code = record.exit_code;
	if (record.is_foreground) {
		if (!foreground_wait(&c->host, &record, &code, e))
			return false;
	} else if (container_is_up(&record) && !life_await(c->all_fd, record.id, UINT64_MAX,
						       &has_ended, &code, &c->to.arena, e)) {
		return false;
	}
	return say(c, arena_printf(&c->to.arena, "%d", code), e);
}

static bool wait_all(struct container_command *c, struct err *e)
{
	return choose(c, true, e) && container_each(c, wait_one, e);
}

static int run_wait(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 1, -1, ARGUMENTS_MIXED, wait_all, e);
}

/* One whose record nobody can read: by force, and by its id. */
static bool remove_spoilt(struct container_command *c, const char *id, struct err *e)
{
	CLEAN(clean_fd) int lock_fd = -1;
	struct container bare;
	container_init(&bare);
	bare.id = id;
	return container_lock(c->all_fd, id, &lock_fd, e) &&
	       life_remove(&c->host, c->all_fd, &bare, TAKE_FD(lock_fd), e);
}

static bool remove_one(struct container_command *c, const char *text, struct err *e)
{
	CLEAN(clean_fd) int lock_fd = -1;
	struct container record;
	struct err missing = ERR_INIT;
	const char *id;
	bool is_forced = c->to.force;
	if (!container_get(c, text, &record, &missing)) {
		if (is_forced && missing.kind == ERR_INPUT &&
			container_find(c->all_fd, text, &c->to.arena, &id, e))
			return remove_spoilt(c, id, e) && say(c, text, e);
		/* As docker: force also means that it need not be there. */
		return (is_forced && container_is_missing(&missing)) || (*e = missing, false);
	}
	if (container_is_up(&record) && !is_forced) {
		err_msg(e, ERR_STATE, "it runs");
		err_what(e, ERR_STATE, "cannot remove container '%s'", text);
		return err_hint(e, "stop it first, or remove it with -f");
	}
	uint64_t patience = c->to.life.wait_ms == UINT64_MAX ? 0 : c->to.life.wait_ms;
	if (record.is_foreground)
		return foreground_stop(&record, patience, e) && say(c, text, e);
	/* Somebody else may remove it at the same time: then it is gone, which was the wish. */
	if (container_is_up(&record) &&
		!life_stop(c->all_fd, record.id, patience, &c->to.arena, &missing))
		return container_is_missing(&missing) ? say(c, text, e) : (*e = missing, false);
	if (!container_lock(c->all_fd, record.id, &lock_fd, &missing) ||
		!container_read(c->all_fd, record.id, &c->to.arena, &record, &missing))
		return say(c, text, e);
	if (container_is_up(&record)) {
		err_msg(e, ERR_STATE, "it has been started again");
		return err_what(e, ERR_STATE, "cannot remove container '%s'", text);
	}
	if (!life_remove(&c->host, c->all_fd, &record, TAKE_FD(lock_fd), e))
		return false;
	if (c->to.life.with_volumes)
		volumes_remove_anonymous(&c->host, record.mounts, c->to.notes);
	return say(c, text, e);
}

static bool remove_all(struct container_command *c, struct err *e)
{
	return choose(c, false, e) && container_each(c, remove_one, e);
}

static int run_rm(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(
		self, argc, argv, notes, 1, -1, ARGUMENTS_MIXED, remove_all, e);
}

static bool is_name(const char *s)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");
	return s[0] && !s[len] && len <= 127 && !strchr("_.-", s[0]);
}

static bool rename_one(struct container_command *c, struct err *e)
{
	CLEAN(clean_fd) int lock_fd = -1;
	struct container record;
	const char *name = c->argv[1];
	if (!is_name(name)) {
		err_what(e, ERR_USAGE, "'%s' is no name for a container", name);
		return err_hint(e, "letters, digits, and after the first also _ . -");
	}
	if (!container_get(c, c->argv[0], &record, e))
		return false;
	if (!strcmp(record.name, name))
		return err_what(e, ERR_USAGE, "container '%s' has that name already", name);
	if (record.is_foreground)
		return foreground_rename(c, &record, name, e);
	if (!container_lock(c->all_fd, record.id, &lock_fd, e) ||
		!container_read(c->all_fd, record.id, &c->to.arena, &record, e))
		return false;
	const char *before = record.name;
	if (!container_take_name(c->all_fd, record.id, name, e))
		return false;
	record.name = name;
	if (!container_write(lock_fd, &record, true, e)) {
		container_leave_name(c->all_fd, record.id, name);
		return false;
	}
	container_leave_name(c->all_fd, record.id, before);
	state_rename(c->host.runtime_dir, record.id, before, name);
	event_of_container(
		c->all_fd, &record, "rename", arena_printf(&c->to.arena, "oldName=/%s", before));
	return true;
}

static int run_rename(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 2, 2, ARGUMENTS_MIXED, rename_one, e);
}

static bool ask(struct container_command *c, bool *ret, struct err *e)
{
	char answer[16] = "";
	*ret = c->to.force;
	if (*ret)
		return true;
	if (!isatty(STDIN_FILENO)) {
		err_what(e, ERR_USAGE, "nobody is there to be asked");
		return err_hint(e, "say it with --force");
	}
	if (!print_out("Remove all containers that do not run? [y/N] ", e))
		return false;
	*ret = fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
	return true;
}

static bool prune(struct container_command *c, struct err *e)
{
	struct container *all;
	size_t n;
	bool wanted;
	if (!ask(c, &wanted, e) || !wanted)
		return wanted || !e->what[0];
	if (!container_get_all(c, &all, &n, e))
		return false;
	c->argv = arena_array(&c->to.arena, n + 1, sizeof(*c->argv));
	c->to.force = false;
	for (size_t i = 0; i < n; i++)
		if (!container_is_up(&all[i]))
			c->argv[c->argc++] = (char *)all[i].id;
	return container_each(c, remove_one, e);
}

static int run_prune(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 0, 0, ARGUMENTS_MIXED, prune, e);
}

#define ALL_AND_LATEST                                                                             \
	{"all", 'a', NULL, "all of them", set_all},                                                \
	{                                                                                          \
		"latest", 'l', NULL, "the one that was made last", set_latest                      \
	}

static const struct option_def stop_options[] = {ALL_AND_LATEST,
	{"time", 't', "TIME", "wait this long before SIGKILL (the container's own, 10s)",
		set_wait_time},
	{0}};

const struct command command_stop = {.name = "stop",
	.arguments = "[OPTIONS] CONTAINER...",
	.summary = "Stop containers: the stop signal, and after a while SIGKILL",
	.details = "",
	.options = stop_options,
	.run = run_stop};

static const struct option_def kill_options[] = {
	ALL_AND_LATEST, {"signal", 's', "SIGNAL", "name or number (KILL)", set_signal}, {0}};

const struct command command_kill = {.name = "kill",
	.arguments = "[OPTIONS] CONTAINER...",
	.summary = "Send a signal to containers",
	.details = "",
	.options = kill_options,
	.run = run_kill};

static const struct option_def wait_options[] = {
	{"latest", 'l', NULL, "the one that was made last", set_latest}, {0}};

const struct command command_wait = {.name = "wait",
	.arguments = "[OPTIONS] CONTAINER...",
	.summary = "Wait until containers have ended, and print their exit codes",
	.details = "",
	.options = wait_options,
	.run = run_wait};

static const struct option_def rm_options[] = {ALL_AND_LATEST,
	{"force", 'f', NULL, "also one that runs, or is not there", set_force},
	{"time", 't', "TIME", "with --force: wait this long before SIGKILL (0)", set_wait_time},
	{"volumes", 'v', NULL, "and its volumes without a name, that no other container has",
		set_volumes},
	{0}};

const struct command command_rm = {.name = "rm",
	.arguments = "[OPTIONS] CONTAINER...",
	.summary = "Remove containers, with what they have changed",
	.details = "",
	.options = rm_options,
	.run = run_rm};

static const struct option_def no_options[] = {{0}};

const struct command command_rename = {.name = "rename",
	.arguments = "CONTAINER NAME",
	.summary = "Give a container another name",
	.details = "",
	.options = no_options,
	.run = run_rename};

static const struct option_def prune_options[] = {
	{"force", 'f', NULL, "do not ask", set_force}, {0}};

const struct command command_container_prune = {.name = "container prune",
	.arguments = "[OPTIONS]",
	.summary = "Remove all containers that do not run",
	.details = "",
	.options = prune_options,
	.run = run_prune};
