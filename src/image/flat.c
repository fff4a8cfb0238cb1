/* SPDX-License-Identifier: Apache-2.0 */
#include "image/flat.h"
#include "base/own.h"
#include "sys/spawn.h"

#include <bsd/stdlib.h>
#include <fcntl.h>

bool flat_is_needed(const struct host *host)
{
	const char *said = getenv("GUSCIO_NO_OVERLAY");
	return (said && said[0] && said[0] != '0') || host->kernel_major < 5 ||
	       (host->kernel_major == 5 && host->kernel_minor < 11);
}

static bool merge_one(
	struct unpacker *u, const struct inside *in, const char *layer, int dest_fd, struct err *e)
{
	struct msg answer;
	CLEAN(clean_fd) int layer_fd = open(layer, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* One that is closed to others belongs to a subordinate id: a handle is enough in there. */
	if (layer_fd < 0 && errno == EACCES)
		layer_fd = open(layer, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (layer_fd < 0)
		return err_sys(e, "open '%s'", layer);
	const struct unpack_job job = {
		.kind = UNPACK_MERGE, .archive_fd = layer_fd, .dest_fd = dest_fd, .more_fd = -1};
	return unpacker_do(u, in, &job, &answer, e);
}

bool flat_make(struct store *store, const struct inside *in, const char *map,
	const struct strv *layers, const char **ret_path, int *ret_fd, struct err *e)
{
	struct unpacker unpacker = UNPACKER_INIT;
	CLEAN(clean_fd) int dest_fd = -1;
	const char *path;
	sigset_t before;
	const char *random = arena_printf(store->arena, "%08x%08x", arc4random(), arc4random());
	if (!store_begin_layer(store, map, random, &path, &dest_fd, e))
		return false;
	signals_hold(&before);
	bool ok = unpacker_start(&unpacker, in, e);
	for (size_t i = layers->n; ok && i-- > 0;)
		ok = merge_one(&unpacker, in, layers->v[i], dest_fd, e);
	struct err ignored;
	if (!ok)
		unpacker_stop(&unpacker); /* its job may still write there */
	if (!ok)
		unpacker_remove(&unpacker, in, path, &ignored);
	unpacker_stop(&unpacker);
	signals_release(&before);
	if (!ok)
		return err_what(e, ERR_HOST, "cannot copy the image to '%s'", path);
	*ret_path = path;
	*ret_fd = TAKE_FD(dest_fd);
	return true;
}

void flat_remove(const struct inside *in, const char *path)
{
	struct unpacker unpacker = UNPACKER_INIT;
	struct err ignored;
	unpacker_remove(&unpacker, in, path, &ignored);
	unpacker_stop(&unpacker);
}
