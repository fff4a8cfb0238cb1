/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount.h - the mount API by descriptors [fsopen(2), open_tree(2), move_mount(2)]
 *
 * Every mount is made detached, given its attributes, and only then moved to
 * its place by fd: nobody sees it half made, and no path is resolved twice.
 * Nothing here allocates.
 */
#ifndef SYS_MOUNT_H
#define SYS_MOUNT_H

#include "base/arena.h"
#include "base/err.h"

struct mount_change {
	uint64_t attr_set; /* MOUNT_ATTR_* */
	uint64_t attr_clr;
	uint64_t propagation; /* MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE; 0: leave */
	bool recursive;
};

/*
 * mount_clone() - a detached copy of what is mounted at a path
 * @dir_fd: start of @path, or with an empty path the place itself
 * @recursive: with everything below. In a user namespace the mounts below
 *             are locked together with their parent: a copy without
 *             them is refused with EINVAL [mount_namespaces(7)].
 */
bool mount_clone(int dir_fd, const char *path, bool recursive, int *ret_fd, struct err *e);

/*
 * mount_change() - flags and propagation of a mount and, if asked, of all below
 * Errors: EPERM when a flag that the host has locked would be cleared; the hint says so.
 */
bool mount_change(int mount_fd, const struct mount_change *change, struct err *e);

/*
 * mount_new() - a new, detached file system
 * @type: tmpfs, proc, sysfs, mqueue, devpts, cgroup2, overlay
 * @data: "key=value" or "flag", as the file system knows them
 * @attrs: MOUNT_ATTR_*
 * Errors: the cause carries what the kernel wrote into the context's log.
 */
bool mount_new(const char *type, char *const *data, size_t n_data, uint64_t attrs, int *ret_fd,
	struct err *e);

/* Put a detached mount on the place that @target_fd names, or on @name below it. */
bool mount_attach(int mount_fd, int target_fd, const char *name, struct err *e);

/*
 * mount_attach_over_root() - put a detached mount on top of "/"
 *
 * It needs no directory to mount on, and is seen only through its descriptor:
 * absolute paths go on starting at the root below it.
 */
bool mount_attach_over_root(int mount_fd, struct err *e);

/* Take a mount away whose descriptor this is; what is open on it goes on. /proc must be there. */
bool mount_detach(int mount_fd, struct err *e);

/*
 * mount_pivot() - make @root_fd's mount the root and drop the old one with all its mounts
 * Context: child; the mount must be attached. The working directory is the new root.
 * Source: pivot_root(2), "pivot_root(".", ".")".
 */
bool mount_pivot(int root_fd, struct err *e);

/* The same in two parts; between them the old root lies over "/", where no path comes by. */
bool mount_pivot_below(int root_fd, struct err *e);
bool mount_detach_old_root(struct err *e);

#endif
