/* SPDX-License-Identifier: Apache-2.0 */
#include "image/layers.h"
#include "base/own.h"
#include "sys/spawn.h"

#include <bsd/stdlib.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#define AT_ONCE 5
#define TICK_MS 100

struct one {
	const struct descriptor *blob;
	const char *diff_id;
	bool wants_blob; /* else it is there */
	bool wants_tree; /* else only its sums are wanted */
	bool is_started, is_finished, is_second_try;
	bool is_fetched, is_unpacked;
	bool was_resumed;
	bool is_spoilt; /* what was there before is wrong: once more when the rest is here */
	int part_fd;	/* locked, as long as the blob is not there */
	int new_fd;	/* locked */
	const char *new_path;
	char plain[65], packed[65];
};

struct work {
	struct layers *l;
	struct one *v;
	size_t n;
	struct layer_row *rows;
	struct unpacker unpacker;
};

static const char *random_name(struct arena *arena)
{
	return arena_printf(arena, "%08x%08x%08x", arc4random(), arc4random(), arc4random());
}

/* Distinct layers that miss something; the same layer twice in an image is one piece of work. */
static bool plan_work(struct work *w, struct err *e)
{
	const struct layers *l = w->l;
	struct arena *arena = l->store->arena;
	if (l->config->diff_ids.n != l->manifest->n_layers)
		return err_msg(e, ERR_INPUT, "the manifest has %zu layers, the config %zu",
			l->manifest->n_layers, l->config->diff_ids.n);
	w->v = arena_array(arena, l->manifest->n_layers + 1, sizeof(*w->v));
	w->rows = arena_array(arena, l->manifest->n_layers + 1, sizeof(*w->rows));
	for (size_t i = 0; i < l->manifest->n_layers; i++) {
		struct one one = {.blob = &l->manifest->layers[i],
			.diff_id = l->config->diff_ids.v[i],
			.part_fd = -1,
			.new_fd = -1};
		bool is_twin = false;
		for (size_t j = 0; j < w->n; j++)
			is_twin |= !strcmp(w->v[j].blob->digest, one.blob->digest) &&
				   !strcmp(w->v[j].diff_id, one.diff_id);
		if (is_twin)
			continue;
		for (size_t j = 0; j < w->n; j++)
			if (!strcmp(w->v[j].blob->digest, one.blob->digest))
				return err_msg(e, ERR_INPUT,
					"the config gives layer %.19s two diff ids",
					one.blob->digest);
		one.wants_blob = !store_has_blob(l->store, one.blob->digest, one.blob->size);
		one.wants_tree = l->map && !store_find_layer(l->store, l->map, one.diff_id);
		one.is_finished = !one.wants_blob && !one.wants_tree;
		if (one.wants_blob && !l->fetcher && !l->provide)
			return err_msg(e, ERR_STATE, "the layer %.19s is not in the storage",
				one.blob->digest);
		w->rows[w->n] = (struct layer_row){.digest = one.blob->digest,
			.size = one.blob->size,
			.state = one.is_finished ? ROW_THERE : ROW_WAITING};
		w->v[w->n++] = one;
	}
	return true;
}

/*
 * Locks in the order of their names, whatever the image's order: two pulls that share
 * layers then never wait for each other in a circle.
 */
static bool lock_parts(struct work *w, struct err *e)
{
	struct store *store = w->l->store;
	const char *before = "";
	for (;;) {
		struct one *next = NULL;
		for (size_t i = 0; i < w->n; i++)
			if (w->v[i].wants_blob && strcmp(w->v[i].blob->digest, before) > 0 &&
				(!next || strcmp(w->v[i].blob->digest, next->blob->digest) < 0))
				next = &w->v[i];
		if (!next)
			return true;
		before = next->blob->digest;
		if (!store_open_part(store, next->blob->digest, &next->part_fd, e))
			return false;
		/* Its owner finished it while we waited. */
		if (store_has_blob(store, next->blob->digest, next->blob->size)) {
			store_drop_part(store, next->blob->digest);
			clean_fd(&next->part_fd);
			next->wants_blob = false;
			next->wants_tree =
				w->l->map && !store_find_layer(store, w->l->map, next->diff_id);
			next->is_finished = !next->wants_tree;
		}
	}
}

