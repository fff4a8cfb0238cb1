/* SPDX-License-Identifier: Apache-2.0 */
#include "image/pull.h"
#include "base/own.h"
#include "sys/files.h"
#include "store/sum.h"
#include "sys/spawn.h"

#include <string.h>
#include <sys/mman.h>

struct document {
	char *text;
	size_t size;
	char digest[SUM_SIZE];
	char type[256];
};

static void clean_document(struct document *d)
{
	free(d->text);
}

/* A small thing from the registry, in memory, with its digest. */
static bool fetch_text(struct fetcher *f, const char *words, struct document *ret, struct err *e)
{
	CLEAN(clean_fd) int fd = memfd_create("document", MFD_CLOEXEC);
	struct msg answer;
	if (fd < 0)
		return err_sys(e, "have memory");
	const int fds[] = {fd};
	if (!fetcher_do(f, words, fds, 1, &answer, e))
		return false;
	if (!files_read_fd(fd, "the answer", IMAGE_JSON_MAX, &ret->text, &ret->size, e))
		return false;
	memcpy(ret->type, answer.err.what, sizeof(ret->type));
	/* A parameter of the type says nothing to us. */
	ret->type[strcspn(ret->type, "; ")] = '\0';
	sum_of(ret->text, ret->size, ret->digest);
	return true;
}

static bool check_digest(
	const struct document *d, const char *digest, const char *what, struct err *e)
{
	return !strcmp(d->digest, digest) ||
	       err_msg(e, ERR_INPUT, "%s has the digest %.19s… instead of %.19s…", what, d->digest,
		       digest);
}

struct pull {
	struct store *store;
	struct fetcher fetcher;
	const struct reference *reference;
	const struct pull_options *options;
	struct document document;
	struct manifest manifest;
};

static bool fetch_manifest(struct pull *p, const char *reference, struct err *e)
{
	struct arena *arena = p->store->arena;
	clean_document(&p->document);
	p->document = (struct document){0};
	if (!fetch_text(
		    &p->fetcher, arena_printf(arena, "manifest %s", reference), &p->document, e))
		return false;
	if (reference_is_digest(reference) &&
		!check_digest(&p->document, reference, "the manifest", e))
		return false;
	return manifest_parse(
		arena, p->document.text, p->document.size, p->document.type, &p->manifest, e);
}

/* Through an index to the image for the platform; an index in an index is followed once. */
static bool resolve_manifest(struct pull *p, struct err *e)
{
	struct arena *arena = p->store->arena;
	struct platform wanted;
	const struct reference *r = p->reference;
	if (!platform_parse(arena, p->options->platform ? p->options->platform : "", &wanted, e) ||
		!fetch_manifest(p, r->digest ? r->digest : r->tag, e))
		return false;
	for (int depth = 0; p->manifest.is_index; depth++) {
		if (depth == 2)
			return err_msg(e, ERR_INPUT, "its index leads to indexes without end");
		const struct manifest_choice *choice =
			manifest_choose(arena, &p->manifest, &wanted, e);
		if (!choice || !fetch_manifest(p, choice->descriptor.digest, e))
			return false;
	}
	return true;
}

static bool bring_config(struct pull *p, struct image_config *ret, struct err *e)
{
	CLEAN(clean_document) struct document d = {0};
	const struct descriptor *config = &p->manifest.config;
	struct store *store = p->store;
	if (config->size > (int64_t)IMAGE_JSON_MAX)
		return err_msg(e, ERR_INPUT, "the config has %lld bytes", (long long)config->size);
	if (store_has_blob(store, config->digest, config->size)) {
		struct err damaged;
		if (store_read_blob(store, config->digest, &d.text, &d.size, &damaged)) {
			sum_of(d.text, d.size, d.digest);
			if (!strcmp(d.digest, config->digest))
				return image_config_parse(store->arena, d.text, d.size, ret, e);
		}
		clean_document(&d);
		d = (struct document){0};
	}
	const char *words = arena_printf(
		store->arena, "blob %s %lld 0", config->digest, (long long)config->size);
	return fetch_text(&p->fetcher, words, &d, e) &&
	       check_digest(&d, config->digest, "the config", e) &&
	       image_config_parse(store->arena, d.text, d.size, ret, e) &&
	       store_write_blob(store, d.text, d.size, config->digest, e);
}

