/* SPDX-License-Identifier: Apache-2.0 */
#include "store/volume.h"
#include "base/own.h"
#include "sys/files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define LABELS_MAX 65536

static bool open_all(const char *data_dir, bool may_create, int *ret_fd, struct err *e)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/volumes", data_dir);
	if (may_create && !files_make_path(path, 0700, e))
		return err_what(e, ERR_HOST, "cannot keep volumes");
	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd >= 0 || (errno == ENOENT && !may_create))
		return true;
	err_sys(e, "open '%s'", path);
	return err_what(e, ERR_HOST, "cannot look at the volumes");
}

static bool refuse_missing(const char *name, struct err *e)
{
	err_what(e, ERR_STATE, "no volume '%s'", name);
	return err_hint(e, "make it with: guscio volume create %s", name);
}

static bool write_labels(int dir_fd, const struct strv *labels, struct err *e)
{
	char text[LABELS_MAX];
	size_t n = 0;
	text[0] = '\0';
	for (size_t i = 0; labels && i < labels->n; i++) {
		if (strchr(labels->v[i], '\n'))
			return err_what(e, ERR_USAGE, "a volume's label cannot have two lines");
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\n", labels->v[i]);
		if (n >= sizeof(text))
			return err_what(e, ERR_USAGE, "the volume's labels are too long");
	}
	return files_write(dir_fd, "volume", text, n, e);
}

/* The labels last: a volume is there when they are. */
static bool fill(int dir_fd, const struct strv *labels, struct err *e)
{
	struct stat st;
	if (mkdirat(dir_fd, "_data", 0755) < 0 && errno != EEXIST)
		return err_sys(e, "make directory '_data'");
	return fstatat(dir_fd, "volume", &st, 0) == 0 || write_labels(dir_fd, labels, e);
}

