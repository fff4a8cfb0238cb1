/* SPDX-License-Identifier: Apache-2.0 */
/* transfer.c - images in and out: push, save, load, import, export */
#include "base/own.h"
#include "base/text.h"
#include "cmd/image_command.h"
#include "cmd/progress.h"
#include "image/archive.h"
#include "image/files.h"
#include "image/pull.h"
#include "image/push.h"

#include <string.h>

static bool push(struct image_command *c, struct err *e)
{
	struct store_image image;
	struct reference to;
	struct bars bars;
	struct push_options options = {.remote = c->to.source.remote,
		.watch = progress_watch(&bars, c->to.source.is_quiet)};
	const char *target = c->argc > 1 ? c->argv[1] : c->argv[0];
	if (!store_get(&c->store, c->argv[0], &image, e) ||
		!reference_parse(&c->to.arena, target, &to, e) ||
		!push_image(&image, &c->host, &to, &options, e))
		return false;
	return c->to.source.is_quiet ||
	       print_out(arena_printf(&c->to.arena, "%s\n", image.digest), e);
}

static int run_push(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return image_command_run(self, argc, argv, notes, 1, 2, IMAGE_READS, push, e);
}

static const struct option_def push_options[] = {OPTIONS_STORE, OPTIONS_REMOTE,
	{"quiet", 'q', NULL, "no progress, and nothing at the end", set_quiet}, {0}};

const struct command command_push = {.name = "push",
	.arguments = "[OPTIONS] IMAGE [NAME]",
	.summary = "Send an image to a registry",
	.details = "\nTo where its name says, or under another NAME. The bytes are those that came "
		   "in.\n",
	.options = push_options,
	.run = run_push};

static bool save(struct image_command *c, struct err *e)
{
	static const struct name_value forms[] = {{"docker-archive", ARCHIVE_DOCKER},
		{"oci-archive", ARCHIVE_OCI}, {"oci-dir", ARCHIVE_OCI_DIR}, {NULL, 0}};
	const struct name_value *form =
		name_find(forms, c->to.format ? c->to.format : "docker-archive");
	struct store_image *images = arena_array(&c->to.arena, (size_t)c->argc, sizeof(*images));
	CLEAN(out_file_done) struct out_file out = {.fd = -1};
	CLEAN(clean_fd) int busy_fd = -1;
	if (!form) {
		err_what(e, ERR_USAGE, "the format '%s' is not known", c->to.format);
		return err_hint(e, "docker-archive, oci-archive or oci-dir");
	}
	for (int i = 0; i < c->argc; i++)
		if (!store_get(&c->store, c->argv[i], &images[i], e))
			return false;
	if (!store_lock_busy(&c->store, &busy_fd, e) ||
		!out_file_open(&out, &c->to.arena, c->to.output, form->value == ARCHIVE_OCI_DIR, e))
		return false;
	if (archive_save(&c->store, &c->host, images, (size_t)c->argc,
		    (enum archive_form)form->value, out.fd, e))
		return out_file_keep(&out, e);
	return err_what(e, ERR_HOST, "cannot save '%s'", c->argv[0]);
}

static int run_save(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return image_command_run(self, argc, argv, notes, 1, -1, IMAGE_READS, save, e);
}

static const struct option_def save_options[] = {OPTIONS_STORE,
	{"format", 0, "FORMAT", "docker-archive (the default), oci-archive, oci-dir", set_format},
	{"output", 'o', "FILE", "write to FILE instead of standard output", set_output}, {0}};

const struct command command_save = {.name = "save",
	.arguments = "[OPTIONS] IMAGE...",
	.summary = "Write images to an archive",
	.details = "\nThe archive is an OCI image layout with docker's manifest.json beside it.\n",
	.options = save_options,
	.run = run_save};

