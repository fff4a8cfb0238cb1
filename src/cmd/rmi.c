/* SPDX-License-Identifier: Apache-2.0 */
/* rmi.c - names and ends of images: tag, rmi, image prune, purge */
#include "base/own.h"
#include "base/text.h"
#include "cmd/image_command.h"
#include "cmd/life.h"
#include "cmd/progress.h"
#include "image/gc.h"
#include "state/event.h"

#include <string.h>
#include <unistd.h>

static bool say(struct image_command *c, const char *what, const char *name, struct err *e)
{
	char attribute[600];
	snprintf(attribute, sizeof(attribute), "name=%s", name);
	event_of(c->host.data_dir, "image", !strcmp(what, "Untagged") ? "untag" : "delete", name,
		attribute);
	return print_out(arena_printf(&c->to.arena, "%s: %s\n", what, name), e);
}

static size_t count_names(
	struct store_image *v, size_t n, const struct store *store, const char *digest)
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		count += v[i].store == store && !strcmp(v[i].digest, digest) && v[i].name;
	return count;
}

/* By name: that name goes, and with the last one the image. By id: the image with its only name. */
static bool untag_locked(struct image_command *c, const char *text, struct err *e)
{
	struct store_image image, *v;
	struct reference reference;
	struct err not_a_name = ERR_INIT;
	size_t n;
	if (!store_get(&c->store, text, &image, e) || !store_list(&c->store, &v, &n, e))
		return false;
	if (image.store != &c->store) {
		err_msg(e, ERR_STATE, "it is in the additional storage '%s'", image.store->path);
		return err_what(e, ERR_STATE, "cannot remove '%s'", text);
	}
	bool is_name = reference_parse(&c->to.arena, text, &reference, &not_a_name) && image.name &&
		       !strcmp(image.name, reference.name);
	size_t names = count_names(v, n, &c->store, image.digest);
	if (!is_name && names > 1 && !c->to.force) {
		err_msg(e, ERR_STATE, "it has %zu names", names);
		err_hint(e, "remove them one by one, or all of them with --force");
		return err_what(e, ERR_STATE, "cannot remove '%s'", text);
	}
	bool is_last = !is_name || names <= 1;
	if (is_last && store_is_leased(&c->store, image.digest)) {
		err_msg(e, ERR_STATE, "a container has it");
		err_hint(e, "remove the container first: see guscio ps -a");
		return err_what(e, ERR_STATE, "cannot remove '%s'", text);
	}
	if (!store_remove(&c->store, image.digest, is_last ? NULL : image.name, e))
		return false;
	if (image.name && !say(c, "Untagged", image.name, e))
		return false;
	return !is_last || say(c, "Deleted", image.config, e);
}

static bool collect(struct image_command *c, bool parts, int64_t *ret_bytes, struct err *e)
{
	struct inside in = image_inside(c);
	size_t layers;
	return gc_collect(&c->store, &in, parts, ret_bytes, &layers, e);
}

static bool untag(struct image_command *c, const char *text, struct err *e)
{
	CLEAN(clean_fd) int lock_fd = -1;
	return store_lock_index(&c->store, &lock_fd, e) && untag_locked(c, text, e);
}

/* Every image of the own storage, by what names it alone. */
static bool name_all(struct image_command *c, struct err *e)
{
	struct store_image *v;
	size_t n;
	if (!store_list(&c->store, &v, &n, e))
		return false;
	c->argv = arena_array(&c->to.arena, n + 1, sizeof(*c->argv));
	c->argc = 0;
	for (size_t i = 0; i < n; i++)
		if (v[i].store == &c->store)
			c->argv[c->argc++] = (char *)(v[i].name ? v[i].name : v[i].digest);
	return true;
}

static bool rmi(struct image_command *c, struct err *e)
{
	bool ok = true;
	int64_t ignored;
	if (!c->to.all && !c->argc) {
		err_hint(e, "guscio rmi IMAGE..., or --all");
		return err_what(e, ERR_USAGE, "guscio rmi needs more arguments");
	}
	if (c->to.all && !name_all(c, e))
		return false;
	if (c->store.is_new && c->argc)
		return store_get(&c->store, c->argv[0], &(struct store_image){0}, e);
	struct err first = ERR_INIT;
	/* Each of them is tried; the first failure is the answer. */
	for (int i = 0; i < c->argc; i++) {
		struct err own = ERR_INIT;
		if (untag(c, c->argv[i], &own))
			continue;
		if (c->to.force && own.kind == ERR_STATE && text_starts(own.what, "there is no"))
			continue;
		if (ok)
			first = own;
		ok = false;
	}
	if (!collect(c, false, &ignored, e))
		return false;
	if (!ok)
		*e = first;
	return ok;
}

static int run_rmi(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return image_command_run(self, argc, argv, notes, 0, -1, IMAGE_READS, rmi, e);
}

static const struct option_def rmi_options[] = {OPTIONS_STORE,
	{"all", 'a', NULL, "every image that no container runs from", set_all},
	{"force", 'f', NULL, "all names of an id; no error for what is not there", set_force}, {0}};

const struct command command_rmi = {.name = "rmi",
	.arguments = "[OPTIONS] IMAGE...",
	.summary = "Remove images",
	.details =
		"\nA name is taken away; with the last name the image goes, and every layer that "
		"no other\nimage has.\n",
	.options = rmi_options,
	.run = run_rmi};

