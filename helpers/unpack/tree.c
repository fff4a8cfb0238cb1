/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/tree.h"
#include "base/own.h"
#include "sys/path.h"
#include "unpack/entry_name.h"
#include "unpack/owner_note.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define WHITEOUT_PREFIX ".wh."
#define OPAQUE_NAME	".wh..wh..opq"
#define OPAQUE_XATTR	"user.overlay.opaque"

static bool read_ranges(const char *path, struct id_ranges *ret, struct err *e)
{
	CLEAN(clean_file) FILE *f = fopen(path, "re");
	unsigned inside, outside, count;
	if (!f)
		return err_sys(e, "open '%s'", path);
	while (ret->n < TREE_MAP_MAX && fscanf(f, "%u %u %u", &inside, &outside, &count) == 3) {
		ret->first[ret->n] = inside;
		ret->count[ret->n++] = count;
	}
	return true;
}

bool tree_read_maps(struct tree *t, struct err *e)
{
	if (!read_ranges("/proc/self/uid_map", &t->uids, e) ||
		!read_ranges("/proc/self/gid_map", &t->gids, e))
		return false;
	t->is_single = t->uids.n == 1 && t->uids.count[0] == 1;
	return true;
}

static bool has_id(const struct id_ranges *ranges, int64_t id)
{
	for (size_t i = 0; i < ranges->n; i++)
		if (id >= ranges->first[i] && id - ranges->first[i] < ranges->count[i])
			return true;
	return false;
}

static bool check_owner(struct tree *t, struct archive_entry *entry, struct err *e)
{
	int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
	if (uid < 0 || gid < 0 || uid >= UINT32_MAX || gid >= UINT32_MAX)
		return err_msg(e, ERR_INPUT, "'%s' belongs to %lld:%lld, which are no ids",
			archive_entry_pathname(entry), (long long)uid, (long long)gid);
	bool has_uid = has_id(&t->uids, uid), has_gid = has_id(&t->gids, gid);
	if (t->is_single || (has_uid && has_gid))
		return true;
	if (t->is_copy) {
		t->unmapped++;
		archive_entry_set_uid(entry, has_uid ? uid : 0);
		archive_entry_set_gid(entry, has_gid ? gid : 0);
		return true;
	}
	const struct id_ranges *map = has_uid ? &t->gids : &t->uids;
	size_t last = map->n ? map->n - 1 : 0;
	err_msg(e, ERR_INPUT, "'%s' belongs to %s %lld, which is not mapped (the map ends at %u)",
		archive_entry_pathname(entry), has_uid ? "group" : "user",
		(long long)(has_uid ? gid : uid), map->first[last] + map->count[last] - 1);
	return err_hint(e, "have a larger range of subordinate ids, or use --userns=single");
}

/* The name below the root in @ret, and its last component; "" for the root itself. */
static bool settle_name(const char *name, char ret[PATH_MAX], struct err *e)
{
	const char *clean;
	if (!name)
		return err_msg(e, ERR_INPUT, "an entry has no name");
	if (!entry_name_check(name, &clean))
		return err_msg(e, ERR_INPUT, "entry '%s' climbs out of the root", name);
	size_t n = strlen(clean);
	memcpy(ret, clean, n + 1);
	while (n > 0 && (ret[n - 1] == '/' || (ret[n - 1] == '.' && (n == 1 || ret[n - 2] == '/'))))
		ret[--n] = '\0';
	return true;
}

/* The directory that @path stands in, made when missing; *ret_name is the last component. */
static bool open_parent(struct tree *t, char *path, char **ret_name, struct err *e)
{
	char *slash = strrchr(path, '/');
	const char *parent = slash ? path : "";
	*ret_name = slash ? slash + 1 : path;
	if (slash)
		*slash = '\0';
	if (t->parent_fd >= 0 && !strcmp(parent, t->parent))
		return true;
	char absolute[PATH_MAX + 1];
	clean_fd(&t->parent_fd);
	snprintf(absolute, sizeof(absolute), "/%s", parent);
	if (!path_make_in_root(t->root_fd, absolute, PATH_DIRECTORY, &t->parent_fd, e))
		return false;
	strcpy(t->parent, parent);
	return true;
}

#define DEPTH_MAX 2048 /* deeper than any path that the kernel takes at once */

static bool remove_all(int dir_fd, const char *name, int depth, struct err *e);

