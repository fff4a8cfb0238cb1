/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_root.h"
#include "base/own.h"
#include "base/text.h"
#include "cmd/life.h"
#include "cmd/progress.h"
#include "cmd/source.h"
#include "image/flat.h"
#include "image/pull.h"
#include "spec/document.h"
#include "spec/mount_options.h"
#include "spec/options.h"
#include "spec/port_text.h"

#include <fcntl.h>
#include <string.h>

static bool pull(struct invocation *to, const struct host *host, struct store *store,
	const struct reference *reference, struct store_image *ret, struct err *e)
{
	struct inside in = inside_of(&to->spec, host, to->notes);
	struct bars bars;
	struct pull_options options = {.remote = to->source.remote,
		.platform = to->source.platform,
		.watch = progress_watch(&bars, to->source.is_quiet)};
	const char *map;
	bool has_changed;
	if (!inside_map(&in, &map, e))
		return err_what(e, e->kind, "cannot pull '%s'", reference->name);
	return pull_image(store, &in, map, reference, &options, ret, &has_changed, e);
}

/* Is the image that is here for the platform that was asked for? */
static bool is_for_platform(
	struct invocation *to, const struct store_image *image, bool *ret, struct err *e)
{
	struct platform wanted;
	struct manifest manifest;
	struct image_config config;
	*ret = true;
	if (!to->source.platform)
		return true;
	if (!platform_parse(&to->arena, to->source.platform, &wanted, e) ||
		!store_read_manifest(image, &to->arena, &manifest, e) ||
		!store_read_config(image, &manifest, &to->arena, &config, e))
		return false;
	*ret = platform_matches(&config.platform, &wanted, wanted.variant[0]);
	return true;
}

static bool find_or_pull(struct invocation *to, const struct host *host, struct store *store,
	struct store_image *ret, struct err *e)
{
	const char *name = to->spec.root.path;
	const char *when = to->source.pull ? to->source.pull : "missing";
	struct reference reference;
	struct err not_a_name = ERR_INIT;
	bool is_always = !strcmp(when, "always") || !strcmp(when, "newer");
	bool is_right = true;
	if (!store_find(store, name, ret, e) ||
		(ret->digest && !is_for_platform(to, ret, &is_right, e)))
		return false;
	if (ret->digest && is_right && !is_always)
		return true;
	if (!strcmp(when, "never")) {
		err_what(e, ERR_STATE, "there is no image '%s'%s%s here", name,
			is_right ? "" : " for ", is_right ? "" : to->source.platform);
		return err_hint(e, "get it with guscio pull, or run without --pull=never");
	}
	/* An id is here or nowhere. */
	if (!reference_parse(store->arena, name, &reference, &not_a_name))
		return ret->digest || (*e = not_a_name, false);
	struct store_image found = *ret;
	if (pull(to, host, store, &reference, ret, e))
		return true;
	/* A typo in a file's name looks like an image that is missing. */
	if (!found.digest && !strpbrk(name, "/:@"))
		err_hint(e, "no file or directory here is called '%s' either", name);
	/* "newer" is a wish: without a network the one that is there will do. */
	if (!found.digest || strcmp(when, "newer"))
		return false;
	notes_add(to->notes, "%s; the image that is here is used", e->cause);
	*e = (struct err)ERR_INIT;
	*ret = found;
	return true;
}

/* The image's variables, below the user's and above the defaults. */
static void settle_environment(struct invocation *to, const struct image_config *config)
{
	struct spec defaults;
	struct strv *env = &to->spec.process.env;
	spec_init(&defaults, &to->arena);
	for (size_t i = 0; i < config->env.n; i++) {
		const char *entry = config->env.v[i];
		size_t n = strcspn(entry, "=");
		if (n == 0 || !entry[n])
			continue;
		const char *name = arena_strndup(&to->arena, entry, n);
		const char *set = strv_env(env, name);
		const char *usual = strv_env(&defaults.process.env, name);
		if (!set || (usual && !strcmp(set, usual)))
			strv_env_set(&to->arena, env, entry);
	}
}

static void settle_program(struct invocation *to, const struct image_config *config)
{
	struct process_spec *process = &to->spec.process;
	struct strv typed = process->args;
	process->args = (struct strv){0};
	bool has_entrypoint = to->entrypoint != NULL;
	for (size_t i = 0; !has_entrypoint && i < config->entrypoint.n; i++)
		strv_add(&to->arena, &process->args, config->entrypoint.v[i]);
	/* Its own arguments belong to its own program only. */
	const struct strv *rest = to->has_command || has_entrypoint ? &typed : &config->cmd;
	for (size_t i = 0; i < rest->n; i++)
		strv_add(&to->arena, &process->args, rest->v[i]);
}

