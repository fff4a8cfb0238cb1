/* SPDX-License-Identifier: Apache-2.0 */
/* cp.c - files into containers and out of them */
#include "apply/copy.h"
#include "base/own.h"
#include "base/text.h"
#include "cmd/container_command.h"
#include "cmd/cp.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
	if (job->outside_fd < 0)
		return errno == ENOENT || err_sys(e, "open '%s'", path);
	struct stat st;
	bool is_asserted = job->is_inward && text_ends(path, "/");
	if (is_asserted && fstat(job->outside_fd, &st) == 0 && S_ISREG(st.st_mode))
		return errno = ENOTDIR, err_sys(e, "open '%s'", path);
	return true;
}

/* The two ends of a pipe, in one container that does not run, would wait for each other. */
static bool lock_stopped(struct cp_side *side, const char *id, int *ret_fd, struct err *e)
{
	const uint64_t patience_ms = side->is_archive ? 3000 : UINT64_MAX;
	if (container_lock_within(side->c->all_fd, id, patience_ms, ret_fd, e))
		return true;
	return e->sys == EWOULDBLOCK
		       ? err_hint(e, "one that does not run can be one end of a pipe, not both")
		       : false;
}

/* @ret_lock_fd: nobody starts it while its root is ours. */
static bool open_inside(struct container *record, struct cp_side *side, int *ret_pid_fd,
	int *ret_lock_fd, struct err *e)
{
	struct container_command *c = side->c;
	uint64_t flags = 0;
	side->host = c->host;
	side->runs = live_process_is_there(&record->first, record->boot_id);
	if (side->runs) {
		if (!life_load(&c->to, &c->host, record, e) ||
			!container_enter(c, record, ret_pid_fd, &flags, &side->ids, e))
			return false;
	} else {
		if (!lock_stopped(side, record->id, ret_lock_fd, e) ||
			!container_prepare(c, record, &side->host, e))
			return false;
	}
	return plan_build_visit(&c->to.spec, &side->host, *ret_pid_fd, flags, &side->ids,
		&side->plan, c->to.notes, e);
}

static bool refuse_pair(bool are_both_inside, struct err *e)
{
	err_what(e, ERR_USAGE,
		are_both_inside ? "cannot copy between two containers"
				: "neither path is in a container");
	return err_hint(e, "one of them is CONTAINER:PATH; a file whose name has a colon: ./NAME");
}

static bool cp(struct container_command *c, struct err *e)
{
	const char *name, *inside, *ignored_name, *ignored_path;
	const char *from = c->argv[0], *to = c->argv[1];
	struct container record;
	bool from_inside = split(&c->to.arena, from, &name, &inside);
	bool to_inside = split(&c->to.arena, to, from_inside ? &ignored_name : &name,
		from_inside ? &ignored_path : &inside);
	if (from_inside == to_inside)
		return refuse_pair(from_inside, e);
	const char *outside = from_inside ? to : from;
	bool is_archive = !strcmp(outside, "-");
	CLEAN(clean_fd) int pid_fd = -1;
	CLEAN(clean_fd) int lock_fd = -1;
	struct cp_side side = {.c = c, .is_archive = is_archive};
	struct copy_job job = {.is_inward = to_inside,
		.keeps_owners = c->to.life.keeps_owners,
		.follows_link = c->to.life.follows,
		.inside = inside,
		.is_content = is_content(from_inside ? inside : outside),
		.wants_directory = text_ends(from_inside ? outside : inside, "/"),
		.outside_dir_fd = -1,
		.outside_fd = -1};
	bool ok = container_get(c, name, &record, e);
	if (ok && !is_archive && !open_outside(c, &job, outside, e))
		ok = err_what(e, ERR_USAGE, "cannot use '%s'", outside);
	ok = ok && open_inside(&record, &side, &pid_fd, &lock_fd, e);
	if (ok && is_archive)
		ok = from_inside ? cp_out_to_pipe(&side, inside, job.follows_link, e)
				 : cp_in_from_pipe(&side, inside, e);
	else if (ok)
		ok = copy_run(&side.plan, &job, c->to.notes, e);
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
	.arguments = "[OPTIONS] CONTAINER:SRC DST|- | SRC|- CONTAINER:DST",
	.summary = "Copy files into a container, or out of it",
	.details = "\nWith docker's rules: into DST when that is a directory, else as DST; SRC/. "
		   "is what\n"
		   "is in SRC; - is a tar archive on standard output or input. The container may "
		   "run, or not.\n",
	.options = cp_options,
	.run = run_cp};