/* Takes over @dir_fd. */
static bool remove_entries(int take_dir_fd, int depth, struct err *e)
{
	CLEAN(clean_dir) DIR *dir = fdopendir(take_dir_fd);
	struct dirent *entry;
	if (!dir) {
		close(take_dir_fd);
		return err_sys(e, "read a directory");
	}
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
			!remove_all(dirfd(dir), entry->d_name, depth - 1, e))
			return false;
	return true;
}

/* Removes what is in the way, also a whole directory of this archive. */
static bool remove_all(int dir_fd, const char *name, int depth, struct err *e)
{
	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return true;
	if (errno != EISDIR)
		return err_sys(e, "replace '%s'", name);
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || depth == 0) {
		clean_fd(&fd);
		return err_sys(e, "replace the directory '%s'", name);
	}
	if (!remove_entries(fd, depth, e))
		return false;
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0)
		return err_sys(e, "replace the directory '%s'", name);
	return true;
}

/* What stands in the way of something that is no directory. */
static bool make_way(struct tree *t, const char *name, struct err *e)
{
	if (!t->is_copy)
		return remove_all(t->parent_fd, name, DEPTH_MAX, e);
	if (unlinkat(t->parent_fd, name, 0) == 0 || errno == ENOENT)
		return true;
	if (errno == EISDIR)
		return err_msg(e, ERR_INPUT, "the directory '%s' cannot become a file", name);
	return err_sys(e, "replace '%s'", name);
}

bool tree_remove(int dir_fd, const char *name, struct err *e)
{
	return remove_all(dir_fd, name, DEPTH_MAX, e);
}

bool tree_clear(struct tree *t, struct err *e)
{
	int fd = openat(t->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return (fd >= 0 || err_sys(e, "open the directory")) && remove_entries(fd, DEPTH_MAX, e);
}

static void lose(struct tree *t, const char *name, const char *what)
{
	if (t->lost++ == 0)
		snprintf(t->lost_text, sizeof(t->lost_text), "%s of '%.100s': %s", what, name,
			strerror(errno));
}

/* What the archive must not say: overlayfs and this program would believe it. */
static bool is_reserved(const char *xattr)
{
	return !strncmp(xattr, "user.overlay.", 13) || !strncmp(xattr, "trusted.", 8) ||
	       !strcmp(xattr, OWNER_NOTE_XATTR) || !strcmp(xattr, "security.selinux") ||
	       !strcmp(xattr, "security.ima") || !strcmp(xattr, "security.evm");
}

static void set_xattrs(struct tree *t, int fd, const char *name, struct archive_entry *entry)
{
	const char *key;
	const void *value;
	size_t size;
	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &key, &value, &size) == ARCHIVE_OK)
		if (key && !is_reserved(key) && fsetxattr(fd, key, value, size, 0) < 0)
			lose(t, name, key);
}

/* Beside the file: the owner, mode and kind that it should have. */
static void note_owner(struct tree *t, int fd, const char *name, struct archive_entry *entry)
{
	char text[OWNER_NOTE_SIZE];
	struct owner_note note = {.uid = (uint32_t)archive_entry_uid(entry),
		.gid = (uint32_t)archive_entry_gid(entry),
		.mode = archive_entry_filetype(entry) | (archive_entry_perm(entry) & 07777),
		.major = (unsigned)archive_entry_rdevmajor(entry),
		.minor = (unsigned)archive_entry_rdevminor(entry)};
	owner_note_format(&note, text);
	if (fsetxattr(fd, OWNER_NOTE_XATTR, text, strlen(text), 0) < 0)
		lose(t, name, "owner");
}

static bool differs(const struct tree *t, struct archive_entry *entry)
{
	return t->is_single && (archive_entry_uid(entry) || archive_entry_gid(entry) ||
				       (archive_entry_perm(entry) & 07000));
}

static struct timespec time_of(struct archive_entry *entry)
{
	return (struct timespec){archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)};
}

/* Owner before mode, since chown clears setuid; attributes after both, since chown clears
 * file capabilities too; the time last. */