static bool tag(struct image_command *c, struct err *e)
{
	struct store_image image;
	struct reference reference;
	CLEAN(clean_fd) int lock_fd = -1;
	if (!store_get(&c->store, c->argv[0], &image, e))
		return false;
	if (image.store != &c->store) {
		err_msg(e, ERR_STATE, "it is in the additional storage '%s'", image.store->path);
		return err_what(e, ERR_STATE, "cannot name '%s'", c->argv[0]);
	}
	if (!store_lock_index(&c->store, &lock_fd, e))
		return false;
	for (int i = 1; i < c->argc; i++) {
		if (!reference_parse(&c->to.arena, c->argv[i], &reference, e))
			return false;
		if (reference.digest)
			return err_what(
				e, ERR_USAGE, "'%s' is a digest, no name to give", c->argv[i]);
		if (!store_add(&c->store, &image, reference.name, e))
			return false;
		event_of(c->host.data_dir, "image", "tag", image.config,
			arena_printf(&c->to.arena, "name=%s", reference.name));
	}
	return true;
}

static int run_tag(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return image_command_run(self, argc, argv, notes, 2, -1, IMAGE_READS, tag, e);
}

static const struct option_def store_options[] = {OPTIONS_STORE, {0}};

const struct command command_tag = {.name = "tag",
	.arguments = "[OPTIONS] IMAGE NAME...",
	.summary = "Give an image one more name",
	.details = "",
	.options = store_options,
	.run = run_tag};

/* Nameless images, or all that no container runs from. */
static bool remove_unused(struct image_command *c, struct err *e)
{
	CLEAN(clean_fd) int lock_fd = -1;
	struct store_image *v;
	size_t n;
	if (!store_lock_index(&c->store, &lock_fd, e) || !store_list(&c->store, &v, &n, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (v[i].store != &c->store || (v[i].name && !c->to.all) ||
			store_is_leased(&c->store, v[i].digest))
			continue;
		if (!v[i].name && count_names(v, n, &c->store, v[i].digest) > 0 && !c->to.all)
			continue;
		if (!store_remove(&c->store, v[i].digest, v[i].name, e) ||
			!say(c, "Deleted", v[i].name ? v[i].name : v[i].config, e))
			return false;
	}
	return true;
}

bool image_confirm(struct image_command *c, const char *question, struct err *e)
{
	char answer[16] = "";
	if (c->to.force)
		return true;
	if (!isatty(STDIN_FILENO)) {
		err_msg(e, ERR_USAGE, "there is no terminal to ask on");
		err_hint(e, "--force does it without asking");
		return err_what(e, ERR_USAGE, "nothing was removed");
	}
	fprintf(stderr, "%s [y/N] ", question);
	if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
		return true;
	return err_what(e, ERR_STATE, "nothing was removed");
}

bool images_prune(struct image_command *c, int64_t *ret_bytes, struct err *e)
{
	*ret_bytes = 0;
	return c->store.is_new || (remove_unused(c, e) && collect(c, true, ret_bytes, e));
}

static bool prune(struct image_command *c, struct err *e)
{
	int64_t bytes;
	char size[16];
	if (c->store.is_new)
		return true;
	if (!image_confirm(c,
		    c->to.all ? "Remove every image that no container runs from?"
			      : "Remove images without a name, and unfinished downloads?",
		    e) ||
		!images_prune(c, &bytes, e))
		return false;
	progress_size(bytes, size, sizeof(size));
	return print_out(arena_printf(&c->to.arena, "Total reclaimed space: %s\n", size), e);
}

static int run_prune(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return image_command_run(self, argc, argv, notes, 0, 0, IMAGE_READS, prune, e);
}

static const struct option_def prune_options[] = {OPTIONS_STORE,
	{"all", 'a', NULL, "every image that no container runs from", set_all},
	{"force", 'f', NULL, "do not ask", set_force}, {0}};

const struct command command_prune = {.name = "prune",
	.arguments = "[OPTIONS]",
	.summary = "Remove unused images",
	.details = "",
	.options = prune_options,
	.run = run_prune};

static bool purge(struct image_command *c, struct err *e)
{
	struct inside in = image_inside(c);
	const char *question =
		arena_printf(&c->to.arena, "Remove everything in '%s'?", c->store.path);
	struct unpacker unpacker = UNPACKER_INIT;
	if (!image_confirm(c, question, e))
		return false;
	/* Containers live beside the images, and hold on to them. */
	if (!strcmp(c->store.path, c->host.data_dir) && !life_remove_all(&c->host, e))
		return false;
	if (!gc_purge(&c->store, &in, e))
		return false;
	/* Unpacked tarballs have subordinate owners too. */
	bool ok = unpacker_remove(
		&unpacker, &in, arena_printf(&c->to.arena, "%s/roots", c->host.cache_dir), e);
	unpacker_stop(&unpacker);
	return ok;
}

static int run_purge(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return image_command_run(self, argc, argv, notes, 0, 0, IMAGE_READS, purge, e);
}

static const struct option_def purge_options[] = {
	OPTIONS_STORE, {"force", 'f', NULL, "do not ask", set_force}, {0}};

const struct command command_purge = {.name = "purge",
	.arguments = "[OPTIONS]",
	.summary = "Remove all containers, images, layers and kept overlays",
	.details = "\nAlso files that belong to subordinate ids, which rm cannot remove.\n",
	.options = purge_options,
	.run = run_purge};
