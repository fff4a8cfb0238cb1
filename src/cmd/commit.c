/* SPDX-License-Identifier: Apache-2.0 */
/* commit.c - what a container has become: export of a container, commit, diff */
#include "apply/child.h"
#include "apply/visit.h"
#include "base/own.h"
#include "base/text.h"
#include "cmd/container_command.h"
#include "cmd/image_root.h"
#include "cmd/source.h"
#include "image/archive.h"
#include "image/files.h"
#include "image/tree_tar.h"
#include "sys/path.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

struct visit {
	int out_fd;
	int upper_fd;
	const int *lower_fds;
	size_t n_lower;
};

/* Enters the root of a container that runs, or makes that of one that does not, and acts there. */
static bool visit_container(struct container_command *c, struct container *record,
	visit_action *act, struct visit *argument, struct err *e)
{
	CLEAN(clean_fd) int pid_fd = -1;
	CLEAN(clean_fd) int lock_fd = -1;
	struct host host = c->host;
	struct idmaps ids;
	struct plan plan;
	uint64_t flags = 0;
	bool runs = live_process_is_there(&record->first, record->boot_id);
	if (!runs && !container_lock(c->all_fd, record->id, &lock_fd, e))
		return false;
	if (!(runs ? life_load(&c->to, &c->host, record, e) &&
				    container_enter(c, record, &pid_fd, &flags, &ids, e)
		   : container_prepare(c, record, &host, e)))
		return false;
	if (!plan_build_visit(&c->to.spec, &host, pid_fd, flags, &ids, &plan, c->to.notes, e))
		return false;
	return visit_run(&plan, act, argument, c->to.notes, e);
}

static bool write_tar(struct child *child, void *argument, struct err *e)
{
	const struct visit *v = argument;
	return tree_to_tar(child->root_fd, v->out_fd, e) ||
	       err_what(e, ERR_INPUT, "cannot export the container");
}

static bool export(struct container_command *c, struct err *e)
{
	CLEAN(out_file_done) struct out_file out = {.fd = -1};
	struct container record;
	if (!container_get(c, c->argv[0], &record, e) ||
		!out_file_open(&out, &c->to.arena, c->to.output, false, e))
		return false;
	struct visit v = {.out_fd = out.fd};
	return visit_container(c, &record, write_tar, &v, e) && out_file_keep(&out, e);
}

/* CMD and the like from the container's own document. */
static void add_changes(struct container_command *c, struct strv *changes)
{
	struct arena *arena = &c->to.arena;
	const struct process_spec *process = &c->to.spec.process;
	static const char *const ours[] = {"HOSTNAME=", "container=", "TERM=", "HOME="};
	json_t *args = json_array();
	for (size_t i = 0; i < process->args.n; i++)
		json_array_append_new(args, json_string(process->args.v[i]));
	CLEAN(clean_free) char *text = json_dumps(args, JSON_COMPACT);
	json_decref(args);
	if (text && process->args.n)
		strv_add(arena, changes, arena_printf(arena, "CMD %s", text));
	for (size_t i = 0; i < process->env.n; i++) {
		bool is_ours = false;
		for (size_t k = 0; k < ARRAY_LEN(ours); k++)
			is_ours |= text_starts(process->env.v[i], ours[k]);
		if (!is_ours)
			strv_add(arena, changes, arena_printf(arena, "ENV %s", process->env.v[i]));
	}
	if (process->user[0])
		strv_add(arena, changes, arena_printf(arena, "USER %s", process->user));
	if (strcmp(process->cwd, "/"))
		strv_add(arena, changes, arena_printf(arena, "WORKDIR %s", process->cwd));
}

