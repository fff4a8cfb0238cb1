/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/child.h"
#include "base/own.h"
#include "base/text.h"
#include "sys/mount.h"
#include "sys/path.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/*
 * A path of the masked or read-only list. Below /proc and /sys it is looked up in our own
 * mounts by descriptor, without links; elsewhere in the root, which is the image's.
 */
static bool open_listed(struct child *child, const char *path, int *ret_fd, struct err *e)
{
	if (child->proc_fd >= 0 && text_starts(path, "/proc/"))
		return path_open_beneath(child->proc_fd, path + 6, O_PATH, ret_fd, e);
	if (child->sys_fd >= 0 && text_starts(path, "/sys/"))
		return path_open_beneath(child->sys_fd, path + 5, O_PATH, ret_fd, e);
	return path_open_in_root(child->root_fd, path, O_PATH, ret_fd, e);
}

static bool is_absent(const struct err *e)
{
	return e->sys == ENOENT || e->sys == ENOTDIR || e->sys == EACCES;
}

static bool open_null(struct child *child, int *ret_fd, struct err *e)
{
	CLEAN(clean_fd) int fd = -1;
	struct stat st;
	if (!path_open_in_root(child->root_fd, "/dev/null", O_PATH, &fd, e))
		return false;
	/* Not what an image made of it: masks would then show that (CVE-2025-31133). */
	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return err_msg(e, ERR_INPUT, "/dev/null inside is not the null device");
	*ret_fd = TAKE_FD(fd);
	return true;
}

#define MASK_ATTRS (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

struct masks {
	int null_fd;  /* the place to copy the file mask from */
	int empty_fd; /* an empty directory that is mounted already */
};

/*
 * An empty directory, without a file system of its own where there is one already: that
 * takes 0.1 ms to make and to end.
 */
static bool make_empty(struct child *child, int *ret_fd, struct err *e)
{
	static const struct mount_change change = {.attr_set = MASK_ATTRS};
	char *const data[] = {"size=0", "nr_inodes=2"};
	CLEAN(clean_fd) int fd = -1;
	if (child->empty_fd < 0)
		return mount_new("tmpfs", data, 2, MASK_ATTRS, ret_fd, e);
	if (!mount_clone(child->empty_fd, "", false, &fd, e) || !mount_change(fd, &change, e))
		return false;
	*ret_fd = TAKE_FD(fd);
	return true;
}

static bool mask_directory(struct child *child, struct masks *masks, int target_fd, struct err *e)
{
	CLEAN(clean_fd) int mount_fd = -1;
	/* One empty directory serves them all: later masks are copies of the first. */
	bool ok = masks->empty_fd >= 0 ? mount_clone(masks->empty_fd, "", false, &mount_fd, e)
				       : make_empty(child, &mount_fd, e);
	if (!ok || !mount_attach(mount_fd, target_fd, "", e))
		return false;
	if (masks->empty_fd < 0)
		masks->empty_fd = TAKE_FD(mount_fd);
	return true;
}

static bool mask_one(struct child *child, struct masks *masks, const char *path, struct err *e)
{
	CLEAN(clean_fd) int target_fd = -1;
	CLEAN(clean_fd) int mount_fd = -1;
	struct stat st;
	if (!open_listed(child, path, &target_fd, e))
		return is_absent(e);
	if (fstat(target_fd, &st) < 0)
		return err_sys(e, "look at '%s'", path);
	if (S_ISDIR(st.st_mode))
		return mask_directory(child, masks, target_fd, e);
	if (masks->null_fd < 0 && !open_null(child, &masks->null_fd, e))
		return false;
	return mount_clone(masks->null_fd, "", false, &mount_fd, e) &&
	       mount_attach(mount_fd, target_fd, "", e);
}

