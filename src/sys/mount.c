/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/mount.h"
#include "base/own.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

bool mount_clone(int dir_fd, const char *path, bool recursive, int *ret_fd, struct err *e)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	if (recursive)
		flags |= AT_RECURSIVE;
	if (!path[0])
		flags |= AT_EMPTY_PATH;
	int fd = open_tree(dir_fd, path, flags);
	if (fd < 0) {
		bool is_locked = errno == EINVAL && !recursive;
		err_sys(e, "open '%s' for mounting", path);
		if (is_locked)
			err_hint(e, "other mounts below it cannot be left out: use rbind");
		return false;
	}
	*ret_fd = fd;
	return true;
}

bool mount_change(int mount_fd, const struct mount_change *change, struct err *e)
{
	struct mount_attr attr = {.attr_set = change->attr_set,
		.attr_clr = change->attr_clr,
		.propagation = change->propagation};
	unsigned flags = AT_EMPTY_PATH | (change->recursive ? AT_RECURSIVE : 0);
	if (!attr.attr_set && !attr.attr_clr && !attr.propagation)
		return true;
	if (mount_setattr(mount_fd, "", flags, &attr, sizeof(attr)) == 0)
		return true;
	bool is_locked = errno == EPERM && attr.attr_clr;
	err_sys(e, "set the attributes of a mount");
	if (is_locked)
		err_hint(e, "the host mounted it with a flag that only the host can take away");
	return false;
}

/* The context's log: "e message", "w message", one a read [fsopen(2)]. */
static void read_context_log(int fs_fd, const char *type, struct err *e)
{
	int sys = errno;
	char line[200];
	ssize_t n;
	while ((n = read(fs_fd, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != 'e' || n < 3)
			continue;
		errno = sys;
		err_sys(e, "make a %s file system: %s", type, line + 2);
		return;
	}
	errno = sys;
	err_sys(e, "make a %s file system", type);
}

static bool set_option(int fs_fd, const char *option)
{
	char key[64];
	const char *value = strchr(option, '=');
	if (!value)
		return fsconfig(fs_fd, FSCONFIG_SET_FLAG, option, NULL, 0) == 0;
	size_t len = (size_t)(value - option);
	if (len >= sizeof(key)) {
		errno = EINVAL;
		return false;
	}
	memcpy(key, option, len);
	key[len] = '\0';
	return fsconfig(fs_fd, FSCONFIG_SET_STRING, key, value + 1, 0) == 0;
}

bool mount_new(const char *type, char *const *data, size_t n_data, uint64_t attrs, int *ret_fd,
	struct err *e)
{
	CLEAN(clean_fd) int fs_fd = fsopen(type, FSOPEN_CLOEXEC);
	if (fs_fd < 0)
		return err_sys(e, "open a context for a %s file system", type);
	for (size_t i = 0; i < n_data; i++) {
		if (set_option(fs_fd, data[i]))
			continue;
		return err_sys(e, "set option '%s' of a %s file system", data[i], type);
	}
	if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
		read_context_log(fs_fd, type, e);
		return false;
	}
	int fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, (unsigned)attrs);
	if (fd < 0) {
		read_context_log(fs_fd, type, e);
		return false;
	}
	*ret_fd = fd;
	return true;
}

bool mount_attach(int mount_fd, int target_fd, const char *name, struct err *e)
{
	unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | (name[0] ? 0 : MOVE_MOUNT_T_EMPTY_PATH);
	if (move_mount(mount_fd, "", target_fd, name, flags) < 0)
		return err_sys(e, "attach a mount%s%s", name[0] ? " on " : "", name);
	return true;
}

bool mount_attach_over_root(int mount_fd, struct err *e)
{
	if (move_mount(mount_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(e, "attach a mount over the root");
	return true;
}

bool mount_detach(int mount_fd, struct err *e)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", mount_fd);
	if (umount2(path, MNT_DETACH) < 0)
		return err_sys(e, "detach a mount");
	return true;
}

bool mount_pivot_below(int root_fd, struct err *e)
{
	if (fchdir(root_fd) < 0)
		return err_sys(e, "enter the new root");
	/*
	 * The old root ends up on top of the new one, at the same place: "."
	 * for both needs no directory to put it. An umount of "/" takes it off.
	 */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_sys(e, "pivot_root");
	/* A path begins at the root's own mount: what lies over it is not in the way. */
	if (chdir("/") < 0)
		return err_sys(e, "enter the new root");
	return true;
}

bool mount_detach_old_root(struct err *e)
{
	return umount2("/", MNT_DETACH) == 0 || err_sys(e, "detach the old root");
}

bool mount_pivot(int root_fd, struct err *e)
{
	return mount_pivot_below(root_fd, e) && mount_detach_old_root(e);
}