static bool make_image(
	struct container_command *c, const struct container *record, int fd, struct err *e)
{
	CLEAN(store_close) struct store store = STORE_INIT;
	struct host host;
	struct reference name = {0};
	struct store_image image;
	struct strv changes = {0};
	const char *map;
	if (c->argc > 1 && !reference_parse(&c->to.arena, c->argv[1], &name, e))
		return false;
	add_changes(c, &changes);
	for (size_t i = 0; i < record->labels.n; i++)
		strv_add(&c->to.arena, &changes,
			arena_printf(&c->to.arena, "LABEL %s", record->labels.v[i]));
	/* What the command line says comes last, and wins. */
	for (size_t i = 0; i < c->to.changes.n; i++)
		strv_add(&c->to.arena, &changes, c->to.changes.v[i]);
	if (!host_probe(HOST_WANT_RANGES, &c->to.arena, &host, e))
		return false;
	struct inside in = inside_of(&c->to.spec, &host, c->to.notes);
	return source_open(&c->to, &host, true, &store, e) && inside_map(&in, &map, e) &&
	       archive_import(&store, &in, map, fd, name.name,
		       c->to.message ? c->to.message : "guscio commit", &changes, &image, e) &&
	       print_out(arena_printf(&c->to.arena, "%s\n", image.config), e);
}

static bool commit(struct container_command *c, struct err *e)
{
	struct container record;
	const char *storage = c->to.source.storage;
	if (!container_get(c, c->argv[0], &record, e))
		return false;
	/* Beside the containers: there is room for what they hold, unlike in memory. */
	CLEAN(clean_fd) int place_fd = -1;
	CLEAN(clean_fd) int fd = -1;
	if (containers_open(c->host.data_dir, true, &place_fd, e))
		fd = openat(place_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0) {
		err_sys(e, "make a file in '%s/containers'", c->host.data_dir);
		return err_what(e, ERR_HOST, "cannot commit the container");
	}
	struct visit v = {.out_fd = fd};
	if (!visit_container(c, &record, write_tar, &v, e))
		return false;
	/* The container's document may name another storage than the command line. */
	if (storage)
		c->to.source.storage = storage;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "read the file again");
	if (make_image(c, &record, fd, e))
		return true;
	return e->what[0] ? false
			  : err_what(e, e->kind == ERR_INTERNAL ? ERR_HOST : e->kind,
				    "cannot commit container '%s'", c->argv[0]);
}

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

/* Was it there before? The uppermost layer that knows of it says. */
static bool was_below(const struct visit *v, const char *path)
{
	for (size_t i = 0; i < v->n_lower; i++) {
		CLEAN(clean_fd) int fd = -1;
		struct err missing;
		struct stat st;
		if (path_open_beneath(v->lower_fds[i], path, O_PATH | O_NOFOLLOW, &fd, &missing) &&
			fstat(fd, &st) == 0)
			return !is_whiteout(&st);
	}
	return false;
}

static bool say_change(const struct visit *v, char kind, const char *path)
{
	char line[4 * PATH_MAX], shown[4 * PATH_MAX - 8];
	text_visible(shown, sizeof(shown), path);
	int n = snprintf(line, sizeof(line), "%c /%s\n", kind, shown);
	return write(v->out_fd, line, (size_t)n) == n;
}

static bool walk_upper(
	const struct visit *v, int dir_fd, const char *path, int depth, struct err *e)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	if (!dir)
		return err_sys(e, "read '/%s'", path);
	if (depth > 250)
		return err_msg(e, ERR_INPUT, "it is more than 250 directories deep");
	while ((entry = readdir(dir))) {
		char inner[PATH_MAX];
		struct stat st;
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		int n = snprintf(
			inner, sizeof(inner), "%s%s%s", path, path[0] ? "/" : "", entry->d_name);
		if (n >= (int)sizeof(inner) ||
			fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		char kind = is_whiteout(&st) ? 'D' : was_below(v, inner) ? 'C' : 'A';
		if (!say_change(v, kind, inner))
			return err_sys(e, "write");
		CLEAN(clean_fd) int sub_fd = -1;
		if (S_ISDIR(st.st_mode))
			sub_fd = openat(
				fd, entry->d_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub_fd >= 0 && !walk_upper(v, sub_fd, inner, depth + 1, e))
			return false;
	}
	return true;
}

static bool list_changes(struct child *child, void *argument, struct err *e)
{
	const struct visit *v = argument;
	(void)child;
	return walk_upper(v, v->upper_fd, "", 0, e) ||
	       err_what(e, ERR_INPUT, "cannot list the container's changes");
}