static bool load(struct image_command *c, struct err *e)
{
	CLEAN(clean_fd) int fd = -1;
	struct inside in = image_inside(c);
	struct bars bars;
	struct strv names = {0};
	const char *map, *path = c->to.input ? c->to.input : c->argc ? c->argv[0] : NULL;
	if (!in_file_open(path, &fd, e) || !inside_map(&in, &map, e))
		return false;
	bool ok = archive_load(
		&c->store, &in, map, fd, progress_watch(&bars, c->to.source.is_quiet), &names, e);
	for (size_t i = 0; ok && i < names.n; i++)
		ok = print_out(arena_printf(&c->to.arena, "Loaded image: %s\n", names.v[i]), e);
	return ok || err_what(e, e->kind == ERR_INTERNAL ? ERR_HOST : e->kind, "cannot load '%s'",
			     path ? path : "-");
}

static int run_load(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return image_command_run(self, argc, argv, notes, 0, 1, IMAGE_WRITES, load, e);
}

static const struct option_def load_options[] = {OPTIONS_STORE,
	{"input", 'i', "FILE", "read FILE instead of standard input", set_input},
	{"quiet", 'q', NULL, "no progress", set_quiet}, {0}};

const struct command command_load = {.name = "load",
	.arguments = "[OPTIONS] [FILE]",
	.summary = "Read images from an archive",
	.details = "\nA docker-archive, an OCI archive (packed or not) or an OCI directory.\n",
	.options = load_options,
	.run = run_load};

static bool import(struct image_command *c, struct err *e)
{
	CLEAN(clean_fd) int fd = -1;
	struct inside in = image_inside(c);
	struct reference name = {0};
	struct store_image image;
	const char *map;
	if (c->argc > 1 && !reference_parse(&c->to.arena, c->argv[1], &name, e))
		return false;
	if (!in_file_open(c->argv[0], &fd, e) || !inside_map(&in, &map, e))
		return false;
	if (!archive_import(
		    &c->store, &in, map, fd, name.name, c->to.message, &c->to.changes, &image, e))
		return e->what[0] ? false
				  : err_what(e, e->kind == ERR_INTERNAL ? ERR_HOST : e->kind,
					    "cannot import '%s'", c->argv[0]);
	return print_out(arena_printf(&c->to.arena, "%s\n", image.config), e);
}

static int run_import(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return image_command_run(self, argc, argv, notes, 1, 2, IMAGE_WRITES, import, e);
}

static const struct option_def import_options[] = {OPTIONS_STORE,
	{"change", 'c', "INSTRUCTION", "CMD, ENTRYPOINT, ENV, LABEL, USER, WORKDIR, ...",
		set_change},
	{"message", 'm', "TEXT", "a comment for the history", set_message}, {0}};

const struct command command_import = {.name = "import",
	.arguments = "[OPTIONS] FILE|- [NAME]",
	.summary = "Make an image of a root file system tarball",
	.details = "",
	.options = import_options,
	.run = run_import};

static bool export(struct image_command *c, struct err *e)
{
	CLEAN(out_file_done) struct out_file out = {.fd = -1};
	struct inside in = image_inside(c);
	struct store_image image;
	struct manifest manifest;
	struct image_config config;
	const char *map;
	if (!store_get(&c->store, c->argv[0], &image, e) || !inside_map(&in, &map, e) ||
		!out_file_open(&out, &c->to.arena, c->to.output, false, e))
		return false;
	bool ok = store_read_manifest(&image, &c->to.arena, &manifest, e) &&
		  store_read_config(&image, &manifest, &c->to.arena, &config, e) &&
		  pull_view(&c->store, &in, map, &image, &config, &manifest, NULL, e) &&
		  archive_export(&c->store, &in, map, &image, out.fd, e);
	if (ok)
		return out_file_keep(&out, e);
	return e->what[0] ? false : err_what(e, ERR_HOST, "cannot export '%s'", c->argv[0]);
}

static int run_export(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return image_command_run(self, argc, argv, notes, 1, 1, IMAGE_READS, export, e);
}

static const struct option_def export_options[] = {OPTIONS_STORE,
	{"output", 'o', "FILE", "write to FILE instead of standard output", set_output},
	{"userns", 0, "MODE", "read the files of auto, keep-id or single", set_userns}, {0}};

const struct command command_image_export = {.name = "export",
	.arguments = "[OPTIONS] IMAGE",
	.summary = "Write an image's root file system to a tarball",
	.details = "",
	.options = export_options,
	.run = run_export};