static bool open_again(int fd, int *ret, struct err *e)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	*ret = open(path, O_RDONLY | O_CLOEXEC);
	return *ret >= 0 || err_sys(e, "open a blob again");
}

static bool start_fetch(struct work *w, size_t i, int more_fd, struct err *e)
{
	struct one *one = &w->v[i];
	struct stat st;
	if (fstat(one->part_fd, &st) < 0)
		return err_sys(e, "look at a blob");
	if (st.st_size > one->blob->size) {
		st.st_size = 0;
		if (ftruncate(one->part_fd, 0) < 0)
			return err_sys(e, "empty a blob");
	}
	one->was_resumed = st.st_size > 0;
	const char *words = arena_printf(w->l->store->arena, "blob %s %lld %lld", one->blob->digest,
		(long long)one->blob->size, (long long)st.st_size);
	const int fds[] = {one->part_fd, more_fd};
	return fetcher_submit(w->l->fetcher, i, words, fds, 2, e);
}

static bool start_one(struct work *w, size_t i, struct err *e)
{
	struct one *one = &w->v[i];
	struct store *store = w->l->store;
	CLEAN(clean_fd) int archive_fd = -1;
	CLEAN(clean_fd) int more_fd = -1;
	one->is_started = true;
	one->is_fetched = !one->wants_blob;
	one->is_unpacked = false;
	if (one->wants_blob && w->l->provide) {
		one->is_fetched = true;
		if (ftruncate(one->part_fd, 0) < 0)
			return err_sys(e, "empty a blob");
		if (!w->l->provide(w->l->provide_data, one->blob, one->part_fd, e) ||
			!open_again(one->part_fd, &archive_fd, e))
			return false;
	} else if (one->wants_blob) {
		more_fd = eventfd(0, EFD_CLOEXEC);
		if (more_fd < 0)
			return err_sys(e, "make an event descriptor");
		if (!open_again(one->part_fd, &archive_fd, e) || !start_fetch(w, i, more_fd, e))
			return false;
	} else if (!store_open_blob(store, one->blob->digest, &archive_fd, e)) {
		return false;
	}
	const char *map = w->l->map ? w->l->map : "single";
	if (!one->new_path && !store_begin_layer(store, map, random_name(store->arena),
				      &one->new_path, &one->new_fd, e))
		return false;
	const struct unpack_job job = {.number = i,
		.kind = one->wants_tree ? UNPACK_LAYER : UNPACK_HASH,
		.size = one->blob->size,
		.archive_fd = archive_fd,
		.dest_fd = one->new_fd,
		.more_fd = more_fd};
	w->rows[i].state = one->wants_blob ? ROW_DOWNLOADING : ROW_UNPACKING;
	return unpacker_start(&w->unpacker, w->l->in, e) && unpacker_submit(&w->unpacker, &job, e);
}

/* The largest first: the last one to end is then a small one. */
static bool start_some(struct work *w, struct err *e)
{
	for (;;) {
		size_t running = 0;
		struct one *next = NULL;
		for (size_t i = 0; i < w->n; i++) {
			struct one *one = &w->v[i];
			running += one->is_started && !one->is_finished;
			if (!one->is_started && !one->is_finished &&
				(!next || one->blob->size > next->blob->size))
				next = one;
		}
		if (!next || running >= AT_ONCE)
			return true;
		w->l->has_changed = true;
		if (!start_one(w, (size_t)(next - w->v), e))
			return false;
	}
}

static bool name_layer(const struct one *one, struct err *e)
{
	return err_what(e, e->kind ? (enum err_kind)e->kind : ERR_INPUT, "cannot use layer %.19s",
		one->blob->digest);
}

