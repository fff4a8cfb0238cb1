/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup.h - control groups of version 2, as files [cgroups(7), cgroup-v2.rst]
 *
 * Everything goes by the descriptor of a cgroup's directory. Who may do what is the
 * caller's business: here is no policy and no manager.
 */
#ifndef SYS_CGROUP_H
#define SYS_CGROUP_H

#include "base/err.h"

#include <sys/types.h>

#define CGROUP_MOUNT	"/sys/fs/cgroup"
#define CGROUP_PATH_MAX 1024

/* Is the machine's one hierarchy of version 2? */
bool cgroup_is_unified(void);

/* The path below the mount of the cgroup a process is in; false when there is none of version 2. */
bool cgroup_of(pid_t pid, char *ret, size_t size);

/* The directory of a cgroup by its path below the mount. */
bool cgroup_open(const char *path, int *ret_fd, struct err *e);

/* A whole file, without the last line's end; "" and false when it cannot be read. */
bool cgroup_read(int fd, const char *file, char *buf, size_t size);
/* Its number; @otherwise for "max" and for a file that is not there. */
uint64_t cgroup_number(int fd, const char *file, uint64_t otherwise);
/* The number behind @key in a file of lines "key number"; 0 when there is none. */
uint64_t cgroup_count(int fd, const char *file, const char *key);

/* The cause is the kernel's, worded for the files of limits. */
bool cgroup_write(int fd, const char *file, const char *value, struct err *e);

/* Lets go on what is frozen in the cgroup of this path; "": nothing is. */
void cgroup_thaw(const char *path);

/* Makes a cgroup below @fd. */
bool cgroup_make(int fd, const char *name, int *ret_fd, struct err *e);

/*
 * cgroup_empty_into() - move every process of @fd into its child @leaf, made when missing
 * A cgroup that has processes of its own cannot give controllers to its children.
 */
bool cgroup_empty_into(int fd, const char *leaf, struct err *e);

/* Gives @fd's children these controllers: "+memory +pids". */
bool cgroup_enable(int fd, const char *words, struct err *e);

/*
 * cgroup_remove() - end what runs in @name below @fd, and take it away with all below it
 * Waits at most two seconds for the ends. False when something is left.
 */
bool cgroup_remove(int fd, const char *name);

/*
 * cgroup_sweep() - take away the empty children of @fd whose names begin with @prefix, except @kept
 * Young ones stay: their starters may just be about to use them.
 */
void cgroup_sweep(int fd, const char *prefix, const char *kept);

/* "MAJOR:MINOR" of a block device, the whole disk's for a partition. */
bool cgroup_device(const char *path, char *ret, size_t size, struct err *e);

#endif
