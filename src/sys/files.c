/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/files.h"
#include "base/own.h"

#include <bsd/stdlib.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

bool files_make_path(const char *path, mode_t mode, struct err *e)
{
	char prefix[4096];
	size_t len = strlen(path);
	if (len >= sizeof(prefix))
		return err_msg(e, ERR_HOST, "path '%s' is too long", path);
	memcpy(prefix, path, len + 1);
	for (char *p = prefix + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(prefix, 0755) < 0 && errno != EEXIST && access(prefix, F_OK) < 0)
			return err_sys(e, "make directory '%s'", prefix);
		*p = '/';
	}
	if (mkdir(prefix, mode) < 0 && errno != EEXIST)
		return err_sys(e, "make directory '%s'", prefix);
	return true;
}

static bool write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

struct new_file {
	const char *name;
	const void *data;
	size_t size;
	mode_t mode;
	bool replaces;
};

static bool write_new(int dir_fd, const struct new_file *file, struct err *e)
{
	const char *name = file->name;
	char temporary[256];
	/* Not by process id: other machines and other pid namespaces write here too. */
	snprintf(
		temporary, sizeof(temporary), ".%.200s.%08x%08x", name, arc4random(), arc4random());
	CLEAN(clean_fd)
	int fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		file->mode);
	if (fd < 0)
		return err_sys(e, "make '%s'", name);
	if (!write_all(fd, file->data, file->size) || fsync(fd) < 0 ||
		renameat2(dir_fd, temporary, dir_fd, name, file->replaces ? 0 : RENAME_NOREPLACE) <
			0) {
		err_sys(e, "write '%s'", name);
		unlinkat(dir_fd, temporary, 0);
		return false;
	}
	fsync(dir_fd);
	return true;
}

bool files_write(int dir_fd, const char *name, const void *data, size_t size, struct err *e)
{
	const struct new_file file = {name, data, size, 0644, true};
	return write_new(dir_fd, &file, e);
}

bool files_write_private(
	int dir_fd, const char *name, const void *data, size_t size, bool replaces, struct err *e)
{
	const struct new_file file = {name, data, size, 0600, replaces};
	return write_new(dir_fd, &file, e);
}

#define DEPTH_MAX 2000

static bool add_tree(int dir_fd, const char *name, int depth, int64_t *bytes)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool is_whole = dir || errno == ENOENT;
	while (dir && depth < DEPTH_MAX && (entry = readdir(dir))) {
		struct stat st;
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			is_whole &= errno == ENOENT;
		else if (S_ISDIR(st.st_mode))
			is_whole &= add_tree(fd, entry->d_name, depth + 1, bytes);
		else if (S_ISREG(st.st_mode))
			*bytes += st.st_size / (int64_t)(st.st_nlink ? st.st_nlink : 1);
	}
	return is_whole;
}

bool files_tree_size(int dir_fd, const char *name, int64_t *ret)
{
	*ret = 0;
	return add_tree(dir_fd, name, 0, ret);
}

bool files_read_fd(
	int fd, const char *name, size_t size_max, char **ret, size_t *ret_size, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at '%s'", name);
	if (!S_ISREG(st.st_mode))
		return err_msg(e, ERR_INPUT, "'%s' is no file", name);
	if (st.st_size > (off_t)size_max)
		return err_msg(e, ERR_INPUT, "'%s' is larger than %zu MiB", name, size_max >> 20);
	CLEAN(clean_free) char *text = malloc((size_t)st.st_size + 1);
	if (!text)
		return err_sys(e, "read '%s'", name);
	size_t size = 0;
	while (size < (size_t)st.st_size) {
		ssize_t n = pread(fd, text + size, (size_t)st.st_size - size, (off_t)size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read '%s'", name);
		if (n == 0)
			break;
		size += (size_t)n;
	}
	text[size] = '\0';
	*ret = TAKE_PTR(text);
	*ret_size = size;
	return true;
}

bool files_read(
	int dir_fd, const char *name, size_t size_max, char **ret, size_t *ret_size, struct err *e)
{
	CLEAN(clean_fd)
	int fd = openat(dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s'", name);
	return files_read_fd(fd, name, size_max, ret, ret_size, e);
}

void files_list(int take_dir_fd, struct arena *arena, struct strv *ret)
{
	CLEAN(clean_dir) DIR *dir = take_dir_fd < 0 ? NULL : fdopendir(take_dir_fd);
	struct dirent *entry;
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			strv_add(arena, ret, entry->d_name);
	strv_sort(ret);
}

bool files_own_program(char *ret, size_t size, struct err *e)
{
	ssize_t n = readlink("/proc/self/exe", ret, size - 1);
	if (n <= 0)
		return err_sys(e, "read /proc/self/exe");
	ret[n] = '\0';
	char *deleted = strstr(ret, " (deleted)");
	if (deleted)
		*deleted = '\0';
	return true;
}
