/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/cgroup.h"
#include "base/own.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <time.h>

#define END_WAIT_MS 2000
#define SWEEP_AGE_S 5
#define DEPTH_MAX   200 /* what is inside may be deep to annoy; each level holds a descriptor */

bool cgroup_is_unified(void)
{
	struct statfs fs;
	return statfs(CGROUP_MOUNT, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

bool cgroup_of(pid_t pid, char *ret, size_t size)
{
	char path[64], line[CGROUP_PATH_MAX + 16];
	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	CLEAN(clean_file) FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4) || strlen(line + 3) >= size)
			continue;
		strcpy(ret, line + 3);
		return true;
	}
	return false;
}

bool cgroup_open(const char *path, int *ret_fd, struct err *e)
{
	char full[CGROUP_PATH_MAX + 32];
	snprintf(full, sizeof(full), "%s%s", CGROUP_MOUNT, path);
	int fd = open(full, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open cgroup '%s'", path);
	*ret_fd = fd;
	return true;
}

bool cgroup_read(int fd, const char *file, char *buf, size_t size)
{
	CLEAN(clean_fd) int file_fd = openat(fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	size_t n = 0;
	ssize_t got = 0;
	while (file_fd >= 0 && n < size - 1 && (got = read(file_fd, buf + n, size - 1 - n)) > 0)
		n += (size_t)got;
	while (n && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return file_fd >= 0 && got >= 0;
}

uint64_t cgroup_number(int fd, const char *file, uint64_t otherwise)
{
	char text[64], *end;
	if (!cgroup_read(fd, file, text, sizeof(text)))
		return otherwise;
	unsigned long long value = strtoull(text, &end, 10);
	return end == text ? otherwise : value;
}

uint64_t cgroup_count(int fd, const char *file, const char *key)
{
	char text[8192];
	size_t len = strlen(key);
	if (!cgroup_read(fd, file, text, sizeof(text)))
		return 0;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, len) && line[len] == ' ')
			return strtoull(line + len + 1, NULL, 10);
	}
	return 0;
}

