/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/merge.h"
#include "base/own.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define OPAQUE_XATTR "user.overlay.opaque"

struct known {
	ino_t ino;
	char *path; /* below the root */
};

struct merge {
	struct tree *t;
	char path[PATH_MAX];
	size_t length;
	struct known *links; /* files with several names */
	size_t n_links, room;
	struct err *e;
};

static bool copy_xattrs(struct merge *m, int from_fd, int to_fd)
{
	char names[8192];
	static char value[65536]; /* lint: scratch, the largest that the kernel has */
	ssize_t n = flistxattr(from_fd, names, sizeof(names));
	for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
		if (!strncmp(name, "user.overlay.", 13) || !strcmp(name, "security.selinux"))
			continue;
		ssize_t size = fgetxattr(from_fd, name, value, sizeof(value));
		if (size >= 0 && fsetxattr(to_fd, name, value, (size_t)size, 0) < 0)
			return err_sys(m->e, "copy '%s' of '%s'", name, m->path);
	}
	return true;
}

/* In the order of tree.c's set_attributes(), for the same reasons. */
static bool copy_attributes(struct merge *m, int from_fd, int to_fd, const struct stat *st)
{
	const struct timespec times[2] = {st->st_mtim, st->st_mtim};
	if (!m->t->is_single && fchown(to_fd, st->st_uid, st->st_gid) < 0)
		return err_sys(m->e, "own '%s'", m->path);
	if (fchmod(to_fd, st->st_mode & 07777) < 0)
		return err_sys(m->e, "set the mode of '%s'", m->path);
	if (!copy_xattrs(m, from_fd, to_fd))
		return false;
	return futimens(to_fd, times) == 0 || err_sys(m->e, "set the time of '%s'", m->path);
}

static bool copy_data(struct merge *m, int from_fd, int to_fd)
{
	char block[65536];
	ssize_t n;
	/* Shares the blocks where the file system can. */
	while ((n = copy_file_range(from_fd, NULL, to_fd, NULL, (size_t)1 << 30, 0)) > 0)
		;
	while (n < 0 && (n = read(from_fd, block, sizeof(block))) > 0) {
		if (write(to_fd, block, (size_t)n) != n)
			return err_sys(m->e, "write '%s'", m->path);
		n = -1;
	}
	return n == 0 || err_sys(m->e, "copy '%s'", m->path);
}

static const char *known_path(struct merge *m, const struct stat *st)
{
	for (size_t i = m->n_links; i-- > 0;)
		if (m->links[i].ino == st->st_ino)
			return m->links[i].path;
	if (m->n_links == m->room) {
		size_t room = m->room ? 2 * m->room : 64;
		void *grown = reallocarray(m->links, room, sizeof(*m->links));
		if (!grown)
			return NULL;
		m->links = grown;
		m->room = room;
	}
	char *copy = strdup(m->path);
	if (copy)
		m->links[m->n_links++] = (struct known){st->st_ino, copy};
	return NULL;
}

static bool merge_file(
	struct merge *m, int from_dir, int to_dir, const char *name, const struct stat *st)
{
	const char *first = st->st_nlink > 1 ? known_path(m, st) : NULL;
	if (first)
		return linkat(m->t->root_fd, first, to_dir, name, 0) == 0 ||
		       err_sys(m->e, "link '%s'", m->path);
	CLEAN(clean_fd)
	int from_fd = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	CLEAN(clean_fd)
	int to_fd =
		openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (from_fd < 0 || to_fd < 0)
		return err_sys(m->e, "copy '%s'", m->path);
	return copy_data(m, from_fd, to_fd) && copy_attributes(m, from_fd, to_fd, st);
}

static bool merge_symlink(
	struct merge *m, int from_dir, int to_dir, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	const struct timespec times[2] = {st->st_mtim, st->st_mtim};
	ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	if (n < 0 || symlinkat(target, to_dir, name) < 0 ||
		(!m->t->is_single &&
			fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0))
		return err_sys(m->e, "copy link '%s'", m->path);
	utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW);
	return true;
}

static bool merge_directory(struct merge *m, int from_fd, int to_fd);

static bool merge_below(
	struct merge *m, int from_dir, int to_dir, const char *name, const struct stat *st)
{
	struct stat there;
	if (fstatat(to_dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(there.st_mode) &&
		!tree_remove(to_dir, name, m->e))
		return false;
	if (mkdirat(to_dir, name, 0700) < 0 && errno != EEXIST)
		return err_sys(m->e, "make directory '%s'", m->path);
	CLEAN(clean_fd)
	int from_fd = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEAN(clean_fd)
	int to_fd = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (from_fd < 0 || to_fd < 0)
		return err_sys(m->e, "open directory '%s'", m->path);
	return merge_directory(m, from_fd, to_fd) && copy_attributes(m, from_fd, to_fd, st);
}

static bool merge_entry(struct merge *m, int from_dir, int to_dir, const char *name)
{
	struct stat st;
	size_t before = m->length;
	bool ok;
	if (before + strlen(name) + 2 > sizeof(m->path))
		return err_msg(m->e, ERR_INPUT, "the path of '%s' is too long", name);
	if (fstatat(from_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(m->e, "look at '%s'", name);
	m->length += (size_t)snprintf(
		m->path + before, sizeof(m->path) - before, "%s%s", before ? "/" : "", name);
	if (S_ISDIR(st.st_mode))
		ok = merge_below(m, from_dir, to_dir, name, &st);
	else
		ok = tree_remove(to_dir, name, m->e);
	if (ok && S_ISREG(st.st_mode))
		ok = merge_file(m, from_dir, to_dir, name, &st);
	else if (ok && S_ISLNK(st.st_mode))
		ok = merge_symlink(m, from_dir, to_dir, name, &st);
	else if (ok && S_ISFIFO(st.st_mode))
		ok = mkfifoat(to_dir, name, st.st_mode & 0777) == 0 ||
		     err_sys(m->e, "make pipe '%s'", m->path);
	/* A whiteout, character device 0:0, has done its work. */
	m->length = before;
	m->path[before] = '\0';
	return ok;
}

static bool merge_directory(struct merge *m, int from_fd, int to_fd)
{
	char mark;
	if (fgetxattr(from_fd, OPAQUE_XATTR, &mark, 1) == 1 && mark == 'y') {
		struct tree below = {.root_fd = to_fd};
		if (!tree_clear(&below, m->e))
			return false;
	}
	int list_fd = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);
	struct dirent *entry;
	if (!dir)
		return err_sys(m->e, "read directory '%s'", m->path);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
			!merge_entry(m, from_fd, to_fd, entry->d_name))
			return false;
	return true;
}

bool merge_layer(struct tree *t, int layer_fd, struct err *e)
{
	struct merge m = {.t = t, .e = e};
	struct stat st;
	CLEAN(clean_fd) int to_fd = openat(t->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = (to_fd >= 0 && fstat(layer_fd, &st) == 0) || err_sys(e, "open the layer");
	ok = ok && merge_directory(&m, layer_fd, to_fd) &&
	     copy_attributes(&m, layer_fd, to_fd, &st);
	for (size_t i = 0; i < m.n_links; i++)
		free(m.links[i].path);
	free(m.links);
	return ok;
}
