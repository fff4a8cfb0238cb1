/* SPDX-License-Identifier: Apache-2.0 */
#include "image/push.h"
#include "base/own.h"

#include <string.h>

struct push {
	const struct store *store;
	struct fetcher fetcher;
	const struct push_options *options;
	struct layer_row *rows;
	size_t n_rows;
};

static void draw(struct push *p, bool is_last)
{
	const struct watch *watch = p->options->watch;
	if (watch)
		watch->draw(watch->data, p->rows, p->n_rows, is_last);
}

static bool submit_blob(struct push *p, size_t number, const struct descriptor *blob, struct err *e)
{
	CLEAN(clean_fd) int fd = -1;
	const char *words = arena_printf(
		p->store->arena, "push-blob %s %lld", blob->digest, (long long)blob->size);
	p->rows[number] = (struct layer_row){
		.digest = blob->digest, .size = blob->size, .state = ROW_DOWNLOADING};
	return store_open_blob(p->store, blob->digest, &fd, e) &&
	       fetcher_submit(&p->fetcher, number, words, &fd, 1, e);
}

static bool push_blobs(struct push *p, const struct manifest *m, struct err *e)
{
	size_t n = m->n_layers + 1, sent = 0, done = 0;
	p->rows = arena_array(p->store->arena, n, sizeof(*p->rows));
	while (done < n) {
		struct msg answer;
		/* A few at a time: each is a connection. */
		while (sent < n && sent - done < 4) {
			const struct descriptor *blob =
				sent < m->n_layers ? &m->layers[sent] : &m->config;
			if (!submit_blob(p, sent, blob, e))
				return false;
			p->n_rows = ++sent;
		}
		if (!fetcher_receive(&p->fetcher, &answer, e))
			return false;
		if (answer.kind == MSG_FAIL)
			return *e = answer.err, false;
		done++;
		if (answer.value < n) {
			struct layer_row *row = &p->rows[answer.value];
			row->done = row->size;
			row->state = strcmp(answer.err.what, "known") ? ROW_DONE : ROW_THERE;
		}
		draw(p, done == n);
	}
	return true;
}

static bool push_manifest(
	struct push *p, const struct store_image *image, const struct reference *to, struct err *e)
{
	CLEAN(clean_fd) int fd = -1;
	struct msg answer;
	const char *words = arena_printf(p->store->arena, "push-manifest %s %lld %s",
		to->digest ? to->digest : to->tag, (long long)image->size, image->media_type);
	return store_open_blob(p->store, image->digest, &fd, e) &&
	       fetcher_do(&p->fetcher, words, &fd, 1, &answer, e);
}

bool push_image(const struct store_image *image, const struct host *host,
	const struct reference *to, const struct push_options *options, struct err *e)
{
	struct arena *arena = image->store->arena;
	struct push p = {.store = image->store, .fetcher = FETCHER_INIT, .options = options};
	struct manifest manifest;
	const char *settings;
	if (to->digest && strcmp(to->digest, image->digest)) {
		err_msg(e, ERR_USAGE, "the image's digest is %s", image->digest);
		return err_what(e, ERR_USAGE, "cannot push '%s'", to->name);
	}
	bool ok = store_read_manifest(image, arena, &manifest, e) &&
		  remote_settings(arena, to, &options->remote, REMOTE_PUSH, &settings, e) &&
		  fetcher_start(&p.fetcher, arena, host, settings, e) &&
		  push_blobs(&p, &manifest, e) && push_manifest(&p, image, to, e);
	fetcher_stop(&p.fetcher);
	if (ok || e->what[0])
		return ok;
	return err_what(
		e, e->kind == ERR_INTERNAL ? ERR_HOST : e->kind, "cannot push '%s'", to->name);
}

bool push_login(struct arena *arena, const struct host *host, const struct reference *registry,
	const struct remote_options *options, struct err *e)
{
	struct fetcher fetcher = FETCHER_INIT;
	struct msg answer;
	const char *settings;
	bool ok = remote_settings(arena, registry, options, REMOTE_LOGIN, &settings, e) &&
		  fetcher_start(&fetcher, arena, host, settings, e) &&
		  fetcher_do(&fetcher, "login", NULL, 0, &answer, e);
	fetcher_stop(&fetcher);
	return ok;
}