static void annotate(struct invocation *to, const char *key, const char *value)
{
	struct spec *spec = &to->spec;
	if (value[0] && !strv_env(&spec->annotations, key))
		strv_add(&to->arena, &spec->annotations,
			arena_printf(&to->arena, "%s=%s", key, value));
}

static void settle_annotations(struct invocation *to, const struct image_config *config)
{
	const char *ports = "";
	for (size_t i = 0; i < config->labels.n; i++) {
		const char *entry = config->labels.v[i];
		size_t n = strcspn(entry, "=");
		annotate(to, arena_strndup(&to->arena, entry, n), entry + n + 1);
	}
	for (size_t i = 0; i < config->exposed_ports.n; i++)
		ports = arena_printf(
			&to->arena, "%s%s%s", ports, i ? "," : "", config->exposed_ports.v[i]);
	annotate(to, "org.opencontainers.image.os", config->platform.os);
	annotate(to, "org.opencontainers.image.architecture", config->platform.architecture);
	annotate(to, "org.opencontainers.image.author", config->author);
	annotate(to, "org.opencontainers.image.created", config->created);
	annotate(to, "org.opencontainers.image.exposedPorts", ports);
}

static bool has_mount(const struct spec *spec, const char *destination)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (!strcmp(spec->mounts[i].destination, destination))
			return true;
	return false;
}

/* Before what the user mounts below it. */
static struct mount_spec *add_above(struct invocation *to, const char *path)
{
	struct spec *spec = &to->spec;
	size_t n = strlen(path), at = 0;
	ARENA_APPEND(&to->arena, spec->mounts, spec->n_mounts);
	while (at + 1 < spec->n_mounts && !(text_starts(spec->mounts[at].destination, path) &&
						  spec->mounts[at].destination[n] == '/'))
		at++;
	memmove(&spec->mounts[at + 1], &spec->mounts[at],
		(spec->n_mounts - 1 - at) * sizeof(spec->mounts[0]));
	return &spec->mounts[at];
}

/*
 * Volumes are places that stay writable, and that outlive the root's changes. In the
 * foreground, with a root that can be written to, the root itself does as well.
 */
static void settle_volumes(struct invocation *to, const struct image_config *config)
{
	static const char *const options[] = {"rbind", "rprivate", "nosuid", "nodev"};
	bool wants_volumes = to->spec.root.readonly || life_is_wanted(to);
	for (size_t i = 0; wants_volumes && i < config->volumes.n; i++) {
		char path[1024];
		if (!text_path_clean(config->volumes.v[i], path, sizeof(path)) ||
			!strcmp(path, "/") || has_mount(&to->spec, path))
			continue;
		struct mount_spec *m = add_above(to, arena_strdup(&to->arena, path));
		*m = (struct mount_spec){.destination = arena_strdup(&to->arena, path),
			.type = "bind",
			.source = MOUNT_ANONYMOUS};
		for (size_t k = 0; k < ARRAY_LEN(options); k++)
			strv_add(&to->arena, &m->options, options[k]);
	}
}

/* Looked at only when asked for: an image that says nonsense still runs. */
static bool settle_ports(struct invocation *to, const struct image_config *config, struct err *e)
{
	for (size_t i = 0; to->spec.publish_all && i < config->exposed_ports.n; i++)
		if (!spec_add_exposed(&to->spec, config->exposed_ports.v[i], e))
			return false;
	return true;
}

static bool apply_config(struct invocation *to, const struct image_config *config, struct err *e)
{
	struct spec *spec = &to->spec;
	settle_environment(to, config);
	settle_program(to, config);
	settle_annotations(to, config);
	settle_volumes(to, config);
	if (!settle_ports(to, config, e))
		return false;
	if (!spec->process.user[0] && config->user[0])
		spec->process.user = config->user;
	if (!to->has_workdir && config->working_dir[0] == '/')
		spec->process.cwd = config->working_dir;
	if (!to->has_stop_signal && config->stop_signal[0])
		return spec_set_stop_signal(spec, config->stop_signal, e);
	return true;
}