bool cgroup_write(int fd, const char *file, const char *value, struct err *e)
{
	CLEAN(clean_fd) int file_fd = openat(fd, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	size_t len = strlen(value);
	if (file_fd < 0)
		return err_sys(e, "open '%s'", file);
	if (write(file_fd, value, len) != (ssize_t)len)
		return err_sys(e, "write '%s' to '%s'", value, file);
	return true;
}

void cgroup_thaw(const char *path)
{
	CLEAN(clean_fd) int fd = -1;
	struct err ignored;
	if (path[0] && cgroup_open(path, &fd, &ignored) && cgroup_number(fd, "cgroup.freeze", 0))
		cgroup_write(fd, "cgroup.freeze", "0", &ignored);
}

bool cgroup_make(int fd, const char *name, int *ret_fd, struct err *e)
{
	if (mkdirat(fd, name, 0755) < 0)
		return err_sys(e, "make cgroup '%s'", name);
	int child_fd = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (child_fd < 0) {
		err_sys(e, "open cgroup '%s'", name);
		unlinkat(fd, name, AT_REMOVEDIR);
		return false;
	}
	*ret_fd = child_fd;
	return true;
}

/* One round; false with e->kind unset: there was nobody left. */
static bool move_all(int fd, int leaf_fd, struct err *e)
{
	char pids[8192];
	bool has_moved = false;
	if (!cgroup_read(fd, "cgroup.procs", pids, sizeof(pids)))
		return err_sys(e, "read 'cgroup.procs'");
	/* A pid at the end of a full buffer may be cut: the next round has it whole. */
	bool is_full = strlen(pids) >= sizeof(pids) - 16;
	for (char *p = pids, *next; *p; p = next) {
		next = p + strcspn(p, "\n");
		if (*next)
			*next++ = '\0';
		else if (is_full)
			break;
		/* ESRCH: it has ended meanwhile. */
		if (!cgroup_write(leaf_fd, "cgroup.procs", p, e) && e->sys != ESRCH)
			return false;
		has_moved = true;
	}
	return has_moved;
}

bool cgroup_empty_into(int fd, const char *leaf, struct err *e)
{
	if (mkdirat(fd, leaf, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "make cgroup '%s'", leaf);
	CLEAN(clean_fd)
	int leaf_fd = openat(fd, leaf, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct err why = ERR_INIT;
	if (leaf_fd < 0)
		return err_sys(e, "open cgroup '%s'", leaf);
	for (int rounds = 0; rounds < 64; rounds++) {
		why = (struct err)ERR_INIT;
		if (move_all(fd, leaf_fd, &why))
			continue;
		if (!why.kind || why.sys == ESRCH)
			return true;
		return *e = why, false;
	}
	return err_msg(e, ERR_HOST, "processes keep coming into it");
}

bool cgroup_enable(int fd, const char *words, struct err *e)
{
	return cgroup_write(fd, "cgroup.subtree_control", words, e);
}

/* Removes the directories below, then itself: only those of a cgroup can be removed. */
static bool remove_tree(int fd, const char *name, int depth)
{
	if (unlinkat(fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return true;
	int child_fd = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = child_fd < 0 ? NULL : fdopendir(child_fd);
	struct dirent *entry;
	while (dir && depth < DEPTH_MAX && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			remove_tree(child_fd, entry->d_name, depth + 1);
	return unlinkat(fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

static uint64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The kernel says a change of "populated" with POLLPRI. */
static void wait_until_empty(int fd)
{
	CLEAN(clean_fd) int events_fd = openat(fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	struct pollfd p = {.fd = events_fd, .events = POLLPRI};
	uint64_t end = now_ms() + END_WAIT_MS;
	while (events_fd >= 0 && cgroup_count(fd, "cgroup.events", "populated") && now_ms() < end)
		poll(&p, 1, 20);
}

bool cgroup_remove(int fd, const char *name)
{
	struct err ignored;
	if (unlinkat(fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return true;
	CLEAN(clean_fd)
	int child_fd = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (child_fd >= 0 && cgroup_count(child_fd, "cgroup.events", "populated")) {
		/* Frozen processes die too. Before Linux 5.14 there is no such file: then they
		 * ended with their pid namespace. */
		cgroup_write(child_fd, "cgroup.kill", "1", &ignored);
		wait_until_empty(child_fd);
	}
	return remove_tree(fd, name, 0);
}

void cgroup_sweep(int fd, const char *prefix, const char *kept)
{
	int copy_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = copy_fd < 0 ? NULL : fdopendir(copy_fd);
	struct dirent *entry;
	struct stat st;
	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) ||
			!strcmp(entry->d_name, kept) ||
			fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			time(NULL) - st.st_ctime < SWEEP_AGE_S)
			continue;
		CLEAN(clean_fd)
		int child_fd =
			openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child_fd >= 0 && !cgroup_count(child_fd, "cgroup.events", "populated"))
			remove_tree(fd, entry->d_name, 0);
	}
}

bool cgroup_device(const char *path, char *ret, size_t size, struct err *e)
{
	char link[128], text[64];
	struct stat st;
	if (stat(path, &st) < 0)
		return err_sys(e, "look at '%s'", path);
	if (!S_ISBLK(st.st_mode))
		return err_msg(e, ERR_USAGE, "'%s' is no block device", path);
	/* A partition's directory lies in its disk's; the kernel counts for disks only. */
	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u/%s", major(st.st_rdev),
		minor(st.st_rdev), "partition");
	bool is_part = access(link, F_OK) == 0;
	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u/%s", major(st.st_rdev),
		minor(st.st_rdev), is_part ? "../dev" : "dev");
	CLEAN(clean_fd) int fd = open(link, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return err_sys(e, "look at '%s'", link);
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	snprintf(ret, size, "%s", text);
	return true;
}