static bool set_attributes(
	struct tree *t, int fd, const char *name, struct archive_entry *entry, struct err *e)
{
	mode_t mode = archive_entry_perm(entry) & 07777;
	bool is_directory = archive_entry_filetype(entry) == AE_IFDIR;
	const struct timespec times[2] = {time_of(entry), time_of(entry)};
	if (!t->is_single && (archive_entry_uid(entry) || archive_entry_gid(entry)) &&
		fchown(fd, (uid_t)archive_entry_uid(entry), (gid_t)archive_entry_gid(entry)) < 0)
		return err_sys(e, "own '%s'", name);
	/* With one id, setuid would give the caller's own rights to the caller's neighbours;
	 * and the caller must be able to read and remove. */
	if (t->is_single && (mode & 07000))
		mode &= 01777;
	if (t->is_single && !t->is_copy)
		mode |= is_directory ? 0700 : 0400;
	if (fchmod(fd, mode) < 0)
		return err_sys(e, "set the mode of '%s'", name);
	if (archive_entry_xattr_count(entry) > 0)
		set_xattrs(t, fd, name, entry);
	if (!t->is_copy && (differs(t, entry) || mode != (archive_entry_perm(entry) & 07777)))
		note_owner(t, fd, name, entry);
	if (!is_directory && futimens(fd, times) < 0)
		return err_sys(e, "set the time of '%s'", name);
	return true;
}

static bool write_data(int fd, struct archive *in, const char *name, struct err *e)
{
	const void *block;
	size_t size;
	la_int64_t offset, end = 0;
	for (;;) {
		int result = archive_read_data_block(in, &block, &size, &offset);
		if (result == ARCHIVE_EOF)
			return true;
		if (result < ARCHIVE_WARN)
			return err_msg(e, ERR_INPUT, "%s", archive_error_string(in));
		for (size_t done = 0; done < size;) {
			/* Where the last one ended, a plain write is the cheaper call. */
			const char *from = (const char *)block + done;
			la_int64_t to = offset + (la_int64_t)done;
			ssize_t n = to == end ? write(fd, from, size - done)
					      : pwrite(fd, from, size - done, to);
			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0)
				return err_sys(e, "write '%s'", name);
			if (to == end)
				end += n;
			done += (size_t)n;
		}
	}
}

static int create_file(struct tree *t, const char *name)
{
	return openat(t->parent_fd, name,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
}

/* A file that something is mounted on, as /etc/hosts, cannot be replaced: it is written to. */
static int open_mounted(struct tree *t, const char *name)
{
	struct stat st;
	int fd = openat(t->parent_fd, name,
		O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		errno = EBUSY;
		return -1;
	}
	return fd;
}

static bool add_file(struct tree *t, struct archive *in, const char *name,
	struct archive_entry *entry, struct err *e)
{
	CLEAN(clean_fd) int fd = create_file(t, name);
	if (fd < 0 && errno == EEXIST) {
		bool has_way = make_way(t, name, e);
		if (!has_way && (!t->is_copy || e->sys != EBUSY))
			return false;
		if (!has_way)
			*e = (struct err)ERR_INIT;
		fd = has_way ? create_file(t, name) : open_mounted(t, name);
	}
	if (fd < 0)
		return err_sys(e, "make '%s'", archive_entry_pathname(entry));
	int64_t size = archive_entry_size(entry);
	if (size > 0 && in && !write_data(fd, in, name, e))
		return false;
	/* A hole at the end has no block of its own. */
	if (size > 0 && archive_entry_sparse_count(entry) > 0 && ftruncate(fd, size) < 0)
		return err_sys(e, "size '%s'", name);
	return set_attributes(t, fd, name, entry, e);
}

static bool remember_directory(
	struct tree *t, const char *path, struct archive_entry *entry, struct err *e)
{
	if (t->n_directories == t->room) {
		size_t room = t->room ? 2 * t->room : 256;
		void *grown = reallocarray(t->directories, room, sizeof(*t->directories));
		if (!grown)
			return err_sys(e, "remember directories");
		t->directories = grown;
		t->room = room;
	}
	char *copy = strdup(path);
	if (!copy)
		return err_sys(e, "remember directories");
	t->directories[t->n_directories++] = (struct tree_directory){
		copy, archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)};
	return true;
}

static bool make_opaque(int fd, const char *name, struct err *e)
{
	if (fsetxattr(fd, OPAQUE_XATTR, "y", 1, 0) < 0) {
		err_sys(e, "mark '%s' as opaque", name);
		return err_hint(e, "have the storage on a file system with user attributes");
	}
	return true;
}

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