static bool check_platform(struct invocation *to, const struct image_config *config, struct err *e)
{
	struct platform own;
	if (!platform_parse(&to->arena, "", &own, e))
		return false;
	if (config->platform.os[0] && strcmp(config->platform.os, own.os)) {
		err_msg(e, ERR_INPUT, "it is for %s", config->platform.os);
		return err_what(e, ERR_INPUT, "cannot run '%s'", to->spec.root.path);
	}
	if (config->platform.architecture[0] &&
		strcmp(config->platform.architecture, own.architecture))
		notes_add(to->notes, "the image is for %s, this machine is %s",
			platform_text(&to->arena, &config->platform),
			platform_text(&to->arena, &own));
	return true;
}

bool image_settle(struct invocation *to, const struct host *host, struct err *e)
{
	CLEAN(store_close) struct store store = STORE_INIT;
	struct store_image image;
	struct manifest manifest;
	struct image_config config;
	if (to->spec.root.kind != ROOT_IMAGE || to->bundle)
		return true;
	if (!source_open(to, host, true, &store, e) || !find_or_pull(to, host, &store, &image, e))
		return false;
	if (!store_read_manifest(&image, &to->arena, &manifest, e) ||
		!store_read_config(&image, &manifest, &to->arena, &config, e))
		return err_what(e, ERR_INPUT, "cannot use the image '%s'", to->spec.root.path);
	/* From here on it is this image, whatever its name may come to mean. */
	to->image_digest = image.digest;
	return check_platform(to, &config, e) && apply_config(to, &config, e);
}

/* Said once a storage: who knows it need not read it at each start. */
static void note_flat(struct invocation *to, const struct store *store)
{
	const char *marker = arena_printf(&to->arena, "%s/.flat", store->layers_path);
	int fd = open(marker, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	close(fd);
	notes_add(
		to->notes, "no overlays here: each container of an image starts with a copy of it");
}

static bool flatten(struct invocation *to, const struct inside *in, struct store *store,
	const char *map, struct err *e)
{
	struct root_spec *root = &to->spec.root;
	if (root->overlay == OVERLAY_KEPT) {
		err_msg(e, ERR_HOST, "there are no overlays here");
		return err_what(e, ERR_HOST, "cannot keep changes as '%s'", root->overlay_name);
	}
	note_flat(to, store);
	if (to->explain)
		return true;
	if (!flat_make(store, in, map, &root->layers, &to->flat_path, &to->flat_fd, e))
		return false;
	root->kind = ROOT_DIR;
	root->path = to->flat_path;
	root->overlay = OVERLAY_NONE;
	return true;
}

void image_done(struct invocation *to, const struct host *host)
{
	struct inside in = inside_of(&to->spec, host, to->notes);
	if (to->flat_path)
		flat_remove(&in, to->flat_path);
	clean_fd(&to->flat_fd);
}

static const char *container_directory(struct invocation *to, const struct host *host)
{
	return arena_printf(&to->arena, "%s/containers/%s", host->data_dir, to->spec.id);
}

/* Busy until the lease is there: in between nobody can take the layers away. */
bool image_layers(struct invocation *to, const struct host *host, struct err *e)
{
	CLEAN(store_close) struct store store = STORE_INIT;
	CLEAN(clean_fd) int lock_fd = -1;
	struct store_image image;
	struct manifest manifest;
	struct image_config config;
	struct bars bars;
	struct inside in = inside_of(&to->spec, host, to->notes);
	struct strv *layers = &to->spec.root.layers;
	const char *map, *name = to->image_digest ? to->image_digest : to->spec.root.path;
	if (!inside_map(&in, &map, e))
		return err_what(e, e->kind, "cannot use the image '%s'", to->spec.root.path);
	if (!source_open(to, host, true, &store, e) || !store_lock_busy(&store, &lock_fd, e) ||
		!store_get(&store, name, &image, e) || !store_lease(&image, &to->lease_fd, e) ||
		(to->spec.stays && !store_lease_for(&image, container_directory(to, host), e)))
		return false;
	bool ok = store_read_manifest(&image, &to->arena, &manifest, e) &&
		  store_read_config(&image, &manifest, &to->arena, &config, e);
	struct err missing = ERR_INIT;
	if (ok && !layers_paths(&store, map, &config, &to->arena, layers, &missing))
		ok = pull_view(&store, &in, map, &image, &config, &manifest,
			     progress_watch(&bars, to->source.is_quiet), e) &&
		     layers_paths(&store, map, &config, &to->arena, layers, e);
	if (ok && !layers->n)
		ok = err_msg(e, ERR_INPUT, "it has no layers");
	if (ok && flat_is_needed(host))
		ok = flatten(to, &in, &store, map, e);
	if (ok || e->what[0])
		return ok;
	return err_what(e, ERR_INPUT, "cannot use the image '%s'", to->spec.root.path);
}
