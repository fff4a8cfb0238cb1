/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume_fill.c - an empty volume gets what the image has at its place
 *
 * A child in the container's root copies it beside the volume's directory, and a rename puts
 * it there: who kills us leaves the volume empty, and the next start fills it. Nobody else may
 * have the volume meanwhile, since the directory under it is another one afterwards.
 */
#include "apply/copy.h"
#include "base/fault.h"
#include "base/own.h"
#include "base/text.h"
#include "cmd/volume.h"
#include "image/flat.h"
#include "store/volume.h"
#include "sys/path.h"

#include <fcntl.h>
#include <string.h>

/* A look without the ids of the container: true where it cannot tell. */
static bool has_place(const char *directory, const char *place)
{
	CLEAN(clean_fd) int fd = -1;
	CLEAN(clean_fd)
	int root_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct err e = ERR_INIT;
	if (root_fd < 0)
		return true;
	return path_open_beneath(root_fd, place + 1, O_PATH | O_NOFOLLOW, &fd, &e) ||
	       e.sys != ENOENT;
}

static bool may_have_content(const struct invocation *to, const char *place)
{
	const struct root_spec *root = &to->spec.root;
	if (root->kind == ROOT_HOST)
		return false;
	/* What a kept overlay has is not looked for here. */
	if (root->overlay == OVERLAY_KEPT && !to->spec.stays)
		return true;
	if (root->kind != ROOT_IMAGE)
		return has_place(root->path, place);
	for (size_t i = 0; i < root->layers.n; i++)
		if (has_place(root->layers.v[i], place))
			return true;
	return false;
}

static bool clear_leftover(
	struct invocation *to, const struct host *host, const char *name, int dir_fd, struct err *e)
{
	struct notes ignored = {0};
	struct inside in = inside_of(&to->spec, host, &ignored);
	const char *path =
		arena_printf(&to->arena, "%s/volumes/%s/" VOLUME_FILLED, host->data_dir, name);
	if (faccessat(dir_fd, VOLUME_FILLED, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return true;
	flat_remove(&in, path);
	return faccessat(dir_fd, VOLUME_FILLED, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ||
	       err_msg(e, ERR_HOST, "something is left in '%s'", path);
}

static bool copy_content(struct invocation *to, const struct host *host, const char *name,
	const char *place, int dir_fd, struct err *e)
{
	/* The start itself says what there is to say about ids. */
	struct notes said_again = {0};
	struct plan plan;
	struct copy_job job = {.keeps_owners = true,
		.keeps_modes = true,
		.may_be_missing = true,
		.follows_link = true,
		.is_content = true,
		.inside = place,
		.outside_dir_fd = dir_fd,
		.outside_name = VOLUME_FILLED,
		.outside_fd = -1};
	return clear_leftover(to, host, name, dir_fd, e) &&
	       plan_build_visit(&to->spec, host, -1, 0, NULL, &plan, &said_again, e) &&
	       copy_run(&plan, &job, &said_again, e);
}

static bool wants_content(const struct invocation *to, const char *place)
{
	return to->spec.userns != USERNS_JOIN && !strv_has(&to->life.unfilled, place) &&
	       may_have_content(to, place);
}

static void keep_lock(struct invocation *to, int fd)
{
	*ARENA_APPEND(&to->arena, to->life.volume_fds, to->life.n_volume_fds) = fd;
}

static bool use_one(struct invocation *to, const struct host *host, const char *name, struct err *e)
{
	int fd = -1;
	if (!volume_use(host->data_dir, name, &fd, e))
		return false;
	keep_lock(to, fd);
	return true;
}

static bool fill_one(struct invocation *to, const struct host *host, const char *name,
	const char *place, struct err *e)
{
	struct volume_filling filling = VOLUME_FILLING_INIT;
	int use_fd = -1;
	bool has_user = false;
	if (!wants_content(to, place))
		return use_one(to, host, name, e);
	if (!volume_begin_filling(host->data_dir, name, &filling, e))
		return false;
	if (filling.is_ours && !volume_has_user(host, name, true, &has_user, e))
		filling.is_ours = false;
	filling.is_ours &= !has_user;
	bool ok = !filling.is_ours || copy_content(to, host, name, place, filling.dir_fd, e);
	if (!ok) {
		clean_fd(&filling.dir_fd);
		clean_fd(&filling.lock_fd);
		return err_what(e, e->kind == ERR_INTERNAL ? ERR_HOST : e->kind,
			"cannot fill volume '%s' from '%s'", name, place);
	}
	fault_point("fill", "copied");
	if (!volume_end_filling(host->data_dir, name, &filling, &use_fd, e))
		return false;
	keep_lock(to, use_fd);
	return true;
}

static bool each_volume(struct invocation *to, const struct host *host, bool fills, struct err *e)
{
	for (size_t i = 0; i < to->spec.n_mounts; i++) {
		const struct mount_spec *m = &to->spec.mounts[i];
		const char *name;
		if (strcmp(m->type, "bind") || !volume_of_path(&to->arena, host, m->source, &name))
			continue;
		bool ok = fills ? fill_one(to, host, name, m->destination, e)
				: use_one(to, host, name, e);
		if (!ok)
			return false;
	}
	return true;
}

bool volumes_fill(struct invocation *to, const struct host *host, struct err *e)
{
	return each_volume(to, host, true, e);
}

bool volumes_hold(struct invocation *to, const struct host *host, struct err *e)
{
	return each_volume(to, host, false, e);
}
