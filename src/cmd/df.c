/* SPDX-License-Identifier: Apache-2.0 */
/* df.c - system df and system prune: what images, containers and volumes take, and its end */
#include "base/own.h"
#include "base/text.h"
#include "cmd/container_text.h"
#include "cmd/image_command.h"
#include "cmd/network.h"
#include "cmd/progress.h"
#include "cmd/table.h"
#include "cmd/volume.h"
#include "image/unpacker.h"
#include "store/volume.h"
#include "sys/files.h"

#include <fcntl.h>
#include <string.h>

struct part {
	const char *type;
	size_t total, active;
	int64_t bytes, free_bytes; /* free: what nobody needs at the moment */
	json_t *rows;		   /* one by one, for -v */
};

struct usage {
	struct image_command *c;
	struct inside in;
	struct unpacker unpacker; /* started for the first tree that we cannot look into */
	struct part images, containers, volumes;
	size_t layers;
};

static void clean_usage(struct usage *u)
{
	unpacker_stop(&u->unpacker);
	json_decref(u->images.rows);
	json_decref(u->containers.rows);
	json_decref(u->volumes.rows);
}

static int64_t size_of(void *data, const char *path)
{
	struct usage *u = data;
	int64_t bytes;
	struct err e = ERR_INIT;
	if (files_tree_size(AT_FDCWD, path, &bytes))
		return bytes;
	if (!unpacker_measure(&u->unpacker, &u->in, path, &bytes, &e))
		notes_add(u->c->to.notes, "the size of '%s' is not whole: %s", path, e.cause);
	return bytes;
}

static const char *human(struct usage *u, int64_t bytes)
{
	char text[16];
	progress_size(bytes, text, sizeof(text));
	return arena_strdup(&u->c->to.arena, text);
}

static bool measure_images(struct usage *u, struct err *e)
{
	struct store_usage found = {0};
	u->images.type = "Images";
	if (!u->c->store.is_new && !store_measure(&u->c->store, size_of, u, &found, e))
		return false;
	u->images.total = found.images;
	u->images.active = found.active;
	u->images.bytes = found.bytes;
	u->images.free_bytes = found.bytes - found.active_bytes;
	u->layers = found.layers;
	return true;
}

static void add_container(struct usage *u, const struct container *record)
{
	struct arena *arena = &u->c->to.arena;
	bool is_up = container_is_up(record);
	int64_t bytes = size_of(
		u, arena_printf(arena, "%s/containers/%s", u->c->host.data_dir, record->id));
	u->containers.total++;
	u->containers.active += is_up;
	u->containers.bytes += bytes;
	u->containers.free_bytes += is_up ? 0 : bytes;
	json_array_append_new(u->containers.rows,
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "ContainerID",
			arena_strndup(arena, record->id, 12), "Image", record->image, "Names",
			record->name, "Status", container_status(arena, record), "Size",
			human(u, bytes), "LocalVolumes", record->mounts, "SizeBytes",
			(json_int_t)bytes));
}

static bool measure_containers(struct usage *u, struct err *e)
{
	CLEAN(clean_fd) int all_fd = -1;
	struct strv ids = {0};
	u->containers.type = "Containers";
	if (!containers_open(u->c->host.data_dir, false, &all_fd, e) ||
		!container_list(all_fd, &u->c->to.arena, &ids, e))
		return false;
	for (size_t i = 0; i < ids.n; i++) {
		struct container record;
		struct err spoilt = ERR_INIT;
		if (container_read(all_fd, ids.v[i], &u->c->to.arena, &record, &spoilt))
			add_container(u, &record);
		else if (spoilt.kind == ERR_INPUT)
			notes_add(u->c->to.notes, "%s: %s", spoilt.what, spoilt.cause);
	}
	return true;
}

