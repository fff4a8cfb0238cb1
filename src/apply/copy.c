/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/copy.h"
#include "apply/child.h"
#include "apply/visit.h"
#include "base/fault.h"
#include "base/own.h"
#include "sys/path.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Three descriptors a level, and the usual limit is 1024. */
#define DEPTH_MAX   250
#define BUFFER_SIZE 65536
/* What nobody inside has: such an owner is left as it comes. */
#define OVERFLOW_ID 65534

struct copying {
	struct child *child;
	const struct copy_job *job;
	size_t skipped;
};

void copy_place_done(struct copy_place *p)
{
	clean_fd(&p->dir_fd);
	clean_fd(&p->fd);
}

static bool is_directory(int fd)
{
	struct stat st;
	return fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Never a directory: what stands in the way of a file. */
static bool make_way(int dir_fd, const char *name)
{
	return unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT;
}

static void set_attributes(
	struct copying *c, int dir_fd, const char *name, int fd, const struct stat *st)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	bool has_owner = st->st_uid != OVERFLOW_ID && st->st_gid != OVERFLOW_ID;
	/* What a container calls setuid must not be so on the host, in the caller's name. */
	bool is_whole = c->job->is_inward || c->job->keeps_modes;
	mode_t mode = st->st_mode & (is_whole ? 07777 : 0777);
	if (c->job->keeps_owners && has_owner)
		(void)!fchownat(dir_fd, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW);
	if (fd >= 0)
		(void)!fchmod(fd, mode);
	utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW);
}

static bool pour(int from_fd, int to_fd, const char *name, struct err *e)
{
	char buffer[BUFFER_SIZE];
	ssize_t n;
	while ((n = copy_file_range(from_fd, NULL, to_fd, NULL, (size_t)1 << 30, 0)) > 0)
		;
	if (n == 0)
		return true;
	if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP &&
		errno != EBADF)
		return err_sys(e, "write '%s'", name);
	for (;;) {
		n = read(from_fd, buffer, sizeof(buffer));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 || err_sys(e, "read '%s'", name);
		for (ssize_t done = 0; done < n;) {
			ssize_t wrote = write(to_fd, buffer + done, (size_t)(n - done));
			if (wrote < 0 && errno != EINTR)
				return err_sys(e, "write '%s'", name);
			done += wrote > 0 ? wrote : 0;
		}
	}
}

/* A file that is a mount point, as /etc/hosts, cannot be replaced: it is written to. */
static int open_target(int dir_fd, const char *name)
{
	const int flags = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	struct stat st;
	if (make_way(dir_fd, name))
		return openat(dir_fd, name, flags | O_CREAT | O_EXCL, 0600);
	if (errno != EBUSY)
		return -1;
	int fd = openat(dir_fd, name, flags | O_TRUNC);
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	return fd;
}

static bool copy_file(struct copying *c, int from_dir, const char *from_name, int to_dir,
	const char *to_name, struct err *e)
{
	struct stat st;
	CLEAN(clean_fd)
	int from_fd = openat(
		from_dir, from_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (from_fd < 0 || fstat(from_fd, &st) < 0)
		return err_sys(e, "open '%s'", from_name);
	if (!S_ISREG(st.st_mode))
		return err_msg(e, ERR_STATE, "'%s' has changed meanwhile", from_name);
	CLEAN(clean_fd) int to_fd = open_target(to_dir, to_name);
	if (to_fd < 0)
		return err_sys(e, "make '%s'", to_name);
	if (!pour(from_fd, to_fd, to_name, e))
		return false;
	set_attributes(c, to_dir, to_name, to_fd, &st);
	fault_point("copy", to_name);
	return true;
}

static bool copy_link(struct copying *c, int from_dir, const char *from_name, int to_dir,
	const char *to_name, const struct stat *st, struct err *e)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from_dir, from_name, target, sizeof(target) - 1);
	if (n < 0)
		return err_sys(e, "read link '%s'", from_name);
	target[n] = '\0';
	if (!make_way(to_dir, to_name) || symlinkat(target, to_dir, to_name) < 0)
		return err_sys(e, "make link '%s'", to_name);
	set_attributes(c, to_dir, to_name, -1, st);
	return true;
}

