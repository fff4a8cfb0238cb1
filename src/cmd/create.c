/* SPDX-License-Identifier: Apache-2.0 */
/* create.c - run -d, create and start: containers that stay, from the command line */
#include "base/own.h"
#include "cmd/attach.h"
#include "cmd/foreground.h"
#include "cmd/image_root.h"
#include "cmd/logout.h"
#include "cmd/run_life.h"
#include "cmd/secret.h"
#include "cmd/tarball.h"
#include "cmd/volume.h"
#include "spec/document.h"
#include "state/event.h"
#include "state/foreground.h"
#include "state/record.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool remove_existing(struct invocation *to, const struct host *host, struct err *e)
{
	CLEAN(clean_fd) int all_fd = -1;
	CLEAN(clean_fd) int lock_fd = -1;
	struct container c;
	struct err missing = ERR_INIT;
	if (!to->life.replaces || !to->spec.name)
		return !to->life.replaces || err_what(e, ERR_USAGE, "--replace needs --name");
	if (!containers_open(host->data_dir, false, &all_fd, e))
		return false;
	if (!containers_find(all_fd, host->runtime_dir, to->spec.name, &to->arena, &c, &missing) ||
		strcmp(c.name, to->spec.name))
		return true;
	if (c.is_foreground)
		return foreground_stop(&c, UINT64_MAX, e);
	if (!life_stop(all_fd, c.id, UINT64_MAX, &to->arena, e))
		return false;
	/* With --rm it has removed itself meanwhile. */
	if (!container_lock(all_fd, c.id, &lock_fd, &missing) ||
		!container_read(all_fd, c.id, &to->arena, &c, &missing))
		return true;
	return life_remove(host, all_fd, &c, TAKE_FD(lock_fd), e);
}

