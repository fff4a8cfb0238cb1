/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/child.h"
#include "base/own.h"
#include "sys/mount.h"
#include "sys/path.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Takes over a detached mount as the root. */
static bool place_root(struct child *child, int mount_fd, struct err *e)
{
	if (!mount_attach_over_root(mount_fd, e)) {
		close(mount_fd);
		return false;
	}
	child->root_fd = mount_fd;
	return true;
}

bool child_root_bind(struct child *child, const struct step *step, struct err *e)
{
	/* No device file that root once made in this directory opens a device. */
	static const struct mount_change change = {
		.attr_set = MOUNT_ATTR_NODEV, .propagation = MS_PRIVATE, .recursive = true};
	(void)step;
	return mount_change(child->slots[0], &change, e) &&
	       place_root(child, TAKE_FD(child->slots[0]), e);
}

bool child_root_tmpfs(struct child *child, const struct step *step, struct err *e)
{
	char *const data[] = {"mode=755"};
	int fd;
	(void)step;
	return mount_new("tmpfs", data, 1, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID, &fd, e) &&
	       place_root(child, fd, e);
}

/* The overlay's root takes owner and mode from the upper directory: give it the lower one's. */
static bool copy_root_attributes(int from_fd, int to_fd, struct err *e)
{
	struct stat st;
	if (fstat(from_fd, &st) < 0)
		return err_sys(e, "look at the lower directory");
	/* An owner that is not mapped cannot be given; the mode then belongs to root. */
	if (fchownat(to_fd, "", st.st_uid, st.st_gid, AT_EMPTY_PATH) < 0 && errno != EINVAL &&
		errno != EPERM)
		return err_sys(e, "own the upper directory");
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", to_fd);
	if (chmod(path, st.st_mode & 07777) < 0 && errno != EPERM)
		return err_sys(e, "set the mode of the upper directory");
	return true;
}

static bool make_directory(int dir_fd, const char *name, int *ret_fd, struct err *e)
{
	if (mkdirat(dir_fd, name, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "make directory '%s' of an overlay", name);
	int fd = openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open directory '%s' of an overlay", name);
	*ret_fd = fd;
	return true;
}

#define LOWER_MAX  256
#define LOWER_SIZE 256 /* fsconfig(2) takes no longer value */

/*
 * By descriptor: no path to quote, and no second look-up of a name. As few as fit go into
 * one option, which every kernel with overlays in user namespaces knows.
 */
static bool list_lower(const struct overlay_parts *parts, char lower[][LOWER_SIZE], char **data,
	size_t *ret_n, struct err *e)
{
	size_t n = (size_t)snprintf(lower[0], LOWER_SIZE, "lowerdir=");
	if (parts->n_lower > LOWER_MAX)
		return err_msg(e, ERR_HOST, "%d lower directories are too many", parts->n_lower);
	for (int i = 0; i < parts->n_lower && n < LOWER_SIZE; i++)
		n += (size_t)snprintf(lower[0] + n, LOWER_SIZE - n, "%s/proc/self/fd/%d",
			i ? ":" : "", parts->lower_fds[i]);
	*ret_n = n < LOWER_SIZE ? 1 : (size_t)parts->n_lower;
	for (size_t i = 0; i < *ret_n; i++) {
		if (*ret_n > 1)
			snprintf(lower[i], LOWER_SIZE, "lowerdir+=/proc/self/fd/%d",
				parts->lower_fds[i]);
		data[i] = lower[i];
	}
	return true;
}

/*
 * overlayfs takes only directories that are attached somewhere in this namespace. Over a layer of
 * an image, which is open by now and has nothing else in it, the mount lies in nobody's way and
 * goes with the old root. A directory of the user's may have in it what is still looked up by
 * its path. "/" hides nothing, since paths begin below what lies there, but that mount has to be
 * taken away again, and that waits for the kernel.
 */
static bool attach_memory(
	int memory_fd, const struct overlay_parts *parts, bool *ret_is_over_root, struct err *e)
{
	struct err ignored;
	*ret_is_over_root =
		!parts->is_image || !mount_attach(memory_fd, parts->lower_fds[0], "", &ignored);
	return !*ret_is_over_root || mount_attach_over_root(memory_fd, e);
}

bool child_make_overlay(const struct overlay_parts *parts, int *ret_fd, struct err *e)
{
	CLEAN(clean_fd) int memory_fd = -1;
	CLEAN(clean_fd) int memory_upper_fd = -1;
	CLEAN(clean_fd) int memory_work_fd = -1;
	int upper_fd = parts->upper_fd, work_fd = parts->work_fd;
	char lower[LOWER_MAX][LOWER_SIZE], upper[64], work[64];
	char *data[LOWER_MAX + 4];
	size_t n = 0;
	bool is_over_root = false;
	if (upper_fd < 0) {
		char *const memory[] = {"mode=700"};
		if (!mount_new("tmpfs", memory, 1, MOUNT_ATTR_NODEV, &memory_fd, e) ||
			!attach_memory(memory_fd, parts, &is_over_root, e) ||
			!make_directory(memory_fd, "upper", &memory_upper_fd, e) ||
			!make_directory(memory_fd, "work", &memory_work_fd, e) ||
			!copy_root_attributes(parts->lower_fds[0], memory_upper_fd, e))
			return false;
		upper_fd = memory_upper_fd;
		work_fd = memory_work_fd;
	}
	if (!list_lower(parts, lower, data, &n, e))
		return false;
	snprintf(upper, sizeof(upper), "upperdir=/proc/self/fd/%d", upper_fd);
	snprintf(work, sizeof(work), "workdir=/proc/self/fd/%d", work_fd);
	data[n++] = upper;
	data[n++] = work;
	data[n++] = (char *)"userxattr";
	if (parts->is_volatile)
		data[n++] = (char *)"volatile";
	bool ok = mount_new("overlay", data, n, MOUNT_ATTR_NODEV, ret_fd, e);
	/*
	 * The overlay has its own hold on the memory now. Left over "/", that mount would come
	 * between the new root and the old one: pivot_root(2) then takes only the upper of the
	 * two away, and "/.." in the container is the host's root.
	 */
	if (ok && is_over_root)
		ok = mount_detach(memory_fd, e);
	if (ok)
		return true;
	if (parts->n_lower > 13)
		err_hint(e, "more than 13 layers need Linux 6.7");
	else if (parts->upper_fd < 0)
		err_hint(e,
			"nothing of the host may be mounted below the directory; and before Linux "
			"6.6 changes can only be kept: --overlay=NAME");
	return false;
}

/* upper and work of a kept overlay; what they hold stays. */
static bool open_kept(
	const char *directory, int lower_fd, struct overlay_parts *parts, struct err *e)
{
	CLEAN(clean_fd) int dir_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	if (dir_fd < 0)
		return err_sys(e, "open '%s'", directory);
	bool is_new = fstatat(dir_fd, "upper", &st, AT_SYMLINK_NOFOLLOW) < 0;
	return make_directory(dir_fd, "upper", &parts->upper_fd, e) &&
	       make_directory(dir_fd, "work", &parts->work_fd, e) &&
	       (!is_new || copy_root_attributes(lower_fd, parts->upper_fd, e));
}

bool child_root_overlay(struct child *child, const struct step *step, struct err *e)
{
	struct overlay_parts parts = {.lower_fds = &child->slots[0],
		.n_lower = step->overlay.n_lower,
		.upper_fd = -1,
		.work_fd = -1};
	const char *directory = step->overlay.directory;
	int fd = -1;
	parts.is_volatile = !directory;
	parts.is_image = child->plan->spec->root.kind == ROOT_IMAGE;
	bool ok = (!directory || open_kept(directory, child->slots[0], &parts, e)) &&
		  child_make_overlay(&parts, &fd, e);
	clean_fd(&parts.upper_fd);
	clean_fd(&parts.work_fd);
	if (!ok)
		return err_what(e, ERR_HOST, "cannot make an overlay over the root");
	return place_root(child, fd, e);
}

static bool mirror_link(struct child *child, const char *path, struct err *e)
{
	char target[PATH_MAX];
	CLEAN(clean_fd) int dir_fd = -1;
	char parent[PATH_MAX];
	const char *name = strrchr(path, '/') + 1;
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return err_sys(e, "read link '%s'", path);
	target[n] = '\0';
	snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path);
	if (!path_make_in_root(child->root_fd, parent, PATH_DIRECTORY, &dir_fd, e))
		return false;
	if (symlinkat(target, dir_fd, name) < 0)
		return err_sys(e, "make link '%s'", path);
	return true;
}

