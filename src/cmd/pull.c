/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "cmd/image_command.h"
#include "cmd/progress.h"
#include "image/pull.h"
#include "state/event.h"

#include <string.h>

static bool pull_one(struct image_command *c, const char *text, struct err *e)
{
	struct reference reference;
	struct store_image image;
	struct bars bars;
	struct inside in = image_inside(c);
	struct pull_options options = {.remote = c->to.source.remote,
		.platform = c->to.source.platform,
		.watch = progress_watch(&bars, c->to.source.is_quiet)};
	const char *map;
	bool has_changed;
	if (!reference_parse(&c->to.arena, text, &reference, e) || !inside_map(&in, &map, e) ||
		!pull_image(&c->store, &in, map, &reference, &options, &image, &has_changed, e))
		return false;
	event_of(c->host.data_dir, "image", "pull", reference.name,
		arena_printf(&c->to.arena, "name=%s", reference.name));
	return print_out(arena_printf(&c->to.arena, "%s\n", image.config + 7), e);
}

static bool pull(struct image_command *c, struct err *e)
{
	for (int i = 0; i < c->argc; i++)
		if (!pull_one(c, c->argv[i], e))
			return false;
	return true;
}

static int run(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return image_command_run(self, argc, argv, notes, 1, -1, IMAGE_WRITES, pull, e);
}

static const struct option_def options[] = {OPTIONS_STORE, OPTIONS_REMOTE,
	{"platform", 0, "OS/ARCH[/VARIANT]", "the image for this platform", set_platform},
	{"quiet", 'q', NULL, "no progress, only the image's id", set_quiet},
	{"userns", 0, "MODE", "unpack for containers with auto, keep-id or single", set_userns},
	{0}};

const struct command command_pull = {.name = "pull",
	.arguments = "[OPTIONS] IMAGE...",
	.summary = "Bring images from a registry",
	.details = "\nIMAGE is [REGISTRY/]NAME[:TAG|@DIGEST], by docker's rules: without "
		   "registry docker.io,\n"
		   "without tag latest. What is there already is not transferred again.\n",
	.options = options,
	.run = run};