bool life_write_cidfile(const struct invocation *to, struct err *e)
{
	const char *path = to->life.cidfile;
	if (!path)
		return true;
	CLEAN(clean_fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	size_t n = strlen(to->spec.id);
	if (fd >= 0 && write(fd, to->spec.id, n) == (ssize_t)n)
		return true;
	bool exists = errno == EEXIST;
	err_sys(e, "make it");
	err_what(e, ERR_USAGE, "cannot write the container's id to '%s'", path);
	return exists ? err_hint(e, "remove it, if its container is gone") : false;
}

bool life_write_pidfile(const struct invocation *to, pid_t pid, struct err *e)
{
	const char *path = to->life.pidfile;
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", (int)pid);
	if (!path)
		return true;
	CLEAN(clean_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd >= 0 && write(fd, text, (size_t)n) == n)
		return true;
	err_sys(e, "make it");
	return err_what(e, ERR_USAGE, "cannot write the process id to '%s'", path);
}

/* With --rm a container whose start fails leaves nothing either. */
static void remove_failed(const struct host *host, const struct container *c, struct arena *arena,
	struct notes *notes)
{
	CLEAN(clean_fd) int all_fd = -1;
	CLEAN(clean_fd) int lock_fd = -1;
	struct container now;
	struct err ignored = ERR_INIT;
	if (containers_open(host->data_dir, false, &all_fd, &ignored) &&
		container_lock(all_fd, c->id, &lock_fd, &ignored) &&
		container_read(all_fd, c->id, arena, &now, &ignored))
		life_remove(host, all_fd, &now, TAKE_FD(lock_fd), &ignored);
	volumes_remove_anonymous(host, c->mounts, notes);
}

static int run_detached(struct invocation *to, const struct host *host, struct container *c,
	int take_lock_fd, struct err *e)
{
	bool ok = life_start(to, host, c, take_lock_fd, NULL, e);
	volumes_release(to);
	if (!ok && c->is_auto_removed)
		remove_failed(host, c, &to->arena, to->notes);
	if (!ok || !print_out(arena_printf(&to->arena, "%s\n", c->id), e))
		return -1;
	return 0;
}

static int run_attached(struct invocation *to, const struct host *host, struct container *c,
	int take_lock_fd, struct err *e)
{
	struct attachment a = {.fd = -1,
		.has_terminal = c->has_terminal,
		.has_input = c->has_input,
		.proxies_signals = true,
		.detach_keys = to->life.detach_keys};
	int status = -1;
	bool ok = life_start(to, host, c, take_lock_fd, &a.fd, e);
	volumes_release(to);
	if (!ok && c->is_auto_removed)
		remove_failed(host, c, &to->arena, to->notes);
	print_notes(to->notes);
	if (ok)
		ok = attach_stay(&a, host, c->id, &status, e);
	clean_fd(&a.fd);
	return ok ? status : -1;
}

int life_run(struct invocation *to, const struct host *host, struct err *e)
{
	CLEAN(clean_fd) int lock_fd = -1;
	struct container c;
	if (!life_check(to, e) || !remove_existing(to, host, e) ||
		!life_create(to, host, &c, &lock_fd, e))
		return -1;
	if (!life_write_cidfile(to, e) || !life_settle_root(to, host, e) ||
		!volumes_fill(to, host, e)) {
		life_discard(host, &c, TAKE_FD(lock_fd));
		return -1;
	}
	/* From here on they are the container's, and go with it. */
	to->life.own_volumes = (struct strv){0};
	logout_note(to);
	if (to->life.is_created)
		return print_out(arena_printf(&to->arena, "%s\n", c.id), e) ? 0 : -1;
	int status = to->life.is_detached ? run_detached(to, host, &c, TAKE_FD(lock_fd), e)
					  : run_attached(to, host, &c, TAKE_FD(lock_fd), e);
	return status;
}

bool life_check_name(const struct invocation *to, const struct host *host, struct err *e)
{
	CLEAN(clean_fd) int all_fd = -1;
	char id[STATE_ID_SIZE];
	if (!to->spec.name || to->explain || !containers_open(host->data_dir, false, &all_fd, e))
		return !to->spec.name || to->explain;
	container_holder(all_fd, to->spec.name, id);
	if (!id[0])
		return true;
	err_msg(e, ERR_STATE, "container %.12s has it", id);
	err_what(e, ERR_STATE, "the name '%s' is in use", to->spec.name);
	return err_hint(e, "choose another name, or remove that container first: guscio rm %s",
		to->spec.name);
}

/* What a document on disk becomes before its container can start. */
bool container_prepare(struct container_command *c, const struct container *record,
	struct host *ret, struct err *e)
{
	return life_load(&c->to, &c->host, record, e) && secrets_load(&c->to, &c->host, e) &&
	       host_probe(invocation_host_wants(&c->to.spec), &c->to.arena, ret, e) &&
	       spec_settle_system(&c->to.spec, e) && spec_freeze(&c->to.spec, c->to.notes, e) &&
	       invocation_find_cgroups(&c->to, ret) &&
	       (c->to.spec.root.kind != ROOT_TARBALL || tarball_unpack(&c->to, ret, e)) &&
	       life_settle_root(&c->to, ret, e);
}

/* We are a monitor whose container comes back, in guscio's hands for the start. */
static bool is_monitor(void)
{
	const char *text = getenv("_GUSCIO_MONITOR");
	bool is = text && atoi(text) == (int)getpid();
	unsetenv("_GUSCIO_MONITOR");
	return is;
}

static bool lock_stopped(struct container_command *c, const char *text, struct container *ret,
	int *ret_fd, bool is_restart, struct err *e)
{
	CLEAN(clean_fd) int lock_fd = -1;
	struct container found;
	if (!container_get_kept(
		    c, text, "start", "it has been, and is gone when it ends", &found, e) ||
		!container_lock(c->all_fd, found.id, &lock_fd, e) ||
		!container_read(c->all_fd, found.id, &c->to.arena, ret, e))
		return false;
	if (is_restart && ret->was_stopped)
		return err_what(e, ERR_STATE, "container %.12s was stopped", ret->id);
	*ret_fd = TAKE_FD(lock_fd);
	return true;
}

static void record_why(
	struct container_command *c, struct container *record, int lock_fd, const struct err *why)
{
	char line[4 * sizeof(why->what)];
	struct err ignored;
	(void)c;
	err_format(why, line, sizeof(line));
	record->error = line;
	record->phase = record->started_ns ? CONTAINER_EXITED : CONTAINER_CREATED;
	record->monitor = record->first = (struct live_process){0};
	container_write(lock_fd, record, false, &ignored);
}

/* What the record says holds until it is said otherwise, and then that does. */
static bool take_sdnotify(struct container_command *c, struct container *record, struct err *e)
{
	const char *said = c->to.life.sdnotify;
	if (said && !strcmp(said, "healthy") && !record->health_test[0])
		return err_what(e, ERR_USAGE, "--sdnotify=healthy: container '%s' has no check",
			record->name);
	if (said)
		record->sdnotify = said;
	else if (record->sdnotify[0])
		c->to.life.sdnotify = record->sdnotify;
	return true;
}

static bool start_one(struct container_command *c, const char *text, struct err *e)
{
	CLEAN(clean_fd) int lock_fd = -1;
	struct container record;
	struct host host;
	bool is_restart = c->to.life.is_created; /* set by start() for a monitor */
	bool attaches = c->to.life.attaches || c->to.spec.process.interactive;
	bool wants_input = c->to.spec.process.interactive;
	const char *keys = c->to.life.detach_keys;
	if (!lock_stopped(c, text, &record, &lock_fd, is_restart, e))
		return false;
	if (!is_restart && container_is_up(&record)) {
		clean_fd(&lock_fd);
		return attaches ? err_what(e, ERR_STATE, "container '%s' runs already", text)
				: print_out(arena_printf(&c->to.arena, "%s\n", text), e);
	}
	if (!take_sdnotify(c, &record, e))
		return false;
	if (!container_prepare(c, &record, &host, e) || !volumes_hold(&c->to, &host, e)) {
		record_why(c, &record, lock_fd, e);
		return false;
	}
	if (is_restart)
		return life_start_here(&c->to, &host, &record, TAKE_FD(lock_fd), e);
	record.restart_count = 0;
	if (!attaches) {
		bool is_started = life_start(&c->to, &host, &record, TAKE_FD(lock_fd), NULL, e);
		volumes_release(&c->to);
		return is_started && print_out(arena_printf(&c->to.arena, "%s\n", text), e);
	}
	struct attachment a = {.fd = -1,
		.has_terminal = record.has_terminal,
		.has_input = record.has_input && wants_input,
		.proxies_signals = true,
		.detach_keys = keys};
	bool ok = life_start(&c->to, &host, &record, TAKE_FD(lock_fd), &a.fd, e);
	volumes_release(&c->to);
	print_notes(c->to.notes);
	ok = ok && attach_stay(&a, &host, record.id, &c->status, e);
	clean_fd(&a.fd);
	return ok;
}

static bool start_all(struct container_command *c, struct err *e)
{
	c->to.life.is_created = is_monitor();
	if ((c->to.life.attaches || c->to.spec.process.interactive) && c->argc > 1)
		return err_what(e, ERR_USAGE, "only one container can be attached to");
	return container_each(c, start_one, e);
}

static int run_start(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 1, -1, ARGUMENTS_MIXED, start_all, e);
}