static bool mirror(struct child *child, const char *path, struct err *e)
{
	static const struct mount_change change = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.propagation = MS_PRIVATE,
		.recursive = true};
	CLEAN(clean_fd) int mount_fd = -1;
	CLEAN(clean_fd) int target_fd = -1;
	struct stat st;
	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == EACCES || err_sys(e, "look at '%s'", path);
	if (S_ISLNK(st.st_mode))
		return mirror_link(child, path, e);
	return mount_clone(AT_FDCWD, path, true, &mount_fd, e) &&
	       mount_change(mount_fd, &change, e) &&
	       path_make_in_root(child->root_fd, path,
		       S_ISDIR(st.st_mode) ? PATH_DIRECTORY : PATH_FILE, &target_fd, e) &&
	       mount_attach(mount_fd, target_fd, "", e);
}

bool child_mirror_host(struct child *child, const struct step *step, struct err *e)
{
	for (size_t i = 0; i < step->paths->n; i++)
		if (!mirror(child, step->paths->v[i], e))
			return err_what(e, ERR_HOST, "cannot show the host's '%s' inside",
				step->paths->v[i]);
	return true;
}

static bool make_entry(struct child *child, const struct skeleton_entry *entry, struct err *e)
{
	/* A root of our own in memory: no link in it but those we made. */
	const char *path = entry->path + 1;
	const struct idmaps *ids = &child->plan->ids;
	if (entry->kind == ENTRY_LINK) {
		if (symlinkat(entry->text, child->root_fd, path) < 0 && errno != EEXIST)
			return err_sys(e, "make link '%s'", entry->path);
		return true;
	}
	if (entry->kind == ENTRY_DIRECTORY) {
		if (mkdirat(child->root_fd, path, 0700) < 0 && errno != EEXIST)
			return err_sys(e, "make directory '%s'", entry->path);
		if (fchmodat(child->root_fd, path, entry->mode, 0) < 0)
			return err_sys(e, "set the mode of '%s'", entry->path);
		if (entry->owned_by_user &&
			fchownat(child->root_fd, path, ids->default_uid, ids->default_gid, 0) < 0)
			return err_sys(e, "own '%s'", entry->path);
		return true;
	}
	CLEAN(clean_fd)
	int fd = openat(child->root_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, entry->mode);
	size_t len = strlen(entry->text);
	if (fd < 0 || write(fd, entry->text, len) != (ssize_t)len)
		return err_sys(e, "write '%s'", entry->path);
	return true;
}

bool child_skeleton(struct child *child, const struct step *step, struct err *e)
{
	for (size_t i = 0; i < step->skeleton.n; i++)
		if (!make_entry(child, &step->skeleton.v[i], e))
			return err_what(e, ERR_INTERNAL, "cannot make the root in memory");
	return true;
}