static bool measure_volumes(struct usage *u, struct err *e)
{
	struct arena *arena = &u->c->to.arena;
	const char *data_dir = u->c->host.data_dir;
	struct strv names = {0};
	u->volumes.type = "Local Volumes";
	if (!volume_list(data_dir, arena, &names, e))
		return false;
	for (size_t i = 0; i < names.n; i++) {
		bool is_used;
		int64_t bytes = size_of(
			u, arena_printf(arena, "%s/volumes/%s/_data", data_dir, names.v[i]));
		if (!volume_has_user(&u->c->host, names.v[i], false, &is_used, e))
			return false;
		u->volumes.total++;
		u->volumes.active += is_used;
		u->volumes.bytes += bytes;
		u->volumes.free_bytes += is_used ? 0 : bytes;
		json_array_append_new(u->volumes.rows,
			json_pack("{s:s, s:b, s:s, s:I}", "VolumeName", names.v[i], "InUse",
				is_used, "Size", human(u, bytes), "SizeBytes", (json_int_t)bytes));
	}
	return true;
}

/* Each name is a row; the size is that of its blobs, as guscio images says it. */
static bool list_images(struct usage *u, struct err *e)
{
	struct store_image *v;
	size_t n = 0;
	if (!u->c->store.is_new && !store_list(&u->c->store, &v, &n, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct manifest manifest;
		if (v[i].store != &u->c->store)
			continue;
		if (!store_read_manifest(&v[i], &u->c->to.arena, &manifest, e))
			return false;
		int64_t bytes = manifest.config.size;
		for (size_t k = 0; k < manifest.n_layers; k++)
			bytes += manifest.layers[k].size;
		json_array_append_new(u->images.rows,
			json_pack("{s:s, s:s, s:b, s:s, s:I}", "Name",
				v[i].name ? v[i].name : "<none>", "ImageID",
				arena_strndup(&u->c->to.arena, v[i].config + 7, 12), "InUse",
				store_is_leased(&u->c->store, v[i].digest), "Size", human(u, bytes),
				"SizeBytes", (json_int_t)bytes));
	}
	return true;
}

static bool measure(struct usage *u, struct err *e)
{
	u->in = image_inside(u->c);
	struct part *parts[] = {&u->images, &u->containers, &u->volumes};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		parts[i]->rows = json_array();
	return measure_images(u, e) && measure_containers(u, e) && measure_volumes(u, e);
}

static json_t *row_of(struct usage *u, const struct part *part)
{
	struct arena *arena = &u->c->to.arena;
	const char *reclaimable = human(u, part->free_bytes);
	if (part->bytes > 0)
		reclaimable = arena_printf(arena, "%s (%lld%%)", reclaimable,
			(long long)(part->free_bytes * 100 / part->bytes));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "Type", part->type, "TotalCount",
		arena_printf(arena, "%zu", part->total), "Active",
		arena_printf(arena, "%zu", part->active), "Size", human(u, part->bytes),
		"Reclaimable", reclaimable, "SizeBytes", (json_int_t)part->bytes,
		"ReclaimableBytes", (json_int_t)part->free_bytes);
}

static const struct column df_columns[] = {{"TYPE", "Type"}, {"TOTAL", "TotalCount"},
	{"ACTIVE", "Active"}, {"SIZE", "Size"}, {"RECLAIMABLE", "Reclaimable"}, {0}};
static const struct column image_columns[] = {
	{"NAME", "Name"}, {"IMAGE ID", "ImageID"}, {"SIZE", "Size"}, {0}};
static const struct column container_columns[] = {{"CONTAINER ID", "ContainerID"},
	{"IMAGE", "Image"}, {"LOCAL VOLUMES", "LocalVolumes"}, {"SIZE", "Size"},
	{"STATUS", "Status"}, {"NAMES", "Names"}, {0}};
static const struct column volume_columns[] = {
	{"VOLUME NAME", "VolumeName"}, {"SIZE", "Size"}, {0}};

static bool print_details(struct usage *u, struct err *e)
{
	struct arena *arena = &u->c->to.arena;
	if (!list_images(u, e))
		return false;
	if (u->c->to.format && !strcmp(u->c->to.format, "json")) {
		json_t *rows = json_pack("{s:O, s:O, s:O}", "Images", u->images.rows, "Containers",
			u->containers.rows, "Volumes", u->volumes.rows);
		bool ok = table_print(rows, NULL, "json", false, arena, e);
		json_decref(rows);
		return ok;
	}
	if (u->c->to.format)
		return err_what(e, ERR_USAGE, "--verbose goes with --format json only");
	return print_out("Images space usage:\n\n", e) &&
	       table_print(u->images.rows, image_columns, NULL, false, arena, e) &&
	       print_out("\nContainers space usage:\n\n", e) &&
	       table_print(u->containers.rows, container_columns, NULL, false, arena, e) &&
	       print_out("\nLocal Volumes space usage:\n\n", e) &&
	       table_print(u->volumes.rows, volume_columns, NULL, false, arena, e);
}

