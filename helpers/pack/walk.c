/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/walk.h"
#include "base/own.h"
#include "unpack/owner_note.h"

#include <archive_entry.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define DEPTH_MAX 2048

struct link {
	dev_t dev;
	ino_t ino;
	char *path;
};

struct walk {
	struct archive *out;
	char path[PATH_MAX];
	size_t length;
	struct link *links; /* files with several names, by the first one */
	size_t n_links, room;
	struct err *e;
};

static const char *shown(const struct walk *w)
{
	return w->length ? w->path : ".";
}

/* The first name of a file with several, or NULL when this is it. */
static const char *first_name(struct walk *w, const struct stat *st)
{
	for (size_t i = w->n_links; i-- > 0;)
		if (w->links[i].ino == st->st_ino && w->links[i].dev == st->st_dev)
			return w->links[i].path;
	if (w->n_links == w->room) {
		size_t room = w->room ? 2 * w->room : 64;
		void *grown = reallocarray(w->links, room, sizeof(*w->links));
		if (!grown)
			return NULL;
		w->links = grown;
		w->room = room;
	}
	char *copy = strdup(w->path);
	if (copy)
		w->links[w->n_links++] = (struct link){st->st_dev, st->st_ino, copy};
	return NULL;
}

static bool is_ours(const char *xattr)
{
	return !strncmp(xattr, "user.overlay.", 13) || !strcmp(xattr, OWNER_NOTE_XATTR) ||
	       !strncmp(xattr, "security.selinux", 16) || !strncmp(xattr, "trusted.", 8);
}

static void add_xattrs(struct archive_entry *entry, const char *proc_path, bool is_link)
{
	char names[8192];
	static char value[65536]; /* lint: scratch, the largest that the kernel has */
	ssize_t n = is_link ? llistxattr(proc_path, names, sizeof(names))
			    : listxattr(proc_path, names, sizeof(names));
	for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
		if (is_ours(name))
			continue;
		ssize_t size = is_link ? lgetxattr(proc_path, name, value, sizeof(value))
				       : getxattr(proc_path, name, value, sizeof(value));
		if (size >= 0)
			archive_entry_xattr_add_entry(entry, name, value, (size_t)size);
	}
}

/* With one id the file is the caller's; what it should be stands beside it. */
static void apply_note(struct archive_entry *entry, const char *name)
{
	char text[OWNER_NOTE_SIZE];
	struct owner_note note;
	ssize_t n = lgetxattr(name, OWNER_NOTE_XATTR, text, sizeof(text) - 1);
	if (n <= 0)
		return;
	text[n] = '\0';
	if (!owner_note_parse(text, &note))
		return;
	archive_entry_set_uid(entry, note.uid);
	archive_entry_set_gid(entry, note.gid);
	archive_entry_set_perm(entry, note.mode & 07777);
	if (!S_ISCHR(note.mode) && !S_ISBLK(note.mode))
		return;
	archive_entry_set_filetype(entry, note.mode & S_IFMT);
	archive_entry_set_rdevmajor(entry, note.major);
	archive_entry_set_rdevminor(entry, note.minor);
	archive_entry_set_size(entry, 0);
}

static bool write_data(struct walk *w, int fd)
{
	static char block[262144]; /* lint: scratch */
	ssize_t n;
	while ((n = read(fd, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(w->e, "read '%s'", shown(w));
		if (archive_write_data(w->out, block, (size_t)n) < 0) {
			errno = archive_errno(w->out);
			return err_sys(w->e, "write the archive");
		}
	}
	return true;
}

static bool write_entry(struct walk *w, int dir_fd, const char *name, const struct stat *st)
{
	struct archive_entry *entry = archive_entry_new();
	char target[PATH_MAX];
	CLEAN(clean_fd) int fd = -1;
	bool ok = true;
	archive_entry_copy_stat(entry, st);
	archive_entry_set_pathname(entry, shown(w));
	/* The program's directory is the one that is being walked: names need no path. */
	if (fchdir(dir_fd) < 0)
		ok = err_sys(w->e, "enter '%s'", shown(w));
	const char *first =
		ok && S_ISREG(st->st_mode) && st->st_nlink > 1 ? first_name(w, st) : NULL;
	if (first)
		archive_entry_set_hardlink(entry, first);
	if (ok && S_ISLNK(st->st_mode)) {
		ssize_t n = readlink(name, target, sizeof(target) - 1);
		ok = n >= 0 || err_sys(w->e, "read link '%s'", shown(w));
		target[ok ? n : 0] = '\0';
		archive_entry_set_symlink(entry, target);
	}
	if (ok && !first) {
		add_xattrs(entry, name, true);
		apply_note(entry, name);
	}
	bool has_data =
		ok && !first && archive_entry_filetype(entry) == AE_IFREG && st->st_size > 0;
	if (has_data) {
		fd = openat(
			dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		ok = fd >= 0 || err_sys(w->e, "open '%s'", shown(w));
	} else {
		archive_entry_set_size(entry, 0);
	}
	if (ok && archive_write_header(w->out, entry) < ARCHIVE_WARN) {
		errno = archive_errno(w->out);
		ok = err_sys(w->e, "write '%s'", shown(w));
	}
	archive_entry_free(entry);
	return ok && (!has_data || write_data(w, fd));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool walk_directory(struct walk *w, int dir_fd, int depth);

static bool walk_entry(struct walk *w, int dir_fd, const char *name, int depth)
{
	struct stat st;
	size_t before = w->length, n = strlen(name);
	bool ok = true;
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return true;
	if (before + n + 2 > sizeof(w->path))
		return err_msg(w->e, ERR_INPUT, "the path of '%s' is too long", name);
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(w->e, "look at '%s'", name);
	w->length += (size_t)snprintf(
		w->path + before, sizeof(w->path) - before, "%s%s", before ? "/" : "", name);
	if (!S_ISSOCK(st.st_mode))
		ok = write_entry(w, dir_fd, name, &st);
	if (ok && S_ISDIR(st.st_mode)) {
		CLEAN(clean_fd)
		int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		ok = (fd >= 0 || err_sys(w->e, "open '%s'", shown(w))) &&
		     walk_directory(w, fd, depth - 1);
	}
	w->length = before;
	w->path[before] = '\0';
	return ok;
}

static bool walk_directory(struct walk *w, int dir_fd, int depth)
{
	struct dirent **entries = NULL;
	bool ok = true;
	if (depth == 0)
		return err_msg(w->e, ERR_INPUT, "'%s' is too deep", shown(w));
	int n = scandirat(dir_fd, ".", &entries, NULL, by_name);
	if (n < 0)
		return err_sys(w->e, "read '%s'", shown(w));
	for (int i = 0; i < n; i++) {
		ok = ok && walk_entry(w, dir_fd, entries[i]->d_name, depth);
		free(entries[i]);
	}
	free(entries);
	return ok;
}

bool walk_tree(struct archive *out, int root_fd, struct err *e)
{
	struct walk w = {.out = out, .e = e};
	struct stat st;
	bool ok = (fstat(root_fd, &st) == 0 || err_sys(e, "look at the root")) &&
		  write_entry(&w, root_fd, ".", &st) && walk_directory(&w, root_fd, DEPTH_MAX);
	for (size_t i = 0; i < w.n_links; i++)
		free(w.links[i].path);
	free(w.links);
	return ok;
}
