/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/path.h"
#include "base/own.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int resolve(int dir_fd, const char *path, int flags, mode_t mode, uint64_t resolve_flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC), .mode = mode, .resolve = resolve_flags};
	/* EAGAIN: a rename elsewhere made the kernel doubt a ".."; it never lasts. */
	for (int tries = 0;; tries++) {
		long fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN || tries == 100)
			return (int)fd;
	}
}

#define IN_ROOT (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
#define BENEATH (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV)

bool path_open_in_root(int root_fd, const char *path, int flags, int *ret_fd, struct err *e)
{
	int fd = resolve(root_fd, path, flags, 0, IN_ROOT);
	if (fd < 0)
		return err_sys(e, "open '%s' in the root", path);
	*ret_fd = fd;
	return true;
}

bool path_open_beneath(int dir_fd, const char *path, int flags, int *ret_fd, struct err *e)
{
	int fd = resolve(dir_fd, path, flags, 0, BENEATH);
	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	*ret_fd = fd;
	return true;
}

/* Makes the last component of @path, whose parent exists. */
static int make_last(int parent_fd, const char *name, enum path_kind kind)
{
	if (kind == PATH_DIRECTORY) {
		if (mkdirat(parent_fd, name, 0755) < 0 && errno != EEXIST)
			return -1;
		return resolve(parent_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH);
	}
	int fd =
		openat(parent_fd, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 && errno != EEXIST)
		return -1;
	if (fd >= 0)
		close(fd);
	return resolve(parent_fd, name, O_PATH | O_NOFOLLOW, 0, BENEATH);
}

/* Opens or makes the directory that @path lies in; @path is clean and absolute. */
static int make_parents(int root_fd, const char *path, const char **ret_last)
{
	char prefix[PATH_MAX];
	int dir_fd = resolve(root_fd, "/", O_PATH | O_DIRECTORY, 0, IN_ROOT);
	const char *component = path + 1;
	for (;;) {
		const char *slash = strchr(component, '/');
		if (dir_fd < 0 || !slash)
			break;
		size_t len = (size_t)(slash - path);
		if (len >= sizeof(prefix)) {
			errno = ENAMETOOLONG;
			clean_fd(&dir_fd);
			break;
		}
		memcpy(prefix, path, len);
		prefix[len] = '\0';
		int next_fd = resolve(root_fd, prefix, O_PATH | O_DIRECTORY, 0, IN_ROOT);
		if (next_fd < 0 && errno == ENOENT)
			next_fd = make_last(dir_fd, prefix + (component - path), PATH_DIRECTORY);
		clean_fd(&dir_fd);
		dir_fd = next_fd;
		component = slash + 1;
	}
	*ret_last = component;
	return dir_fd;
}

bool path_make_in_root(
	int root_fd, const char *path, enum path_kind kind, int *ret_fd, struct err *e)
{
	int flags = O_PATH | (kind == PATH_DIRECTORY ? O_DIRECTORY : 0);
	int fd = resolve(root_fd, path, flags, 0, IN_ROOT);
	if (fd < 0 && errno == ENOENT) {
		const char *last;
		CLEAN(clean_fd) int dir_fd = make_parents(root_fd, path, &last);
		if (dir_fd < 0)
			return err_sys(e, "make the directories above '%s' in the root", path);
		fd = make_last(dir_fd, last, kind);
		if (fd < 0)
			return err_sys(e, "make '%s' in the root", path);
	}
	if (fd < 0)
		return err_sys(e, "open '%s' in the root", path);
	struct stat st;
	if (kind == PATH_FILE && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		errno = EISDIR;
		return err_sys(e, "open '%s' in the root", path);
	}
	*ret_fd = fd;
	return true;
}

bool path_read_in_root(
	int root_fd, const char *path, char *buf, size_t size, size_t *ret_size, struct err *e)
{
	/* O_NONBLOCK: the file may be a fifo that nobody writes to. */
	CLEAN(clean_fd)
	int fd = resolve(root_fd, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0, IN_ROOT);
	struct stat st;
	size_t n = 0;
	*ret_size = 0;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EACCES))
		return true;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open '%s' in the root", path);
	if (!S_ISREG(st.st_mode))
		return true;
	while (n < size - 1) {
		ssize_t got = read(fd, buf + n, size - 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, "read '%s' in the root", path);
		if (got == 0)
			break;
		n += (size_t)got;
	}
	if (n == size - 1)
		return err_msg(
			e, ERR_INPUT, "'%s' in the root is larger than %zu KiB", path, size >> 10);
	buf[n] = '\0';
	*ret_size = n;
	return true;
}

bool path_write_beneath(int dir_fd, const char *path, const char *text, struct err *e)
{
	CLEAN(clean_fd) int fd = resolve(dir_fd, path, O_WRONLY, 0, BENEATH);
	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	size_t len = strlen(text);
	ssize_t wrote = write(fd, text, len);
	if (wrote < 0)
		return err_sys(e, "write '%s' to '%s'", text, path);
	if ((size_t)wrote != len)
		return err_msg(e, ERR_INTERNAL, "'%s' took only a part of '%s'", path, text);
	return true;
}

void path_explain_denied(const char *path, struct err *e)
{
	char prefix[PATH_MAX];
	if (path[0] != '/')
		return;
	for (const char *p = path + 1; (p = strchr(p, '/')); p++) {
		size_t len = (size_t)(p - path);
		if (len >= sizeof(prefix))
			return;
		memcpy(prefix, path, len);
		prefix[len] = '\0';
		if (faccessat(AT_FDCWD, prefix, X_OK, AT_EACCESS) < 0 && errno == EACCES) {
			err_hint(e,
				"you may not search the directory '%s': chmod a+x it, or ask its "
				"owner",
				prefix);
			return;
		}
	}
}
