/* SPDX-License-Identifier: Apache-2.0 */
#include "state/record.h"
#include "base/own.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define BOOT_ID_SIZE 64
/* How many directories one sweep looks at. */
#define SWEEP_MAX   16
#define SWEEP_AGE_S 2

static bool read_boot_id(char *buf, size_t size)
{
	CLEAN(clean_fd)
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);
	if (n <= 0)
		return false;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return true;
}

bool state_start_time(pid_t pid, uint64_t *ret)
{
	char path[64], text[1024];
	unsigned long long value;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	CLEAN(clean_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	/* The name in field 2 may hold anything, also ") ": count from the last one. */
	char *p = strrchr(text, ')');
	/* One that only waits to be reaped is gone. */
	if (p && p[1] && (p[2] == 'Z' || p[2] == 'X'))
		return false;
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (!p || sscanf(p, "%llu", &value) != 1)
		return false;
	*ret = value;
	return true;
}

/* The runtime directory, ours alone: in /tmp somebody else could have made it first. */
static bool open_runtime(const char *runtime_dir, int *ret_fd, struct err *e)
{
	struct stat st;
	if (mkdir(runtime_dir, 0700) < 0 && errno != EEXIST) {
		err_sys(e, "make directory '%s'", runtime_dir);
		return err_what(e, ERR_HOST, "cannot keep the container's state");
	}
	CLEAN(clean_fd)
	int fd = open(runtime_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		err_sys(e, "open '%s'", runtime_dir);
		return err_what(e, ERR_HOST, "cannot keep the container's state");
	}
	if (st.st_uid != geteuid() || (st.st_mode & 022)) {
		err_msg(e, ERR_HOST, "'%s' is not yours alone", runtime_dir);
		err_what(e, ERR_HOST, "cannot keep the container's state");
		return err_hint(e, "set XDG_RUNTIME_DIR to a directory of yours with mode 0700");
	}
	*ret_fd = TAKE_FD(fd);
	return true;
}

static bool read_link(int dir_fd, const char *name, char *buf, size_t size)
{
	ssize_t n = readlinkat(dir_fd, name, buf, size - 1);
	if (n < 0)
		return false;
	buf[n] = '\0';
	return true;
}

/* True while the starter that made the directory lives: it holds the lock. */
static bool is_alive(int runtime_fd, const char *id)
{
	CLEAN(clean_fd)
	int fd = openat(runtime_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0;
}

static void remove_directory(int runtime_fd, const char *id)
{
	static const char *const files[] = {"record", "record.new", "hosts", "hostname",
		"resolv.conf", "notify", "port.sock", "port.lock"};
	CLEAN(clean_fd)
	int fd = openat(runtime_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	unlinkat(fd, files[0], 0);
	/* Mostly there was no more than the record. */
	if (unlinkat(runtime_fd, id, AT_REMOVEDIR) == 0)
		return;
	for (size_t i = 1; i < ARRAY_LEN(files); i++)
		unlinkat(fd, files[i], 0);
	unlinkat(runtime_fd, id, AT_REMOVEDIR);
}

static bool take_name(int runtime_fd, const char *id, const char *name, struct err *e)
{
	char path[16 + STATE_NAME_MAX], holder[STATE_ID_SIZE + 8];
	if (mkdirat(runtime_fd, "names", 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make directory 'names'");
	snprintf(path, sizeof(path), "names/%s", name);
	for (int tries = 0; tries < 8; tries++) {
		if (symlinkat(id, runtime_fd, path) == 0)
			return true;
		if (errno != EEXIST)
			return err_sys(e, "take the name");
		if (!read_link(runtime_fd, path, holder, sizeof(holder)))
			continue;
		if (is_alive(runtime_fd, holder)) {
			err_msg(e, ERR_STATE, "container %.12s has it", holder);
			err_what(e, ERR_STATE, "the name '%s' is in use", name);
			return err_hint(e, "choose another name, or end that container");
		}
		/* Its starter was killed: the name is free, whoever unlinks it. */
		unlinkat(runtime_fd, path, 0);
	}
	return err_msg(e, ERR_STATE, "the name '%s' is fought over", name);
}

bool state_claim(
	const char *runtime_dir, const char *id, const char *name, int *ret_lock_fd, struct err *e)
{
	CLEAN(clean_fd) int runtime_fd = -1;
	CLEAN(clean_fd) int lock_fd = -1;
	if (!open_runtime(runtime_dir, &runtime_fd, e))
		return false;
	if (mkdirat(runtime_fd, id, 0700) < 0 ||
		(lock_fd = openat(runtime_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
		flock(lock_fd, LOCK_EX | LOCK_NB) < 0) {
		err_sys(e, "make '%s/%s'", runtime_dir, id);
		return err_what(e, ERR_HOST, "cannot keep the container's state");
	}
	if (name && !take_name(runtime_fd, id, name, e)) {
		remove_directory(runtime_fd, id);
		return false;
	}
	*ret_lock_fd = TAKE_FD(lock_fd);
	return true;
}

bool state_write(const char *runtime_dir, const struct state_record *record, struct err *e)
{
	char path[4200], final_path[4200], text[2048], boot_id[BOOT_ID_SIZE];
	if (!read_boot_id(boot_id, sizeof(boot_id)))
		return err_sys(e, "read the boot id");
	int len = snprintf(text, sizeof(text),
		"guscio %d\nboot %s\npid %d\nstart %llu\nname %s\ncgroup %s\n", STATE_VERSION,
		boot_id, (int)record->pid, (unsigned long long)record->start_time, record->name,
		record->cgroup);
	snprintf(path, sizeof(path), "%s/%s/record.new", runtime_dir, record->id);
	snprintf(final_path, sizeof(final_path), "%s/%s/record", runtime_dir, record->id);
	CLEAN(clean_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	/* No fsync: after a crash of the machine the boot id is another one. */
	if (fd < 0 || write(fd, text, (size_t)len) != len || rename(path, final_path) < 0)
		return err_sys(e, "write '%s'", final_path);
	return true;
}

void state_release(const char *runtime_dir, const char *id, const char *name)
{
	char path[16 + STATE_NAME_MAX], holder[STATE_ID_SIZE + 8];
	struct err ignored;
	CLEAN(clean_fd) int runtime_fd = -1;
	if (!open_runtime(runtime_dir, &runtime_fd, &ignored))
		return;
	if (name) {
		snprintf(path, sizeof(path), "names/%s", name);
		/* The name first: who finds it free must not find it gone from under a new holder.
		 */
		if (read_link(runtime_fd, path, holder, sizeof(holder)) && !strcmp(holder, id))
			unlinkat(runtime_fd, path, 0);
	}
	remove_directory(runtime_fd, id);
}

void state_rename(const char *runtime_dir, const char *id, const char *from, const char *to)
{
	char path[16 + STATE_NAME_MAX], new_path[16 + STATE_NAME_MAX], holder[STATE_ID_SIZE + 8];
	struct err ignored;
	CLEAN(clean_fd) int runtime_fd = -1;
	if (!open_runtime(runtime_dir, &runtime_fd, &ignored))
		return;
	snprintf(path, sizeof(path), "names/%s", from);
	snprintf(new_path, sizeof(new_path), "names/%s", to);
	if (read_link(runtime_fd, path, holder, sizeof(holder)) && !strcmp(holder, id))
		renameat2(runtime_fd, path, runtime_fd, new_path, RENAME_NOREPLACE);
}

static bool parse_record(const char *text, const char *id, struct state_record *ret)
{
	char boot_id[BOOT_ID_SIZE], boot_now[BOOT_ID_SIZE];
	struct state_record record = {0};
	unsigned long long start_time;
	int version, pid;
	record.name[0] = '\0';
	int got = sscanf(text, "guscio %d\nboot %63s\npid %d\nstart %llu\nname %127[^\n]", &version,
		boot_id, &pid, &start_time, record.name);
	if (got < 4 || version != STATE_VERSION || pid <= 1 ||
		!read_boot_id(boot_now, sizeof(boot_now)) || strcmp(boot_id, boot_now))
		return false;
	const char *cgroup = strstr(text, "\ncgroup /");
	if (cgroup)
		snprintf(record.cgroup, sizeof(record.cgroup), "%.*s",
			(int)strcspn(cgroup + 8, "\n"), cgroup + 8);
	record.pid = pid;
	record.start_time = start_time;
	snprintf(record.id, sizeof(record.id), "%.64s", id);
	*ret = record;
	return true;
}

static bool read_record(int runtime_fd, const char *id, struct state_record *ret)
{
	char path[STATE_ID_SIZE + 16], text[2048];
	uint64_t start_time;
	snprintf(path, sizeof(path), "%.64s/record", id);
	CLEAN(clean_fd) int fd = openat(runtime_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	/* A pid that was given to somebody else has another start time. */
	return parse_record(text, id, ret) && state_start_time(ret->pid, &start_time) &&
	       start_time == ret->start_time;
}

static bool is_id(const char *s)
{
	size_t n = strspn(s, "0123456789abcdef");
	return n > 0 && n < STATE_ID_SIZE && !s[n];
}

static bool find_prefix(int runtime_fd, const char *prefix, char *ret_id, struct err *e)
{
	int copy_fd = openat(runtime_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = copy_fd < 0 ? NULL : fdopendir(copy_fd);
	struct dirent *entry;
	size_t found = 0, len = strlen(prefix);
	if (!dir)
		return err_sys(e, "read the runtime directory");
	while ((entry = readdir(dir))) {
		if (!is_id(entry->d_name) || strncmp(entry->d_name, prefix, len))
			continue;
		snprintf(ret_id, STATE_ID_SIZE, "%.64s", entry->d_name);
		found++;
	}
	if (found > 1)
		return err_what(e, ERR_STATE, "'%s' is the beginning of %zu containers' ids",
			prefix, found);
	return found == 1 || err_what(e, ERR_STATE, "no container '%s'", prefix);
}

bool state_find(const char *runtime_dir, const char *text, struct state_record *ret, struct err *e)
{
	char path[16 + STATE_NAME_MAX], id[STATE_ID_SIZE + 8];
	CLEAN(clean_fd) int runtime_fd = -1;
	*e = (struct err)ERR_INIT;
	if (!open_runtime(runtime_dir, &runtime_fd, e))
		return false;
	if (strchr(text, '/') || strlen(text) >= STATE_NAME_MAX)
		return err_what(e, ERR_USAGE, "'%s' is no container's name", text);
	snprintf(path, sizeof(path), "names/%s", text);
	if (!read_link(runtime_fd, path, id, sizeof(id))) {
		if (!is_id(text))
			return err_what(e, ERR_STATE, "no container '%s'", text);
		if (!find_prefix(runtime_fd, text, id, e))
			return false;
	}
	return read_record(runtime_fd, id, ret) ||
	       err_what(e, ERR_STATE, "container '%s' does not run", text);
}

/*
 * Mostly the caller's container is the only one: then there is nothing to look at. A file system
 * that counts no directories says 1 link.
 */
static bool is_alone(const char *runtime_dir)
{
	struct stat st;
	if (stat(runtime_dir, &st) < 0)
		return false;
	if (st.st_nlink != 4)
		return st.st_nlink == 3;
	char names[4096];
	snprintf(names, sizeof(names), "%s/names", runtime_dir);
	return faccessat(AT_FDCWD, names, F_OK, AT_EACCESS) == 0;
}

void state_sweep(const char *runtime_dir)
{
	struct err ignored;
	if (is_alone(runtime_dir))
		return;
	CLEAN(clean_fd) int runtime_fd = -1;
	int looked = 0;
	struct dirent *entry;
	if (!open_runtime(runtime_dir, &runtime_fd, &ignored))
		return;
	int copy_fd = openat(runtime_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = copy_fd < 0 ? NULL : fdopendir(copy_fd);
	while (dir && looked < SWEEP_MAX && (entry = readdir(dir))) {
		if (strlen(entry->d_name) != STATE_ID_SIZE - 1 || !is_id(entry->d_name))
			continue;
		looked++;
		CLEAN(clean_fd)
		int fd = openat(
			runtime_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		struct stat st;
		/* A young one's starter may stand between its mkdir and its lock. */
		bool is_new =
			fd < 0 || fstat(fd, &st) < 0 || time(NULL) - st.st_ctime < SWEEP_AGE_S;
		if (is_new || flock(fd, LOCK_EX | LOCK_NB) < 0)
			continue;
		remove_directory(runtime_fd, entry->d_name);
	}
}