static bool df(struct image_command *c, struct err *e)
{
	CLEAN(clean_usage) struct usage u = {.c = c, .unpacker = UNPACKER_INIT};
	if (!measure(&u, e))
		return false;
	if (c->to.is_verbose)
		return print_details(&u, e);
	json_t *rows = json_array();
	json_array_append_new(rows, row_of(&u, &u.images));
	json_object_set_new(json_array_get(rows, 0), "Layers", json_integer((json_int_t)u.layers));
	json_array_append_new(rows, row_of(&u, &u.containers));
	json_array_append_new(rows, row_of(&u, &u.volumes));
	bool ok = table_print(rows, df_columns, c->to.format, false, &c->to.arena, e);
	json_decref(rows);
	return ok;
}

static int64_t bytes_of(struct image_command *c, struct err *e)
{
	CLEAN(clean_usage) struct usage u = {.c = c, .unpacker = UNPACKER_INIT};
	if (!measure(&u, e))
		return -1;
	return u.images.bytes + u.containers.bytes + u.volumes.bytes;
}

static bool run_quietly_sure(const struct command *command, struct image_command *c, struct err *e)
{
	char force[] = "--force";
	char *argv[] = {force, NULL};
	return command->run(command, 1, argv, c->to.notes, e) == 0;
}

/* Containers first: what they had is then had by nobody. */
static bool prune(struct image_command *c, struct err *e)
{
	int64_t ignored;
	const char *question = arena_printf(&c->to.arena,
		"Remove all containers that do not run, networks without containers, %s%s?",
		c->to.all ? "images that no container has" : "images without a name",
		c->to.life.with_volumes ? ", and volumes without a name that no container has"
					: "");
	if (!image_confirm(c, question, e))
		return false;
	int64_t before = bytes_of(c, e);
	if (before < 0 || !run_quietly_sure(&command_container_prune, c, e) ||
		(c->to.life.with_volumes && !run_quietly_sure(&command_volume_prune, c, e)) ||
		!run_quietly_sure(&command_network_prune, c, e) || !images_prune(c, &ignored, e))
		return false;
	int64_t after = bytes_of(c, e);
	return after >= 0 && print_out(arena_printf(&c->to.arena, "Total reclaimed space: %s\n",
					       human(&(struct usage){.c = c}, before - after)),
				     e);
}

#define RUN(function, action)                                                                      \
	static int function(const struct command *self, int argc, char **argv,                     \
		struct notes *notes, struct err *e)                                                \
	{                                                                                          \
		return image_command_run(self, argc, argv, notes, 0, 0, IMAGE_READS, action, e);   \
	}

RUN(run_df, df)
RUN(run_prune, prune)

static bool set_verbose(struct invocation *to, const char *value, struct err *e)
{
	return option_bool(value, "verbose", &to->is_verbose, e);
}

static const struct option_def df_options[] = {OPTIONS_STORE,
	{"format", 0, "FORMAT", "json, or a template as {{.Type}}", set_format},
	{"verbose", 'v', NULL, "each image, container and volume", set_verbose}, {0}};

const struct command command_df = {.name = "df",
	.arguments = "[OPTIONS]",
	.summary = "Show how much images, containers and volumes take",
	.details = "",
	.options = df_options,
	.run = run_df};

static const struct option_def prune_options[] = {OPTIONS_STORE,
	{"all", 'a', NULL, "every image that no container has, not only those without a name",
		set_all},
	{"force", 'f', NULL, "do not ask", set_force},
	{"volumes", 0, NULL, "also volumes without a name that no container has", set_volumes},
	{0}};

const struct command command_system_prune = {.name = "system prune",
	.arguments = "[OPTIONS]",
	.summary = "Remove containers, networks and images that nobody uses",
	.details = "",
	.options = prune_options,
	.run = run_prune};