static bool copy_entry(struct copying *c, int from_dir, const char *from_name, int to_dir,
	const char *to_name, int depth, struct err *e);

/* @take_from_fd: the directory that is read. */
static bool copy_content(struct copying *c, int take_from_fd, int to_fd, int depth, struct err *e)
{
	CLEAN(clean_dir) DIR *dir = fdopendir(take_from_fd);
	struct dirent *entry;
	if (!dir) {
		close(take_from_fd);
		return err_sys(e, "read a directory");
	}
	if (depth > DEPTH_MAX)
		return err_msg(e, ERR_INPUT, "it is more than %d directories deep", DEPTH_MAX);
	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;
		if (strcmp(name, ".") && strcmp(name, "..") &&
			!copy_entry(c, dirfd(dir), name, to_fd, name, depth + 1, e))
			return false;
	}
	return true;
}

static bool copy_directory(struct copying *c, int from_dir, const char *from_name, int to_dir,
	const char *to_name, int depth, struct err *e)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct stat st;
	CLEAN(clean_fd) int from_fd = openat(from_dir, from_name, flags);
	if (from_fd < 0 || fstat(from_fd, &st) < 0)
		return err_sys(e, "open '%s'", from_name);
	if (mkdirat(to_dir, to_name, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make directory '%s'", to_name);
	CLEAN(clean_fd) int to_fd = openat(to_dir, to_name, flags);
	if (to_fd < 0)
		return err_sys(e, "open '%s'", to_name);
	if (!copy_content(c, TAKE_FD(from_fd), to_fd, depth, e))
		return false;
	set_attributes(c, to_dir, to_name, to_fd, &st);
	return true;
}

static bool copy_entry(struct copying *c, int from_dir, const char *from_name, int to_dir,
	const char *to_name, int depth, struct err *e)
{
	struct stat st;
	if (fstatat(from_dir, from_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "look at '%s'", from_name);
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return copy_file(c, from_dir, from_name, to_dir, to_name, e);
	case S_IFDIR:
		return copy_directory(c, from_dir, from_name, to_dir, to_name, depth, e);
	case S_IFLNK:
		return copy_link(c, from_dir, from_name, to_dir, to_name, &st, e);
	default:
		c->skipped++;
		return true;
	}
}

bool copy_find(int root_fd, const char *path, enum copy_follow follows, struct copy_place *ret,
	struct err *e)
{
	char parent[PATH_MAX];
	size_t len = strlen(path);
	if (len >= sizeof(parent))
		return err_msg(e, ERR_USAGE, "the path is too long");
	memcpy(parent, path, len + 1);
	while (len > 1 && parent[len - 1] == '/')
		parent[--len] = '\0';
	char *slash = strrchr(parent, '/');
	const char *name = slash ? slash + 1 : parent;
	if (strlen(name) > NAME_MAX)
		return err_msg(e, ERR_USAGE, "a name in the path is too long");
	/* "/" and what ends in ".." are themselves, in themselves. */
	bool is_itself = !name[0] || !strcmp(name, "..") || !strcmp(name, ".");
	struct err missing = ERR_INIT;
	if (!is_itself) {
		snprintf(ret->name, sizeof(ret->name), "%s", name);
		if (slash)
			slash[slash == parent] = '\0';
	} else {
		strcpy(ret->name, ".");
	}
	if (!path_open_in_root(
		    root_fd, slash ? parent : "/", O_PATH | O_DIRECTORY, &ret->dir_fd, e))
		return false;
	/* A link out of which is copied is followed once, and what it leads to read from here. */
	int flags = follows == COPY_FOLLOW_AND_READ	  ? O_RDONLY | O_NONBLOCK | O_NOCTTY
		    : follows == COPY_FOLLOW || is_itself ? O_PATH
							  : O_PATH | O_NOFOLLOW;
	if (!path_open_in_root(root_fd, path, flags, &ret->fd, &missing) && missing.sys != ENOENT)
		return *e = missing, false;
	return true;
}

/* A link that is to be followed was followed when it was opened: copy what it led to. */
static bool copy_opened(struct copying *c, const struct copy_place *from, int to_dir,
	const char *to_name, struct err *e)
{
	struct stat st;
	if (fstat(from->fd, &st) < 0)
		return err_sys(e, "look at it");
	if (c->job->is_inward || !c->job->follows_link)
		return copy_entry(c, from->dir_fd, from->name, to_dir, to_name, 0, e);
	if (S_ISDIR(st.st_mode)) {
		if (mkdirat(to_dir, to_name, 0700) < 0 && errno != EEXIST)
			return err_sys(e, "make directory '%s'", to_name);
		int fd = openat(from->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		CLEAN(clean_fd)
		int to_fd =
			openat(to_dir, to_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || to_fd < 0) {
			clean_fd(&fd);
			return err_sys(e, "open '%s'", to_name);
		}
		bool ok = copy_content(c, fd, to_fd, 0, e);
		set_attributes(c, to_dir, to_name, to_fd, &st);
		return ok;
	}
	if (!S_ISREG(st.st_mode))
		return err_msg(e, ERR_INPUT, "it is no file, directory or link");
	CLEAN(clean_fd) int to_fd = open_target(to_dir, to_name);
	if (to_fd < 0)
		return err_sys(e, "make '%s'", to_name);
	if (!pour(from->fd, to_fd, to_name, e))
		return false;
	set_attributes(c, to_dir, to_name, to_fd, &st);
	return true;
}

/* docker's rules for where it goes. */
static bool copy_to(struct copying *c, const struct copy_place *from, const struct copy_place *to,
	struct err *e)
{
	bool from_is_directory = is_directory(from->fd), to_is_directory = is_directory(to->fd);
	if (c->job->may_be_missing && !from_is_directory)
		return true;
	if (from->fd < 0)
		return errno = ENOENT, err_sys(e, "open it");
	if (to->fd >= 0 && !to_is_directory && from_is_directory)
		return err_msg(e, ERR_USAGE, "a directory cannot replace a file");
	if (to->fd >= 0 && !to_is_directory && c->job->wants_directory)
		return errno = ENOTDIR, err_sys(e, "go into it");
	if (to->fd < 0 && c->job->wants_directory && !from_is_directory)
		return errno = ENOENT, err_sys(e, "open the directory to copy to");
	if (!to_is_directory)
		return copy_opened(c, from, to->dir_fd, to->name, e);
	CLEAN(clean_fd) int to_fd = openat(to->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to_fd < 0)
		return err_sys(e, "open '%s'", to->name);
	if (!from_is_directory || !c->job->is_content)
		return copy_opened(c, from, to_fd, from->name, e);
	int from_fd = openat(from->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (from_fd < 0)
		return err_sys(e, "open '%s'", from->name);
	return copy_content(c, from_fd, to_fd, 0, e);
}

static bool copy_in_child(struct child *child, void *argument, struct err *e)
{
	const struct copy_job *job = argument;
	struct copying c = {.child = child, .job = job};
	struct copy_place inside = {.dir_fd = -1, .fd = -1};
	struct copy_place outside = {.dir_fd = dup(job->outside_dir_fd),
		.fd = job->outside_fd < 0 ? -1 : dup(job->outside_fd)};
	enum copy_follow follows = job->is_inward      ? COPY_FOLLOW
				   : job->follows_link ? COPY_FOLLOW_AND_READ
						       : COPY_FOLLOW_NOT;
	snprintf(outside.name, sizeof(outside.name), "%s", job->outside_name);
	umask(0);
	bool ok = copy_find(child->root_fd, job->inside, follows, &inside, e);
	bool is_missing = !ok && (e->sys == ENOENT || e->sys == ENOTDIR);
	if (is_missing && job->may_be_missing)
		*e = (struct err)ERR_INIT, ok = true;
	else
		ok = ok && (job->is_inward ? copy_to(&c, &outside, &inside, e)
					   : copy_to(&c, &inside, &outside, e));
	copy_place_done(&inside);
	copy_place_done(&outside);
	if (c.skipped)
		child_note(child, "%zu devices, sockets and pipes were left out", c.skipped);
	return ok || err_what(e, ERR_INPUT, "cannot copy '%s' %s the container", job->inside,
			     job->is_inward ? "into" : "out of");
}

bool copy_run(struct plan *plan, struct copy_job *job, struct notes *notes, struct err *e)
{
	return visit_run(plan, copy_in_child, job, notes, e);
}