bool child_mask(struct child *child, const struct step *step, struct err *e)
{
	struct masks masks = {.null_fd = -1, .empty_fd = -1};
	bool ok = true;
	for (size_t i = 0; ok && i < step->paths->n; i++) {
		ok = mask_one(child, &masks, step->paths->v[i], e);
		if (!ok)
			err_what(e, ERR_HOST, "cannot mask '%s'", step->paths->v[i]);
	}
	clean_fd(&masks.null_fd);
	clean_fd(&masks.empty_fd);
	return ok;
}

static bool make_readonly(struct child *child, const char *path, struct err *e)
{
	/* The new mount keeps what the old one forbids; the kernel insists on it anyway. */
	static const struct mount_change change = {.attr_set = MOUNT_ATTR_RDONLY};
	CLEAN(clean_fd) int target_fd = -1;
	CLEAN(clean_fd) int mount_fd = -1;
	if (!open_listed(child, path, &target_fd, e))
		return is_absent(e);
	/* Recursive: the masks below it are locked to it only in other namespaces, but stay. */
	return mount_clone(target_fd, "", true, &mount_fd, e) &&
	       mount_change(mount_fd, &change, e) && mount_attach(mount_fd, target_fd, "", e);
}

bool child_readonly_paths(struct child *child, const struct step *step, struct err *e)
{
	for (size_t i = 0; i < step->paths->n; i++)
		if (!make_readonly(child, step->paths->v[i], e))
			return err_what(
				e, ERR_HOST, "cannot make '%s' read-only", step->paths->v[i]);
	return true;
}

bool child_root_readonly(struct child *child, const struct step *step, struct err *e)
{
	static const struct mount_change change = {.attr_set = MOUNT_ATTR_RDONLY};
	(void)step;
	return mount_change(child->root_fd, &change, e) ||
	       err_what(e, ERR_HOST, "cannot make the root read-only");
}

bool child_sysctl(struct child *child, const struct step *step, struct err *e)
{
	const struct sysctl_spec *sysctl = step->sysctl;
	char path[256];
	int n = snprintf(path, sizeof(path), "sys/%s", sysctl->name);
	if (n >= (int)sizeof(path) || child->proc_fd < 0)
		return err_what(e, ERR_USAGE, "cannot set sysctl '%s' without /proc", sysctl->name);
	/* a.b/c names net.ipv4.conf.eth0/1.x: dots and slashes are swapped [sysctl(8)]. */
	for (char *p = path + 4; *p; p++)
		*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	return path_write_beneath(child->proc_fd, path, sysctl->value, e) ||
	       err_what(e, ERR_USAGE, "cannot set sysctl '%s'", sysctl->name);
}

bool child_time(struct child *child, const struct step *step, struct err *e)
{
	const struct spec *spec = child->plan->spec;
	char text[96];
	CLEAN(clean_fd) int proc_fd = -1;
	CLEAN(clean_fd) int ns_fd = -1;
	(void)step;
	if (child->proc_fd < 0)
		return err_what(e, ERR_USAGE, "cannot make a time namespace without /proc");
	proc_fd = openat(child->proc_fd, "self", O_PATH | O_CLOEXEC);
	if (proc_fd < 0)
		return err_sys(e, "open '/proc/self'");
	if (unshare(CLONE_NEWTIME) < 0) {
		err_sys(e, "unshare");
		return err_what(e, ERR_HOST, "cannot make a time namespace");
	}
	snprintf(text, sizeof(text), "monotonic %lld 0\nboottime %lld 0\n",
		(long long)spec->monotonic_offset_s, (long long)spec->boottime_offset_s);
	if (spec->has_time_offsets && !path_write_beneath(proc_fd, "timens_offsets", text, e))
		return err_what(e, ERR_USAGE, "cannot set the clock offsets");
	/* unshare() has made it for our children; entering it ourselves covers exec too. */
	ns_fd = openat(proc_fd, "ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (ns_fd < 0 || setns(ns_fd, CLONE_NEWTIME) < 0) {
		err_sys(e, "enter the time namespace");
		return err_what(e, ERR_HOST, "cannot make a time namespace");
	}
	return true;
}