bool volume_make_anonymous(const char *data_dir, const char *name, struct err *e)
{
	static const char label[] = VOLUME_ANONYMOUS "=\n";
	CLEAN(clean_fd) int all_fd = -1;
	CLEAN(clean_fd) int dir_fd = -1;
	CLEAN(clean_fd) int fd = -1;
	if (!open_all(data_dir, true, &all_fd, e))
		return false;
	/* What a container in the foreground has is gone in a moment: no wait for the disk. */
	if (mkdirat(all_fd, name, 0700) < 0 ||
		(dir_fd = openat(all_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) <
			0 ||
		mkdirat(dir_fd, "_data", 0755) < 0 ||
		(fd = openat(dir_fd, "volume", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) <
			0 ||
		write(fd, label, sizeof(label) - 1) != (ssize_t)sizeof(label) - 1) {
		err_sys(e, "make its directory");
		return err_what(e, ERR_HOST, "cannot make a volume without a name");
	}
	return true;
}

bool volume_is_anonymous(const struct volume *v)
{
	return strv_env(&v->labels, VOLUME_ANONYMOUS) != NULL;
}

bool volume_make(const char *data_dir, const char *name, const struct strv *labels,
	bool *ret_is_new, struct err *e)
{
	CLEAN(clean_fd) int all_fd = -1;
	if (!open_all(data_dir, true, &all_fd, e))
		return false;
	bool is_new = mkdirat(all_fd, name, 0700) == 0;
	CLEAN(clean_fd)
	int dir_fd = openat(all_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir_fd < 0 || !fill(dir_fd, labels, e)) {
		if (dir_fd < 0)
			err_sys(e, "make its directory");
		return err_what(e, ERR_HOST, "cannot make volume '%s'", name);
	}
	if (ret_is_new)
		*ret_is_new = is_new;
	return true;
}

static bool open_one(const char *data_dir, const char *name, int *ret_fd, struct err *e)
{
	CLEAN(clean_fd) int all_fd = -1;
	if (!open_all(data_dir, false, &all_fd, e))
		return false;
	*ret_fd = all_fd < 0
			  ? -1
			  : openat(all_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *ret_fd >= 0 || refuse_missing(name, e);
}

bool volume_read(const char *data_dir, const char *name, struct arena *arena, struct volume *ret,
	struct err *e)
{
	CLEAN(clean_fd) int dir_fd = -1;
	CLEAN(clean_free) char *text = NULL;
	struct stat st;
	size_t size;
	struct volume v = {.name = arena_strdup(arena, name),
		.path = arena_printf(arena, "%s/volumes/%s/_data", data_dir, name)};
	if (!open_one(data_dir, name, &dir_fd, e))
		return false;
	if (fstatat(dir_fd, "volume", &st, AT_SYMLINK_NOFOLLOW) == 0)
		v.created_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	/* One that somebody made by hand has no labels. */
	if (files_read(dir_fd, "volume", LABELS_MAX, &text, &size, e)) {
		char *next = text, *line;
		while ((line = strsep(&next, "\n")))
			if (line[0])
				strv_add(arena, &v.labels, line);
	}
	*e = (struct err)ERR_INIT;
	*ret = v;
	return true;
}

bool volume_list(const char *data_dir, struct arena *arena, struct strv *ret, struct err *e)
{
	int all_fd = -1;
	if (!open_all(data_dir, false, &all_fd, e))
		return false;
	files_list(all_fd, arena, ret);
	return true;
}

/* It may have been removed while we waited for its lock. */
static bool is_there(const char *data_dir, const char *name, int dir_fd)
{
	char path[4096];
	struct stat a, b;
	snprintf(path, sizeof(path), "%s/volumes/%s", data_dir, name);
	return fstat(dir_fd, &a) == 0 && lstat(path, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

/* Where there are no locks nobody is kept from anything. */
static void wait_for_lock(int fd, int operation)
{
	while (flock(fd, operation) < 0 && errno == EINTR)
		;
}

static bool keep_using(
	const char *data_dir, const char *name, int *take_dir_fd, int *ret_fd, struct err *e)
{
	wait_for_lock(*take_dir_fd, LOCK_SH);
	if (!is_there(data_dir, name, *take_dir_fd))
		return err_what(e, ERR_STATE, "volume '%s' was removed", name);
	*ret_fd = TAKE_FD(*take_dir_fd);
	return true;
}

bool volume_use(const char *data_dir, const char *name, int *ret_fd, struct err *e)
{
	CLEAN(clean_fd) int dir_fd = -1;
	return open_one(data_dir, name, &dir_fd, e) &&
	       keep_using(data_dir, name, &dir_fd, ret_fd, e);
}

/* One that cannot be looked into belongs to a subordinate id: it was filled or used. */
static bool is_empty(int dir_fd)
{
	int fd = openat(dir_fd, "_data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			return false;
	return dir != NULL;
}

bool volume_begin_filling(
	const char *data_dir, const char *name, struct volume_filling *ret, struct err *e)
{
	CLEAN(clean_fd) int dir_fd = -1;
	CLEAN(clean_fd) int lock_fd = -1;
	if (!open_one(data_dir, name, &dir_fd, e))
		return false;
	lock_fd = openat(dir_fd, "fill", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (lock_fd < 0) {
		err_sys(e, "make its lock");
		return err_what(e, ERR_HOST, "cannot use volume '%s'", name);
	}
	wait_for_lock(lock_fd, LOCK_EX);
	ret->is_ours = is_empty(dir_fd) && flock(dir_fd, LOCK_EX | LOCK_NB) == 0;
	ret->lock_fd = TAKE_FD(lock_fd);
	ret->dir_fd = TAKE_FD(dir_fd);
	return true;
}

bool volume_end_filling(const char *data_dir, const char *name, struct volume_filling *filling,
	int *ret_use_fd, struct err *e)
{
	int dir_fd = filling->dir_fd;
	bool ok = !filling->is_ours || renameat(dir_fd, VOLUME_FILLED, dir_fd, "_data") == 0 ||
		  errno == ENOENT;
	if (!ok) {
		err_sys(e, "put its content in place");
		err_what(e, ERR_HOST, "cannot fill volume '%s'", name);
	}
	ok = ok && keep_using(data_dir, name, &filling->dir_fd, ret_use_fd, e);
	clean_fd(&filling->dir_fd);
	clean_fd(&filling->lock_fd);
	return ok;
}

bool volume_take_away(const char *data_dir, const char *name, struct arena *arena,
	const char **ret_path, struct err *e)
{
	CLEAN(clean_fd) int dir_fd = -1;
	CLEAN(clean_fd) int all_fd = -1;
	const char *gone = arena_printf(arena, ".rm.%s", name);
	if (!open_one(data_dir, name, &dir_fd, e) || !open_all(data_dir, false, &all_fd, e))
		return false;
	if (flock(dir_fd, LOCK_EX | LOCK_NB) < 0) {
		err_msg(e, ERR_STATE, "a container uses it");
		return err_what(e, ERR_STATE, "cannot remove volume '%s'", name);
	}
	/* What a removal that was killed has left has the place: this one goes beside it. */
	for (int i = 1; renameat2(all_fd, name, all_fd, gone, RENAME_NOREPLACE) < 0; i++) {
		if (errno != EEXIST || i > 100) {
			err_sys(e, "move it away");
			return err_what(e, ERR_HOST, "cannot remove volume '%s'", name);
		}
		gone = arena_printf(arena, ".rm.%d.%s", i, name);
	}
	*ret_path = arena_printf(arena, "%s/volumes/%s", data_dir, gone);
	return true;
}