static bool restart_one(struct container_command *c, const char *text, struct err *e)
{
	struct container record;
	if (!container_get_kept(
		    c, text, "restart", "it would be gone when it is stopped", &record, e) ||
		!life_stop(c->all_fd, record.id, c->to.life.wait_ms, &c->to.arena, e) ||
		!start_one(c, text, e))
		return false;
	event_of_container(c->all_fd, &record, "restart", NULL);
	return true;
}

static bool restart_all(struct container_command *c, struct err *e)
{
	return container_each(c, restart_one, e);
}

static int run_restart(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(
		self, argc, argv, notes, 1, -1, ARGUMENTS_MIXED, restart_all, e);
}

static const struct option_def start_options[] = {
	{"attach", 'a', NULL, "stay with it: its output, its exit code", set_attach},
	{"detach-keys", 0, "KEYS", "what leaves it again (ctrl-p,ctrl-q)", set_detach_keys},
	{"interactive", 'i', NULL, "and give it our input", set_interactive},
	{"sdnotify", 0, "MODE",
		"from now on: who tells systemd that it is ready (as with guscio run)",
		set_sdnotify},
	{0}};

const struct command command_start = {.name = "start",
	.arguments = "[OPTIONS] CONTAINER...",
	.summary = "Start containers that have ended, or were only made",
	.details = "\nA container comes back with everything that it has changed in its root.\n",
	.options = start_options,
	.run = run_start};

static const struct option_def restart_options[] = {
	{"time", 't', "TIME", "wait this long before SIGKILL (the container's own)", set_wait_time},
	{0}};

const struct command command_restart = {.name = "restart",
	.arguments = "[OPTIONS] CONTAINER...",
	.summary = "Stop containers and start them again",
	.details = "",
	.options = restart_options,
	.run = run_restart};
