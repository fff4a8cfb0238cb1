/* SPDX-License-Identifier: Apache-2.0 */
/* images.c - what there is: images, image inspect, history, system df */
#include "base/own.h"
#include "base/text.h"
#include "cmd/image_command.h"
#include "cmd/progress.h"
#include "cmd/table.h"

#include <string.h>
#include <time.h>

static void clean_json(json_t **j)
{
	json_decref(*j);
}

static void clean_arena(struct arena *a)
{
	if (a->base)
		arena_done(a);
}

/* "3 weeks ago", as docker says it. */
static const char *since(struct arena *arena, const char *created)
{
	static const struct {
		const char *unit;
		long seconds;
	} units[] = {{"year", 31536000}, {"month", 2592000}, {"week", 604800}, {"day", 86400},
		{"hour", 3600}, {"minute", 60}, {"second", 1}};
	struct tm tm = {0};
	if (!strptime(created, "%Y-%m-%dT%H:%M:%S", &tm))
		return "";
	long passed = (long)(time(NULL) - timegm(&tm));
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (passed >= 2 * units[i].seconds)
			return arena_printf(
				arena, "%ld %ss ago", passed / units[i].seconds, units[i].unit);
	return "now";
}

static int64_t size_of(const struct manifest *manifest)
{
	int64_t bytes = manifest->config.size;
	for (size_t i = 0; i < manifest->n_layers; i++)
		bytes += manifest->layers[i].size;
	return bytes;
}

/* REPOSITORY and TAG of "registry/repository:tag". */
static void split_name(
	struct arena *arena, const char *name, const char **ret_repository, const char **ret_tag)
{
	const char *at = name ? strchr(name, '@') : NULL;
	const char *colon = name && !at ? strrchr(name, ':') : NULL;
	*ret_repository = at	  ? arena_strndup(arena, name, (size_t)(at - name))
			  : colon ? arena_strndup(arena, name, (size_t)(colon - name))
				  : "<none>";
	*ret_tag = colon ? colon + 1 : "<none>";
}

/* Manifest and config of each image live in a memory of their own: there may be many. */
static json_t *row_of(struct image_command *c, const struct store_image *image, struct err *e)
{
	CLEAN(clean_arena) struct arena arena = {0};
	struct manifest manifest;
	struct image_config config;
	const char *repository, *tag;
	char size[16];
	if (!arena_init(&arena, e) || !store_read_manifest(image, &arena, &manifest, e) ||
		!store_read_config(image, &manifest, &arena, &config, e))
		return NULL;
	split_name(&arena, image->name, &repository, &tag);
	progress_size(size_of(&manifest), size, sizeof(size));
	const char *id =
		c->to.is_whole ? image->config : arena_strndup(&arena, image->config + 7, 12);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:b, s:s}", "Repository",
		repository, "Tag", tag, "ID", id, "Digest", image->digest, "CreatedAt",
		config.created, "CreatedSince", since(&arena, config.created), "Size", size,
		"Bytes", (json_int_t)size_of(&manifest), "ReadOnly", image->store != &c->store,
		"Platform", platform_text(&arena, &config.platform));
}

static bool matches_filter(
	const struct store_image *image, const char *filter, bool *ret, struct err *e)
{
	if (!strcmp(filter, "dangling=true"))
		*ret = !image->name;
	else if (!strcmp(filter, "dangling=false"))
		*ret = image->name != NULL;
	else if (text_starts(filter, "reference="))
		*ret = image->name && strstr(image->name, filter + 10);
	else {
		err_what(e, ERR_USAGE, "the filter '%s' is not known", filter);
		return err_hint(e, "dangling=true|false, reference=TEXT");
	}
	return true;
}

static bool is_wanted(
	struct image_command *c, const struct store_image *image, bool *ret, struct err *e)
{
	*ret = true;
	for (size_t i = 0; i < c->to.filters.n && *ret; i++)
		if (!matches_filter(image, c->to.filters.v[i], ret, e))
			return false;
	/* An argument is a name, with or without tag. */
	if (*ret && c->argc > 0) {
		struct reference wanted;
		if (!reference_parse(&c->to.arena, c->argv[0], &wanted, e))
			return false;
		const char *any =
			arena_printf(&c->to.arena, "%s/%s", wanted.registry, wanted.repository);
		size_t n = strlen(any);
		bool has_tag = strrchr(c->argv[0], ':') > strrchr(c->argv[0], '/');
		*ret = image->name &&
		       (has_tag ? !strcmp(image->name, wanted.name)
				: text_starts(image->name, any) && strchr(":@", image->name[n]));
	}
	return true;
}

