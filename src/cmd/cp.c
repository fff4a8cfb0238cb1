/* SPDX-License-Identifier: Apache-2.0 */
/* cp.c - files into containers and out of them */
#include "apply/copy.h"
#include "base/own.h"
#include "base/text.h"
#include "cmd/container_command.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* "NAME:PATH"; what begins as a path does is one, whatever colons it has. */
static bool split(
	struct arena *arena, const char *text, const char **ret_name, const char **ret_path)
{
	const char *colon = strchr(text, ':');
	if (!colon || text[0] == '/' || text[0] == '.' || memchr(text, '/', (size_t)(colon - text)))
		return false;
	*ret_name = arena_strndup(arena, text, (size_t)(colon - text));
	*ret_path = colon[1] == '/' ? colon + 1 : arena_printf(arena, "/%s", colon + 1);
	return true;
}

static bool is_content(const char *path)
{
	return text_ends(path, "/.") || !strcmp(path, ".");
}

/* The host's side, opened before anything is entered: as the caller, by the caller's rules. */
static bool open_outside(
	struct container_command *c, struct copy_job *job, const char *path, struct err *e)
{
	struct arena *arena = &c->to.arena;
	char *clean = arena_strdup(arena, path);
	size_t n = strlen(clean);
	if (job->is_inward && (job->follows_link || is_content(path) || text_ends(path, ".."))) {
		CLEAN(clean_free) char *real = realpath(path, NULL);
		if (!real)
			return err_sys(e, "find it");
		clean = arena_strdup(arena, real);
		n = strlen(clean);
	}
	while (n > 1 && (clean[n - 1] == '/' || (clean[n - 1] == '.' && clean[n - 2] == '/')))
		clean[--n] = '\0';
	char *slash = strrchr(clean, '/');
	bool is_itself = !strcmp(clean, "/") || !strcmp(clean, ".") || !strcmp(clean, "..") ||
			 text_ends(clean, "/..");
	job->outside_name = is_itself ? "." : slash ? slash + 1 : clean;
	const char *parent = is_itself ? clean
			     : !slash  ? "."
			     : slash == clean
				     ? "/"
				     : arena_strndup(arena, clean, (size_t)(slash - clean));
	job->outside_dir_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (job->outside_dir_fd < 0)
		return err_sys(e, "open '%s'", parent);
	/* Into a link to a directory, as cp(1); out of a link never, unless -L says so. */
	int flags = O_PATH | O_CLOEXEC | (job->is_inward ? O_NOFOLLOW : 0);
	job->outside_fd = openat(job->outside_dir_fd, job->outside_name, flags);
	return job->outside_fd >= 0 || errno == ENOENT || err_sys(e, "open '%s'", path);
}

static bool run_copy(
	struct container_command *c, struct container *record, struct copy_job *job, struct err *e)
{
	CLEAN(clean_fd) int pid_fd = -1;
	CLEAN(clean_fd) int lock_fd = -1;
	struct host host = c->host;
	struct idmaps ids;
	struct plan plan;
	uint64_t flags = 0;
	if (live_process_is_there(&record->first, record->boot_id)) {
		if (!life_load(&c->to, &c->host, record, e) ||
			!container_enter(c, record, &pid_fd, &flags, &ids, e))
			return false;
	} else {
		/* Nobody starts it while its root is ours. */
		if (!container_lock(c->all_fd, record->id, &lock_fd, e) ||
			!container_prepare(c, record, &host, e))
			return false;
	}
	return plan_build_visit(&c->to.spec, &host, pid_fd, flags, &ids, &plan, c->to.notes, e) &&
	       copy_run(&plan, job, c->to.notes, e);
}

static bool cp(struct container_command *c, struct err *e)
{
	const char *name, *inside, *ignored_name, *ignored_path;
	const char *from = c->argv[0], *to = c->argv[1];
	struct container record;
	bool from_inside = split(&c->to.arena, from, &name, &inside);
	bool to_inside = split(&c->to.arena, to, from_inside ? &ignored_name : &name,
		from_inside ? &ignored_path : &inside);
	if (from_inside == to_inside) {
		err_what(e, ERR_USAGE,
			from_inside ? "cannot copy between two containers"
				    : "neither path is in a container");
		return err_hint(
			e, "one of them is CONTAINER:PATH; a file whose name has a colon: ./NAME");
	}
	const char *outside = from_inside ? to : from;
	if (!strcmp(outside, "-")) {
		err_what(e, ERR_USAGE, "an archive from or to a pipe cannot be copied");
		return err_hint(e, "use exec with tar in the container");
	}
	struct copy_job job = {.is_inward = to_inside,
		.keeps_owners = c->to.life.keeps_owners,
		.follows_link = c->to.life.follows,
		.inside = inside,
		.is_content = is_content(from_inside ? inside : outside),
		.wants_directory = text_ends(from_inside ? outside : inside, "/"),
		.outside_dir_fd = -1,
		.outside_fd = -1};
	bool ok = container_get(c, name, &record, e);
	if (ok && !open_outside(c, &job, outside, e))
		ok = err_what(e, ERR_USAGE, "cannot use '%s'", outside);
	ok = ok && run_copy(c, &record, &job, e);
	clean_fd(&job.outside_dir_fd);
	clean_fd(&job.outside_fd);
	return ok;
}

static int run_cp(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 2, 2, ARGUMENTS_MIXED, cp, e);
}

static const struct option_def cp_options[] = {
	{"archive", 'a', NULL, "keep the owners, as far as they are mapped", set_archive},
	{"follow-link", 'L', NULL, "copy what SRC points to", set_follow}, {0}};

const struct command command_cp = {.name = "cp",
	.arguments = "[OPTIONS] CONTAINER:SRC DST | SRC CONTAINER:DST",
	.summary = "Copy files into a container, or out of it",
	.details = "\nWith docker's rules: into DST when that is a directory, else as DST; SRC/. "
		   "is what\n"
		   "is in SRC. The container may run, or not.\n",
	.options = cp_options,
	.run = run_cp};
