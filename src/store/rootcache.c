/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rootcache.h"
#include "base/own.h"
#include "base/text.h"
#include "sys/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

bool rootcache_open(
	struct rootcache *cache, const char *cache_dir, struct arena *arena, struct err *e)
{
	const char *path = arena_printf(arena, "%s/roots", cache_dir);
	if (!files_make_path(path, 0700, e))
		return false;
	CLEAN(clean_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || (mkdirat(fd, "index", 0700) < 0 && errno != EEXIST))
		return err_sys(e, "open '%s'", path);
	*cache = (struct rootcache){TAKE_FD(fd), path, arena};
	return true;
}

void rootcache_close(struct rootcache *cache)
{
	clean_fd(&cache->dir_fd);
}

bool rootcache_key(const struct rootcache *cache, int tar_fd, const char *flavour,
	const char **ret_key, struct err *e)
{
	struct stat st;
	if (fstat(tar_fd, &st) < 0)
		return err_sys(e, "look at the file");
	if (!S_ISREG(st.st_mode))
		return err_msg(e, ERR_INPUT, "it is neither a directory nor a file");
	*ret_key = arena_printf(cache->arena, "%llx-%llx-%llx-%llx.%lx-%llx.%lx.%s",
		(unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
		(unsigned long long)st.st_size, (unsigned long long)st.st_mtim.tv_sec,
		(unsigned long)st.st_mtim.tv_nsec, (unsigned long long)st.st_ctim.tv_sec,
		(unsigned long)st.st_ctim.tv_nsec, flavour);
	return true;
}

bool rootcache_lock(const struct rootcache *cache, const char *key, int *ret_lock_fd, struct err *e)
{
	const char *name = arena_printf(cache->arena, "index/%s.lock", key);
	CLEAN(clean_fd)
	int fd = openat(cache->dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "open '%s'", name);
	/* A signal ends the wait: the user's Ctrl-C. */
	if (flock(fd, LOCK_EX) < 0)
		return err_sys(e, "wait for another guscio that unpacks it");
	*ret_lock_fd = TAKE_FD(fd);
	return true;
}

const char *rootcache_find(const struct rootcache *cache, const char *key)
{
	char target[256];
	struct stat st;
	const char *link = arena_printf(cache->arena, "index/%s", key);
	ssize_t n = readlinkat(cache->dir_fd, link, target, sizeof(target) - 1);
	if (n <= 0)
		return NULL;
	target[n] = '\0';
	if (strchr(target, '/') || fstatat(cache->dir_fd, target, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!S_ISDIR(st.st_mode))
		return NULL;
	return arena_printf(cache->arena, "%s/%s", cache->path, target);
}

bool rootcache_begin(const struct rootcache *cache, const char *id, const char **ret_name,
	int *ret_fd, struct err *e)
{
	const char *name = arena_printf(cache->arena, "new.%.32s", id);
	if (mkdirat(cache->dir_fd, name, 0755) < 0)
		return err_sys(e, "make directory '%s/%s'", cache->path, name);
	CLEAN(clean_fd)
	int fd = openat(cache->dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_sys(e, "lock '%s/%s'", cache->path, name);
	*ret_name = name;
	*ret_fd = TAKE_FD(fd);
	return true;
}

bool rootcache_commit(const struct rootcache *cache, const char *name, int fd, const char *digest,
	const char *flavour, const char *key, const char **ret_path, struct err *e)
{
	const char *final_name = arena_printf(cache->arena, "%s.%s", digest, flavour);
	const char *link = arena_printf(cache->arena, "index/%s", key);
	const char *new_link = arena_printf(cache->arena, "index/%s.new", key);
	/* All files reach the disk before the name that vouches for them. */
	if (syncfs(fd) < 0)
		return err_sys(e, "write '%s' to disk", final_name);
	if (renameat(cache->dir_fd, name, cache->dir_fd, final_name) < 0 && errno != EEXIST &&
		errno != ENOTEMPTY)
		return err_sys(e, "name '%s'", final_name);
	unlinkat(cache->dir_fd, new_link, 0);
	if (symlinkat(final_name, cache->dir_fd, new_link) < 0 ||
		renameat(cache->dir_fd, new_link, cache->dir_fd, link) < 0)
		return err_sys(e, "index '%s'", final_name);
	fsync(cache->dir_fd);
	*ret_path = arena_printf(cache->arena, "%s/%s", cache->path, final_name);
	return true;
}

const char *rootcache_dead(const struct rootcache *cache)
{
	int copy_fd = openat(cache->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = copy_fd < 0 ? NULL : fdopendir(copy_fd);
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		if (!text_starts(entry->d_name, "new."))
			continue;
		CLEAN(clean_fd)
		int fd = openat(cache->dir_fd, entry->d_name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			return arena_strdup(cache->arena, entry->d_name);
	}
	return NULL;
}