static const struct column image_columns[] = {{"REPOSITORY", "Repository"}, {"TAG", "Tag"},
	{"IMAGE ID", "ID"}, {"CREATED", "CreatedSince"}, {"SIZE", "Size"}, {0}};

static const struct column digest_columns[] = {{"REPOSITORY", "Repository"}, {"TAG", "Tag"},
	{"DIGEST", "Digest"}, {"IMAGE ID", "ID"}, {"CREATED", "CreatedSince"}, {"SIZE", "Size"},
	{0}};

static bool images(struct image_command *c, struct err *e)
{
	struct store_image *v;
	size_t n;
	CLEAN(clean_json) json_t *rows = json_array();
	if (!store_list(&c->store, &v, &n, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		bool wanted;
		if (!is_wanted(c, &v[i], &wanted, e))
			return false;
		if (!wanted)
			continue;
		json_t *row = row_of(c, &v[i], e);
		if (!row) {
			/* One that is damaged must not hide the others. */
			notes_add(c->to.notes, "'%s' cannot be read: %s",
				v[i].name ? v[i].name : v[i].digest, e->cause);
			*e = (struct err)ERR_INIT;
			continue;
		}
		json_array_append_new(rows, row);
	}
	const char *format = c->to.source.is_quiet && !c->to.format ? "{{.ID}}" : c->to.format;
	return table_print(rows, c->to.has_digests ? digest_columns : image_columns, format,
		c->to.has_no_header, &c->to.arena, e);
}

static int run_images(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return image_command_run(self, argc, argv, notes, 0, 1, IMAGE_READS, images, e);
}

static const struct option_def images_options[] = {OPTIONS_STORE,
	{"all", 'a', NULL, "also those without a name (shown anyway)", set_all},
	{"digests", 0, NULL, "the manifests' digests too", set_digests},
	{"filter", 'f', "KEY=VALUE", "dangling=true|false, reference=TEXT", set_filter},
	{"format", 0, "FORMAT", "json, or a template as {{.ID}}", set_format},
	{"noheading", 'n', NULL, "no heads", set_noheading},
	{"no-trunc", 0, NULL, "whole ids", set_no_trunc},
	{"quiet", 'q', NULL, "only ids", set_quiet}, {0}};

const struct command command_images = {.name = "images",
	.arguments = "[OPTIONS] [NAME[:TAG]]",
	.summary = "List images",
	.details = "\nSIZE is what the image takes packed, as it was transferred.\n",
	.options = images_options,
	.run = run_images};

/* The document of docker image inspect, as far as it has a meaning here. */
static json_t *inspect_one(struct image_command *c, const char *name, struct err *e)
{
	struct arena *arena = &c->to.arena;
	struct store_image image, *v;
	struct manifest manifest;
	CLEAN(clean_free) char *text = NULL;
	size_t size, n;
	if (!store_get(&c->store, name, &image, e) ||
		!store_read_manifest(&image, arena, &manifest, e) ||
		!store_read_blob(image.store, image.config, &text, &size, e) ||
		!store_list(&c->store, &v, &n, e))
		return NULL;
	CLEAN(clean_json) json_t *config = json_loadb(text, size, 0, NULL);
	json_t *tags = json_array(), *digests = json_array();
	for (size_t i = 0; i < n; i++) {
		const char *repository, *tag;
		if (strcmp(v[i].digest, image.digest) || !v[i].name)
			continue;
		split_name(arena, v[i].name, &repository, &tag);
		json_array_append_new(
			strchr(v[i].name, '@') ? digests : tags, json_string(v[i].name));
		if (!strchr(v[i].name, '@'))
			json_array_append_new(digests,
				json_string(arena_printf(arena, "%s@%s", repository, v[i].digest)));
	}
	json_t *layers = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
	json_t *run = json_object_get(config, "config");
	json_t *history = json_object_get(config, "history");
	json_t *row = json_pack(
		"{s:s, s:s, s:o, s:o, s:s, s:I, s:O*, s:O*, s:O*, s:O*, s:O*, s:O*, "
		"s:{s:s, s:O*}, s:O*}",
		"Id", image.config, "Digest", image.digest, "RepoTags", tags, "RepoDigests",
		digests, "ManifestType", manifest.media_type, "Size",
		(json_int_t)size_of(&manifest), "Created", json_object_get(config, "created"),
		"Author", json_object_get(config, "author"), "Architecture",
		json_object_get(config, "architecture"), "Variant",
		json_object_get(config, "variant"), "Os", json_object_get(config, "os"), "Config",
		run, "RootFS", "Type", "layers", "Layers", layers, "History", history);
	if (!row)
		err_msg(e, ERR_INPUT, "its config cannot be read");
	return row;
}

static bool inspect(struct image_command *c, struct err *e)
{
	CLEAN(clean_json) json_t *rows = json_array();
	for (int i = 0; i < c->argc; i++) {
		json_t *row = inspect_one(c, c->argv[i], e);
		if (!row)
			return e->what[0]
				       ? false
				       : err_what(e, ERR_INPUT, "cannot inspect '%s'", c->argv[i]);
		json_array_append_new(rows, row);
	}
	return table_print(
		rows, NULL, c->to.format ? c->to.format : "json", false, &c->to.arena, e);
}

static int run_inspect(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return image_command_run(self, argc, argv, notes, 1, -1, IMAGE_READS, inspect, e);
}

static const struct option_def inspect_options[] = {OPTIONS_STORE,
	{"format", 'f', "FORMAT", "json (the default), or a template as {{.Config.Env}}",
		set_format},
	{0}};

const struct command command_image_inspect = {.name = "inspect",
	.arguments = "[OPTIONS] IMAGE...",
	.summary = "Show what an image says of itself",
	.details = "",
	.options = inspect_options,
	.run = run_inspect};

static const struct column history_columns[] = {{"CREATED", "CreatedSince"},
	{"CREATED BY", "CreatedBy"}, {"SIZE", "Size"}, {"COMMENT", "Comment"}, {0}};

static bool history(struct image_command *c, struct err *e)
{
	struct store_image image;
	struct manifest manifest;
	struct image_config config;
	struct arena *arena = &c->to.arena;
	CLEAN(clean_json) json_t *rows = json_array();
	if (!store_get(&c->store, c->argv[0], &image, e) ||
		!store_read_manifest(&image, arena, &manifest, e) ||
		!store_read_config(&image, &manifest, arena, &config, e))
		return false;
	size_t layer = 0;
	for (size_t i = 0; i < config.n_history; i++) {
		const struct history_entry *h = &config.history[i];
		int64_t bytes = 0;
		char size[16];
		if (!h->is_empty && layer < manifest.n_layers)
			bytes = manifest.layers[layer++].size;
		progress_size(bytes, size, sizeof(size));
		const char *by = h->created_by;
		if (!c->to.is_whole && strlen(by) > 45)
			by = arena_printf(arena, "%.44s…", by);
		json_array_insert_new(rows, 0,
			json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "CreatedAt", h->created,
				"CreatedSince", since(arena, h->created), "CreatedBy", by, "Size",
				size, "Bytes", (json_int_t)bytes, "Comment", h->comment));
	}
	return table_print(rows, history_columns, c->to.format, c->to.has_no_header, arena, e);
}

static int run_history(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return image_command_run(self, argc, argv, notes, 1, 1, IMAGE_READS, history, e);
}

static const struct option_def history_options[] = {OPTIONS_STORE,
	{"format", 0, "FORMAT", "json, or a template as {{.CreatedBy}}", set_format},
	{"noheading", 'n', NULL, "no heads", set_noheading},
	{"no-trunc", 0, NULL, "whole commands", set_no_trunc}, {0}};

const struct command command_history = {.name = "history",
	.arguments = "[OPTIONS] IMAGE",
	.summary = "Show how an image was made",
	.details = "",
	.options = history_options,
	.run = run_history};
