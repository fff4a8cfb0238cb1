/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/child.h"
#include "base/own.h"
#include "sys/mount.h"
#include "sys/path.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};

static bool add_device(int dev_fd, const char *name, struct err *e)
{
	static const struct mount_change change = {
		.attr_set = MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID, .propagation = MS_PRIVATE};
	char source[32] = "/dev/";
	CLEAN(clean_fd) int mount_fd = -1;
	struct stat st;
	strcat(source, name);
	if (!mount_clone(AT_FDCWD, source, false, &mount_fd, e))
		return false;
	/* A file that somebody left in its place would be written to by everybody. */
	if (fstat(mount_fd, &st) < 0 || !S_ISCHR(st.st_mode))
		return err_msg(e, ERR_HOST, "the host's '%s' is no character device", source);
	return mount_change(mount_fd, &change, e) && mount_attach(mount_fd, dev_fd, name, e);
}

/* The places to mount devices on: names of one empty file, which costs less than six files. */
static bool make_places(int dev_fd, struct err *e)
{
	if (mknodat(dev_fd, devices[0], S_IFREG | 0666, 0) < 0)
		return err_sys(e, "make '/dev/%s'", devices[0]);
	for (size_t i = 1; i < ARRAY_LEN(devices); i++)
		if (linkat(dev_fd, devices[0], dev_fd, devices[i], 0) < 0)
			return err_sys(e, "make '/dev/%s'", devices[i]);
	return true;
}

