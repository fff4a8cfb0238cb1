/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootcache.h - unpacked tarballs, kept by what is in them
 *
 * roots/<digest>.<flavour>/   a root file system; the flavour is the id map it was made with
 * roots/index/<key>           a link to the name above; the key is the tarball's identity on disk
 *                             (device, inode, size, times), so an unchanged file is not read again
 * roots/new.<random>/         being unpacked: its maker holds a lock on it; without one it is
 *                             rubbish of a command that was killed
 */
#ifndef STORE_ROOTCACHE_H
#define STORE_ROOTCACHE_H

#include "base/arena.h"
#include "base/err.h"

struct rootcache {
	int dir_fd;	  /* roots/ */
	const char *path; /* its absolute path */
	struct arena *arena;
};

bool rootcache_open(
	struct rootcache *cache, const char *cache_dir, struct arena *arena, struct err *e);
void rootcache_close(struct rootcache *cache);

/* The identity of an open tarball, as a file name. */
bool rootcache_key(const struct rootcache *cache, int tar_fd, const char *flavour,
	const char **ret_key, struct err *e);

/* Waits until nobody else unpacks the same file; released by closing. */
bool rootcache_lock(
	const struct rootcache *cache, const char *key, int *ret_lock_fd, struct err *e);

/* Path of the unpacked root, or NULL when it is not there. */
const char *rootcache_find(const struct rootcache *cache, const char *key);

/* A new, locked directory to unpack into; @ret_fd keeps the lock. */
bool rootcache_begin(const struct rootcache *cache, const char *id, const char **ret_name,
	int *ret_fd, struct err *e);

/*
 * rootcache_commit() - the unpacked directory gets its name, then the index points to it
 * When the same content is there already, under another file's key, @name stays for removal.
 */
bool rootcache_commit(const struct rootcache *cache, const char *name, int fd, const char *digest,
	const char *flavour, const char *key, const char **ret_path, struct err *e);

/* Name of a directory that a killed command left, or NULL. */
const char *rootcache_dead(const struct rootcache *cache);

#endif