/* What a killed download left, or what the disk made of a blob: once more from the start. */
static bool try_again(struct work *w, size_t i, struct err *e)
{
	struct one *one = &w->v[i];
	struct store *store = w->l->store;
	one->is_second_try = true;
	one->is_spoilt = false;
	if (!one->wants_blob) {
		unlinkat(store->blobs_fd, one->blob->digest + 7, 0);
		one->wants_blob = true;
		if (!store_open_part(store, one->blob->digest, &one->part_fd, e))
			return false;
	}
	if (ftruncate(one->part_fd, 0) < 0)
		return err_sys(e, "empty a blob");
	/* What half an archive made stays in the way of nothing: it has another name. */
	struct err ignored;
	unpacker_remove(&w->unpacker, w->l->in, one->new_path, &ignored);
	clean_fd(&one->new_fd);
	one->new_path = NULL;
	return start_one(w, i, e);
}

static bool may_try_again(const struct work *w, const struct one *one)
{
	return w->l->fetcher && !one->is_second_try && one->is_fetched &&
	       (one->was_resumed || !one->wants_blob);
}

static bool finish_one(struct work *w, size_t i, struct err *e)
{
	struct one *one = &w->v[i];
	struct store *store = w->l->store;
	if (strcmp(one->packed, one->blob->digest + 7)) {
		if (may_try_again(w, one))
			return try_again(w, i, e);
		if (one->wants_blob)
			store_drop_part(store, one->blob->digest);
		err_msg(e, ERR_INPUT, "its bytes have the digest sha256:%.12s…", one->packed);
		return name_layer(one, e);
	}
	if (one->wants_tree && strcmp(one->plain, one->diff_id + 7)) {
		err_msg(e, ERR_INPUT, "unpacked it is sha256:%.12s…, the config says %.19s…",
			one->plain, one->diff_id);
		return name_layer(one, e);
	}
	if (one->wants_blob && !store_keep_part(store, one->blob->digest, one->part_fd, e))
		return false;
	clean_fd(&one->part_fd);
	if (one->wants_tree) {
		if (!store_keep_layer(store, w->l->map, one->new_path, one->diff_id, e))
			return false;
		if (faccessat(AT_FDCWD, one->new_path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			one->new_path = NULL;
	}
	one->is_finished = true;
	w->rows[i].state = ROW_DONE;
	w->rows[i].done = one->blob->size;
	return true;
}

static bool take_fetched(struct work *w, struct err *e)
{
	struct msg m;
	if (!fetcher_receive(w->l->fetcher, &m, e))
		return false;
	if (m.value >= w->n)
		return err_msg(e, ERR_INTERNAL, "guscio-fetch answered for another layer");
	struct one *one = &w->v[m.value];
	if (m.kind == MSG_FAIL) {
		*e = m.err;
		return name_layer(one, e);
	}
	one->is_fetched = true;
	if (one->is_spoilt)
		return try_again(w, (size_t)m.value, e);
	if (w->rows[m.value].state == ROW_DOWNLOADING)
		w->rows[m.value].state = ROW_UNPACKING;
	return !one->is_unpacked || finish_one(w, (size_t)m.value, e);
}

static bool take_unpacked(struct work *w, struct err *e)
{
	struct msg m;
	if (!unpacker_receive(&w->unpacker, &m, w->l->in->notes, e))
		return false;
	if (m.value >= w->n)
		return err_msg(e, ERR_INTERNAL, "guscio-unpack answered for another layer");
	struct one *one = &w->v[m.value];
	if (m.kind == MSG_FAIL) {
		if (may_try_again(w, one))
			return try_again(w, (size_t)m.value, e);
		/* The download still appends to what is to be thrown away: wait for its end. */
		one->is_spoilt = one->was_resumed && !one->is_fetched && !one->is_second_try;
		if (one->is_spoilt)
			return true;
		/* Else the next pull would begin with bytes that are known to be no layer. */
		if (one->wants_blob && m.err.kind == ERR_INPUT)
			store_drop_part(w->l->store, one->blob->digest);
		*e = m.err;
		return name_layer(one, e);
	}
	memcpy(one->plain, m.err.what, sizeof(one->plain));
	memcpy(one->packed, m.err.cause, sizeof(one->packed));
	one->is_unpacked = true;
	return !one->is_fetched || finish_one(w, (size_t)m.value, e);
}

static void draw(struct work *w, bool is_last)
{
	if (!w->l->watch)
		return;
	for (size_t i = 0; i < w->n; i++) {
		struct stat st;
		if (w->v[i].part_fd >= 0 && fstat(w->v[i].part_fd, &st) == 0)
			w->rows[i].done = st.st_size;
	}
	w->l->watch->draw(w->l->watch->data, w->rows, w->n, is_last);
}

static bool is_all_done(const struct work *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (!w->v[i].is_finished)
			return false;
	return true;
}

static bool work_on(struct work *w, struct err *e)
{
	while (!is_all_done(w)) {
		if (!start_some(w, e))
			return false;
		struct pollfd polled[2] = {{.fd = w->unpacker.socket_fd, .events = POLLIN},
			{.fd = w->l->fetcher ? w->l->fetcher->socket_fd : -1, .events = POLLIN}};
		if (poll(polled, 2, TICK_MS) < 0 && errno != EINTR)
			return err_sys(e, "wait for the helpers");
		if (signals_wait_to_end_us())
			return err_msg(e, ERR_STATE, "interrupted");
		/* Fetched before unpacked: the error of the network is the cause of the other. */
		if (polled[1].revents && !take_fetched(w, e))
			return false;
		if (polled[0].revents && !take_unpacked(w, e))
			return false;
		draw(w, false);
	}
	return true;
}

/* What is left of new directories: an unfinished one, or one whose place was taken. */
static void clean_work(struct work *w, bool has_failed, bool is_disk_full)
{
	struct store *store = w->l->store;
	struct err ignored = ERR_INIT;
	/* Its jobs still write where we want to remove. */
	if (has_failed)
		unpacker_stop(&w->unpacker);
	for (size_t i = 0; i < w->n; i++) {
		/* What could go on later takes the room that the user needs now. */
		if (w->v[i].part_fd >= 0 && is_disk_full)
			store_drop_part(store, w->v[i].blob->digest);
		clean_fd(&w->v[i].part_fd);
		if (w->v[i].new_path)
			unpacker_remove(&w->unpacker, w->l->in, w->v[i].new_path, &ignored);
		clean_fd(&w->v[i].new_fd);
	}
	/* What a killed command left, since a helper that can remove it runs anyway. */
	const char *dead;
	while (w->unpacker.is_running && !has_failed && (dead = store_dead_layer(store, NULL)))
		if (!unpacker_remove(&w->unpacker, w->l->in, dead, &ignored))
			break;
	unpacker_stop(&w->unpacker);
}

bool layers_bring(struct layers *l, struct err *e)
{
	struct work w = {.l = l, .unpacker = UNPACKER_INIT};
	bool ok = plan_work(&w, e) && lock_parts(&w, e) && work_on(&w, e);
	if (ok)
		draw(&w, true);
	clean_work(&w, !ok, !ok && (e->sys == ENOSPC || e->sys == EDQUOT));
	/* All files reach the disk before the index that vouches for them. */
	return ok && (!l->has_changed || store_sync(l->store, e));
}

bool layers_paths(const struct store *store, const char *map, const struct image_config *config,
	struct arena *arena, struct strv *ret, struct err *e)
{
	struct strv paths = {0};
	for (size_t i = config->diff_ids.n; i-- > 0;) {
		const char *path = store_find_layer(store, map, config->diff_ids.v[i]);
		if (!path)
			return err_msg(
				e, ERR_STATE, "layer %.19s is not unpacked", config->diff_ids.v[i]);
		/* overlayfs refuses the same directory twice, and the upper one decides. */
		if (!strv_has(&paths, path))
			strv_add(arena, &paths, path);
	}
	*ret = paths;
	return true;
}