/* A mount needs privilege, a device file more than we have: devices are binds of the host's. */
static bool populate_dev(struct child *child, struct err *e)
{
	static const struct {
		const char *name, *target;
	} links[] = {{"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"},
		{"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
		{"core", "/proc/kcore"}, {"ptmx", "pts/ptmx"}};
	static const char *const directories[] = {"pts", "shm", "mqueue"};
	if (!make_places(child->dev_fd, e))
		return err_what(e, ERR_HOST, "cannot make /dev");
	for (size_t i = 0; i < ARRAY_LEN(devices); i++)
		if (!add_device(child->dev_fd, devices[i], e))
			return err_what(e, ERR_HOST, "cannot make /dev/%s", devices[i]);
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (symlinkat(links[i].target, child->dev_fd, links[i].name) < 0)
			return err_sys(e, "make link /dev/%s", links[i].name);
	for (size_t i = 0; i < ARRAY_LEN(directories); i++)
		if (mkdirat(child->dev_fd, directories[i], 0755) < 0)
			return err_sys(e, "make directory /dev/%s", directories[i]);
	/* Before a mount covers it: who opens it by name later gets that mount. */
	child->empty_fd = openat(child->dev_fd, directories[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
	return child->empty_fd >= 0 || err_sys(e, "open directory /dev/%s", directories[0]);
}

/* The detached thing that is going to be mounted. */
static bool make_mount(
	struct child *child, const struct mount_step *mount, int *ret_fd, struct err *e)
{
	const struct mount_flags *flags = &mount->flags;
	switch (mount->from) {
	case MOUNT_FROM_SLOT:
		*ret_fd = TAKE_FD(child->slots[mount->slot]);
		return true;
	case MOUNT_FROM_PATH:
		return mount_clone(AT_FDCWD, mount->source, flags->recursive, ret_fd, e);
	case MOUNT_FROM_FS:
		break;
	}
	if (strcmp(mount->source, "overlay"))
		return mount_new(
			mount->source, flags->data.v, flags->data.n, flags->attr_set, ret_fd, e);
	struct overlay_parts parts = {.lower_fds = &child->slots[mount->slot],
		.n_lower = mount->n_lower,
		.upper_fd = -1,
		.work_fd = -1,
		.is_volatile = !mount->has_upper || strv_has(&flags->data, "volatile")};
	if (mount->has_upper) {
		parts.upper_fd = child->slots[mount->slot + mount->n_lower];
		parts.work_fd = child->slots[mount->slot + mount->n_lower + 1];
	}
	return child_make_overlay(&parts, ret_fd, e);
}

static bool change_mount(const struct mount_step *mount, int mount_fd, struct err *e)
{
	const struct mount_flags *flags = &mount->flags;
	struct mount_change change = {.attr_set = flags->attr_set,
		.attr_clr = flags->attr_clr,
		.propagation = flags->propagation,
		.recursive = flags->recursive_attr};
	/* fsmount() has set the flags already; a new mount has no peers. */
	if (mount->from == MOUNT_FROM_FS && strcmp(mount->source, "overlay"))
		return true;
	if (change.propagation && flags->propagation_recursive != flags->recursive_attr) {
		struct mount_change first = {.propagation = change.propagation,
			.recursive = flags->propagation_recursive};
		if (!mount_change(mount_fd, &first, e))
			return false;
		change.propagation = 0;
	}
	return mount_change(mount_fd, &change, e);
}

/* A kernel or host that lacks this has nothing that could be shown instead. */
static bool is_missing(const struct mount_step *mount, const struct err *e)
{
	return mount->may_be_missing &&
	       (e->sys == ENODEV || e->sys == ENOENT || e->sys == EPERM || e->sys == EINVAL);
}

static bool is_own_file_system(const char *target)
{
	return !strcmp(target, "/proc") || !strcmp(target, "/sys") || !strcmp(target, "/dev");
}

static bool find_target(struct child *child, const struct mount_step *mount, enum path_kind kind,
	int *ret_fd, struct err *e)
{
	struct statfs fs;
	if (is_own_file_system(mount->target)) {
		/* An image whose /proc is a link leads our writes astray (CVE-2025-52881): refuse.
		 */
		struct stat st;
		if (fstatat(child->root_fd, mount->target + 1, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISLNK(st.st_mode))
			return err_msg(
				e, ERR_INPUT, "'%s' is a symbolic link in the root", mount->target);
	}
	if (!path_make_in_root(child->root_fd, mount->target, kind, ret_fd, e)) {
		if (e->sys == EROFS || e->sys == EACCES)
			err_hint(e, "make it in the root yourself, or run with --overlay");
		return false;
	}
	/* Nothing of ours may land inside procfs, where a link of the image could send it. */
	if (fstatfs(*ret_fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC) {
		clean_fd(ret_fd);
		return err_msg(e, ERR_INPUT, "the target lies inside /proc");
	}
	/* Else /dev/null would be our file for everybody. */
	struct stat st;
	if (mount->only_with_parent && fstat(*ret_fd, &st) == 0 &&
		(S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))) {
		clean_fd(ret_fd);
		return err_msg(e, ERR_INPUT, "the target is a device");
	}
	return true;
}

/* Where the root has a link to something else than a file of its own, or a directory. */
static bool is_astray(const struct err *e)
{
	return e->kind == ERR_INPUT || e->sys == ELOOP || e->sys == EISDIR || e->sys == ENOTDIR ||
	       e->sys == ENXIO;
}

static void remember(struct child *child, const struct mount_step *mount, int mount_fd)
{
	switch (mount->role) {
	case ROLE_PROC:
		child->proc_fd = mount_fd;
		break;
	case ROLE_SYS:
		child->sys_fd = mount_fd;
		break;
	case ROLE_DEV:
		child->dev_fd = mount_fd;
		break;
	case ROLE_PTS:
		child->pts_fd = mount_fd;
		break;
	case ROLE_PLAIN:
		close(mount_fd);
		break;
	}
}

static bool has_parent(struct child *child, const char *target)
{
	char parent[256];
	struct err ignored;
	CLEAN(clean_fd) int fd = -1;
	size_t len = (size_t)(strrchr(target, '/') - target);
	if (len >= sizeof(parent))
		return false;
	memcpy(parent, target, len);
	parent[len] = '\0';
	return path_open_in_root(child->root_fd, parent, O_PATH | O_DIRECTORY, &fd, &ignored);
}

/* True with *ret_fd == -1: left out, and that is fine. */
static bool attach(struct child *child, const struct mount_step *mount, int *ret_fd, struct err *e)
{
	CLEAN(clean_fd) int mount_fd = -1;
	CLEAN(clean_fd) int target_fd = -1;
	struct stat st;
	if (!make_mount(child, mount, &mount_fd, e))
		return is_missing(mount, e);
	bool is_file = false;
	if (mount->from != MOUNT_FROM_FS) {
		if (fstat(mount_fd, &st) < 0)
			return err_sys(e, "look at the source");
		is_file = !S_ISDIR(st.st_mode);
	}
	if (!change_mount(mount, mount_fd, e) ||
		!find_target(child, mount, is_file ? PATH_FILE : PATH_DIRECTORY, &target_fd, e) ||
		!mount_attach(mount_fd, target_fd, "", e))
		return false;
	*ret_fd = TAKE_FD(mount_fd);
	return true;
}

bool child_mount(struct child *child, const struct step *step, struct err *e)
{
	const struct mount_step *mount = &step->mount;
	int mount_fd = -1;
	if (mount->only_with_parent && !has_parent(child, mount->target))
		return true;
	if (!attach(child, mount, &mount_fd, e)) {
		/* A read-only root without /etc/hosts goes without: nobody asked for it by name. */
		if (mount->only_with_parent && (e->sys == EROFS || e->sys == EACCES ||
						       e->sys == EPERM || e->sys == ENOENT))
			return true;
		if (mount->only_with_parent && is_astray(e)) {
			child_note(child,
				"'%s' in the root leads to no file of it: it stays as it is",
				mount->target);
			return true;
		}
		return err_what(e, ERR_HOST, "cannot mount %s%s%s on '%s'",
			mount->from == MOUNT_FROM_FS ? "" : "'", mount->source,
			mount->from == MOUNT_FROM_FS ? "" : "'", mount->target);
	}
	if (mount_fd < 0)
		return true;
	remember(child, mount, mount_fd);
	return mount->role != ROLE_DEV || populate_dev(child, e);
}