/* The directories below its changes; of an image they are its layers. */
static bool open_lower(struct container_command *c, const struct container *record, int *fds,
	size_t max, size_t *ret_n, struct err *e)
{
	struct host host;
	if (!container_prepare(c, record, &host, e))
		return false;
	const struct root_spec *root = &c->to.spec.root;
	const struct strv one = {.v = (char **)&root->path, .n = 1};
	const struct strv *lower = root->kind == ROOT_IMAGE ? &root->layers : &one;
	for (size_t i = 0; i < lower->n && i < max; i++) {
		fds[i] = open(lower->v[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fds[i] < 0)
			return err_sys(e, "open '%s'", lower->v[i]);
		*ret_n = i + 1;
	}
	return true;
}

#define LOWER_MAX 256

static bool diff(struct container_command *c, struct err *e)
{
	struct container record;
	int lower[LOWER_MAX];
	size_t n = 0;
	if (!container_get(c, c->argv[0], &record, e))
		return false;
	const char *path = arena_printf(
		&c->to.arena, "%s/containers/%s/overlay/upper", c->host.data_dir, record.id);
	CLEAN(clean_fd) int upper_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (upper_fd < 0 && record.phase == CONTAINER_CREATED)
		return true;
	if (upper_fd < 0) {
		err_what(e, ERR_STATE, "container '%s' has no record of its changes", c->argv[0]);
		return err_hint(e, "it changes its root directory in place, or in memory");
	}
	bool ok = open_lower(c, &record, lower, LOWER_MAX, &n, e);
	struct visit v = {
		.out_fd = STDOUT_FILENO, .upper_fd = upper_fd, .lower_fds = lower, .n_lower = n};
	ok = ok && visit_container(c, &record, list_changes, &v, e);
	for (size_t i = 0; i < n; i++)
		clean_fd(&lower[i]);
	return ok;
}

#define RUN(function, max, action)                                                                 \
	static int function(const struct command *self, int argc, char **argv,                     \
		struct notes *notes, struct err *e)                                                \
	{                                                                                          \
		return container_command_run(                                                      \
			self, argc, argv, notes, 1, max, ARGUMENTS_MIXED, action, e);              \
	}

RUN(run_export, 1, export)
RUN(run_commit, 2, commit)
RUN(run_diff, 1, diff)

static const struct option_def export_options[] = {
	{"output", 'o', "FILE", "write to FILE instead of standard output", set_output}, {0}};

const struct command command_container_export = {.name = "export",
	.arguments = "[OPTIONS] CONTAINER",
	.summary = "Write a container's root file system to a tarball",
	.details = "",
	.options = export_options,
	.run = run_export};

/* A name of both is the container's: that is what docker's export means. */
static int run_either(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	bool wants_help = argc > 0 && !strcmp(argv[argc - 1], "--help");
	bool is_container = wants_help || (argc > 0 && container_is_named(argv[argc - 1]));
	const struct command *chosen =
		is_container ? &command_container_export : &command_image_export;
	return wants_help ? run_export(self, argc, argv, notes, e)
			  : chosen->run(chosen, argc, argv, notes, e);
}

static const struct option_def either_options[] = {OPTIONS_STORE,
	{"output", 'o', "FILE", "write to FILE instead of standard output", set_output},
	{"userns", 0, "MODE", "of an image: the files of auto, keep-id or single", set_userns},
	{0}};

const struct command command_export = {.name = "export",
	.arguments = "[OPTIONS] CONTAINER|IMAGE",
	.summary = "Write a container's or an image's root file system to a tarball",
	.details = "",
	.options = either_options,
	.run = run_either};

static const struct option_def commit_options[] = {
	{"change", 'c', "INSTRUCTION", "CMD, ENTRYPOINT, ENV, LABEL, USER, WORKDIR, ...",
		set_change},
	{"message", 'm', "TEXT", "a comment for the history", set_message},
	{"storage", 0, "DIR", "keep the image in DIR (GUSCIO_STORAGE)", set_storage}, {0}};

const struct command command_commit = {.name = "commit",
	.arguments = "[OPTIONS] CONTAINER [NAME]",
	.summary = "Make an image of a container",
	.details = "\nOf one layer: what is in the container's root now, with its command and "
		   "variables.\n",
	.options = commit_options,
	.run = run_commit};

static const struct option_def no_options[] = {{0}};

const struct command command_diff = {.name = "diff",
	.arguments = "CONTAINER",
	.summary = "List what a container has changed in its root",
	.details = "",
	.options = no_options,
	.run = run_diff};