static bool keep_image(struct pull *p, struct store_image *ret, bool *ret_changed, struct err *e)
{
	struct store *store = p->store;
	struct store_image found;
	struct err ignored = ERR_INIT;
	CLEAN(clean_fd) int lock_fd = -1;
	const char *digest = arena_strdup(store->arena, p->document.digest);
	struct store_image image = {.store = store,
		.name = p->reference->name,
		.digest = digest,
		.config = p->manifest.config.digest,
		.media_type = p->manifest.media_type,
		.size = (int64_t)p->document.size};
	*ret = image;
	bool is_same = store_find(store, p->reference->name, &found, &ignored) && found.digest &&
		       !strcmp(found.digest, digest) && found.store == store &&
		       store_has_blob(store, digest, (int64_t)p->document.size);
	if (is_same)
		return true;
	*ret_changed = true;
	if (!store_write_blob(store, p->document.text, p->document.size, digest, e))
		return false;
	if (!store_lock_index(store, &lock_fd, e))
		return false;
	return store_add(store, &image, p->reference->name, e);
}

static bool pull_locked(struct pull *p, const struct inside *in, const char *map,
	struct store_image *ret, bool *ret_changed, struct err *e)
{
	struct image_config config;
	const char *settings;
	struct arena *arena = p->store->arena;
	if (!remote_settings(arena, p->reference, &p->options->remote, REMOTE_PULL, &settings, e) ||
		!fetcher_start(&p->fetcher, arena, in->host, settings, e) ||
		!resolve_manifest(p, e) || !bring_config(p, &config, e))
		return false;
	struct layers layers = {.store = p->store,
		.in = in,
		.map = map,
		.fetcher = &p->fetcher,
		.manifest = &p->manifest,
		.config = &config,
		.watch = p->options->watch};
	if (!layers_bring(&layers, e))
		return false;
	*ret_changed = layers.has_changed;
	return keep_image(p, ret, ret_changed, e);
}

bool pull_image(struct store *store, const struct inside *in, const char *map,
	const struct reference *reference, const struct pull_options *options,
	struct store_image *ret, bool *ret_changed, struct err *e)
{
	struct pull p = {.store = store,
		.fetcher = FETCHER_INIT,
		.reference = reference,
		.options = options};
	CLEAN(clean_fd) int busy_fd = -1;
	sigset_t before;
	if (!store_lock_busy(store, &busy_fd, e))
		return false;
	signals_hold(&before);
	*ret_changed = false;
	bool ok = pull_locked(&p, in, map, ret, ret_changed, e);
	fetcher_stop(&p.fetcher);
	clean_document(&p.document);
	clean_fd(&busy_fd);
	signals_release(&before);
	return ok ||
	       err_what(e, e->kind == ERR_INTERNAL ? ERR_HOST : e->kind, "cannot pull '%s'%s%s",
		       reference->name, e->what[0] ? ": " : "", e->what);
}

bool pull_view(struct store *store, const struct inside *in, const char *map,
	const struct store_image *image, const struct image_config *config,
	const struct manifest *manifest, const struct watch *watch, struct err *e)
{
	struct layers layers = {.store = store,
		.in = in,
		.map = map,
		.manifest = manifest,
		.config = config,
		.watch = watch};
	CLEAN(clean_fd) int busy_fd = -1;
	sigset_t before;
	if (!store_lock_busy(store, &busy_fd, e))
		return false;
	signals_hold(&before);
	bool ok = layers_bring(&layers, e);
	signals_release(&before);
	return ok || err_what(e, e->kind == ERR_INTERNAL ? ERR_HOST : e->kind, "cannot unpack '%s'",
			     image->name ? image->name : image->digest);
}