static bool add_directory(struct tree *t, const char *path, const char *name,
	struct archive_entry *entry, struct err *e)
{
	struct stat st;
	bool was_whiteout = false;
	if (mkdirat(t->parent_fd, name, 0700) < 0) {
		if (errno != EEXIST || fstatat(t->parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_sys(e, "make directory '%s'", path);
		if (!S_ISDIR(st.st_mode)) {
			if (t->is_copy)
				return err_msg(e, ERR_INPUT,
					"'%s' is no directory, and cannot become one", path);
			was_whiteout = is_whiteout(&st);
			if (!remove_all(t->parent_fd, name, DEPTH_MAX, e))
				return false;
			if (mkdirat(t->parent_fd, name, 0700) < 0)
				return err_sys(e, "make directory '%s'", path);
		}
	}
	CLEAN(clean_fd)
	int fd = openat(t->parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open directory '%s'", path);
	/* Removed below and made anew in one layer: nothing of below shows through. */
	if (was_whiteout && !make_opaque(fd, path, e))
		return false;
	return set_attributes(t, fd, name, entry, e) && remember_directory(t, path, entry, e);
}

static bool add_root(struct tree *t, struct archive_entry *entry, struct err *e)
{
	if (archive_entry_filetype(entry) != AE_IFDIR)
		return err_msg(e, ERR_INPUT, "the root is not a directory");
	CLEAN(clean_fd) int fd = openat(t->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return (fd >= 0 || err_sys(e, "open the root")) && set_attributes(t, fd, "/", entry, e) &&
	       remember_directory(t, "/", entry, e);
}

static bool add_hard_link(
	struct tree *t, const char *name, const char *target, const char *shown, struct err *e)
{
	char path[PATH_MAX];
	CLEAN(clean_fd) int dir_fd = -1;
	if (!settle_name(target, path, e))
		return err_msg(
			e, ERR_INPUT, "entry '%s' links to '%s', out of the root", shown, target);
	char *slash = strrchr(path, '/');
	const char *last = slash ? slash + 1 : path;
	if (slash)
		*slash = '\0';
	bool ok =
		path_open_in_root(t->root_fd, slash ? path : "/", O_PATH | O_DIRECTORY, &dir_fd, e);
	for (int tries = 0; ok && tries < 2; tries++) {
		if (linkat(dir_fd, last, t->parent_fd, name, 0) == 0)
			return true;
		if (errno != EEXIST)
			break;
		struct stat a, b;
		if (fstatat(dir_fd, last, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
			fstatat(t->parent_fd, name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
			a.st_ino == b.st_ino && a.st_dev == b.st_dev)
			return true;
		ok = make_way(t, name, e);
		if (!ok)
			return false;
	}
	if (ok && errno != ENOENT)
		return err_sys(e, "link '%s' to '%s'", shown, target);
	return err_msg(e, ERR_INPUT, "'%s' is a hard link to '%s', which is not in the archive",
		shown, target);
}

static bool add_symlink(
	struct tree *t, const char *name, struct archive_entry *entry, struct err *e)
{
	const char *target = archive_entry_symlink(entry);
	const struct timespec times[2] = {time_of(entry), time_of(entry)};
	if (!target || !target[0])
		return err_msg(e, ERR_INPUT, "link '%s' leads nowhere", name);
	if (symlinkat(target, t->parent_fd, name) < 0 &&
		(errno != EEXIST || !make_way(t, name, e) ||
			symlinkat(target, t->parent_fd, name) < 0))
		return e->cause[0] ? false : err_sys(e, "make link '%s'", name);
	if (!t->is_single && (archive_entry_uid(entry) || archive_entry_gid(entry)) &&
		fchownat(t->parent_fd, name, (uid_t)archive_entry_uid(entry),
			(gid_t)archive_entry_gid(entry), AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "own link '%s'", name);
	utimensat(t->parent_fd, name, times, AT_SYMLINK_NOFOLLOW);
	return true;
}

/* A pipe is made; a device becomes an empty file that says in an attribute what it is. */
static bool add_special(
	struct tree *t, const char *name, struct archive_entry *entry, struct err *e)
{
	bool is_pipe = archive_entry_filetype(entry) == AE_IFIFO;
	if (t->is_copy) {
		t->skipped++;
		return true;
	}
	if (!remove_all(t->parent_fd, name, DEPTH_MAX, e))
		return false;
	if (is_pipe && mkfifoat(t->parent_fd, name, 0600) < 0)
		return err_sys(e, "make pipe '%s'", name);
	CLEAN(clean_fd)
	int fd =
		is_pipe ? openat(t->parent_fd, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
			: create_file(t, name);
	if (fd < 0)
		return err_sys(e, "make '%s'", name);
	if (!set_attributes(t, fd, name, entry, e))
		return false;
	if (!is_pipe)
		note_owner(t, fd, name, entry);
	return true;
}

/* .wh.NAME hides NAME of the layers below, never what this layer itself has. */
static bool add_whiteout(struct tree *t, const char *name, struct err *e)
{
	struct stat st;
	if (!strcmp(name, OPAQUE_NAME)) {
		CLEAN(clean_fd)
		int fd = openat(t->parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return (fd >= 0 || err_sys(e, "open '%s'", t->parent)) &&
		       make_opaque(fd, t->parent, e);
	}
	name += strlen(WHITEOUT_PREFIX);
	if (!name[0] || !strcmp(name, ".") || !strcmp(name, "..") || !strncmp(name, ".wh.", 4))
		return true; /* aufs's own files: nobody's */
	if (fstatat(t->parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!S_ISDIR(st.st_mode))
			return true;
		CLEAN(clean_fd)
		int fd =
			openat(t->parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		return (fd >= 0 || err_sys(e, "open '%s'", name)) && make_opaque(fd, name, e);
	}
	if (mknodat(t->parent_fd, name, S_IFCHR, 0) < 0)
		return err_sys(e, "hide '%s'", name);
	return true;
}

static bool add_named(
	struct tree *t, struct archive *in, char *path, struct archive_entry *entry, struct err *e)
{
	char *name;
	char whole[PATH_MAX];
	const char *link = archive_entry_hardlink(entry);
	strcpy(whole, path);
	if (!open_parent(t, path, &name, e))
		return false;
	if (strlen(name) > NAME_MAX)
		return err_msg(e, ERR_INPUT, "the name '%s' is too long", name);
	if (t->is_layer && !strncmp(name, WHITEOUT_PREFIX, strlen(WHITEOUT_PREFIX)))
		return add_whiteout(t, name, e);
	if (link)
		return add_hard_link(t, name, link, whole, e);
	if (!check_owner(t, entry, e))
		return false;
	switch (archive_entry_filetype(entry)) {
	case AE_IFDIR:
		return add_directory(t, whole, name, entry, e);
	case AE_IFLNK:
		return add_symlink(t, name, entry, e);
	case AE_IFREG:
		return add_file(t, in, name, entry, e);
	case AE_IFCHR:
	case AE_IFBLK:
	case AE_IFIFO:
		return add_special(t, name, entry, e);
	default:
		return true; /* a socket: its server makes it */
	}
}

bool tree_add(struct tree *t, struct archive *in, struct archive_entry *entry, struct err *e)
{
	char path[PATH_MAX];
	if (++t->entries > t->entries_max) {
		err_msg(e, ERR_INPUT, "it has more than %lld entries", (long long)t->entries_max);
		return err_hint(e, "GUSCIO_UNPACK_ENTRIES allows more");
	}
	if (!settle_name(archive_entry_pathname(entry), path, e))
		return false;
	if (!path[0] && t->is_copy)
		return true; /* the directory that is copied to stays as it is */
	if (!path[0])
		return check_owner(t, entry, e) && add_root(t, entry, e);
	return add_named(t, in, path, entry, e);
}

bool tree_finish(struct tree *t, struct err *e)
{
	for (size_t i = t->n_directories; i-- > 0;) {
		const struct tree_directory *d = &t->directories[i];
		const struct timespec times[2] = {{d->mtime, d->mtime_ns}, {d->mtime, d->mtime_ns}};
		CLEAN(clean_fd) int fd = -1;
		struct err replaced;
		/* Replaced by something else since: it has its own time. */
		if (!path_open_in_root(t->root_fd, d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
			    &fd, &replaced))
			continue;
		if (futimens(fd, times) < 0)
			return err_sys(e, "set the time of '%s'", d->path);
	}
	return true;
}

void tree_done(struct tree *t)
{
	for (size_t i = 0; i < t->n_directories; i++)
		free(t->directories[i].path);
	free(t->directories);
	clean_fd(&t->parent_fd);
}
