/* SPDX-License-Identifier: Apache-2.0 */
#include "state/record.h"
#include "base/own.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#define BOOT_ID_SIZE 64
/* How many directories one sweep looks at. */
#define SWEEP_MAX   16
#define SWEEP_AGE_S 2
/* In a container's directory: its name, when it is not the starter's; pipes of who waits. */
#define RENAMED	    "renamed"
#define WAIT_PREFIX "wait."
/* A line of a record to which more is still to come. */

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

bool state_look(pid_t pid, uint64_t *ret_start_time, pid_t *ret_parent)
{
	char path[64], text[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	CLEAN(clean_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	/* The name in field 2 may hold anything, also ") ": count from the last one. */
	char *p = strrchr(text, ')');
	/* One that only waits to be reaped is gone. */
	if (!p || !p[1] || p[2] == 'Z' || p[2] == 'X')
		return false;
	*ret_parent = (pid_t)strtol(p + 3, NULL, 10);
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	*ret_start_time = p ? strtoull(p, NULL, 10) : 0;
	return p != NULL;
}

bool state_exit_status(pid_t pid, int *ret_status)
{
	char path[64], text[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	CLEAN(clean_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	char *p = strrchr(text, ')');
	bool is_dead = p && p[1] && p[2] == 'Z';
	for (int field = 2; p && field < 52; field++)
		p = strchr(p + 1, ' ');
	return is_dead && p && sscanf(p, "%d", ret_status) == 1;
}

bool state_start_time(pid_t pid, uint64_t *ret)
{
	pid_t parent;
	return state_look(pid, ret, &parent);
}

pid_t state_parent(pid_t pid)
{
	uint64_t start_time;
	pid_t parent;
	return state_look(pid, &start_time, &parent) ? parent : 0;
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

/* Whoever waits for its end has left a pipe there: read and write, so that it never blocks. */
static void tell_waiting(int dir_fd, int exit_code)
{
	int copy_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = copy_fd < 0 ? NULL : fdopendir(copy_fd);
	struct dirent *entry;
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", exit_code);
	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, WAIT_PREFIX, strlen(WAIT_PREFIX)))
			continue;
		CLEAN(clean_fd)
		int fd =
			openat(dir_fd, entry->d_name, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && exit_code >= 0)
			(void)!write(fd, text, (size_t)len);
		unlinkat(dir_fd, entry->d_name, 0);
	}
}

static void leave_name(int runtime_fd, const char *id, const char *name)
{
	char path[16 + STATE_NAME_MAX], holder[STATE_ID_SIZE + 8];
	snprintf(path, sizeof(path), "names/%.127s", name);
	if (read_link(runtime_fd, path, holder, sizeof(holder)) && !strcmp(holder, id))
		unlinkat(runtime_fd, path, 0);
}

static void remove_directory(int runtime_fd, const char *id, int exit_code)
{
	static const char *const files[] = {"record", "record.new", "hosts", "hostname",
		"resolv.conf", "notify", "port.sock", "port.lock", RENAMED};
	char name[STATE_NAME_MAX];
	CLEAN(clean_fd)
	int fd = openat(runtime_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	unlinkat(fd, files[0], 0);
	/* Mostly there was no more than the record. */
	if (unlinkat(runtime_fd, id, AT_REMOVEDIR) == 0)
		return;
	if (read_link(fd, RENAMED, name, sizeof(name)))
		leave_name(runtime_fd, id, name);
	for (size_t i = 1; i < ARRAY_LEN(files); i++)
		unlinkat(fd, files[i], 0);
	/* Somebody may begin to wait at this very moment. */
	for (int tries = 0; tries < 3 && unlinkat(runtime_fd, id, AT_REMOVEDIR) < 0; tries++)
		tell_waiting(fd, exit_code);
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

/* Somebody may be looking, for a moment, whether it is held. */
static bool lock(int lock_fd)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	for (int tries = 0; tries < 20; tries++) {
		if (flock(lock_fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		nanosleep(&moment, NULL);
	}
	return false;
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
		!lock(lock_fd)) {
		err_sys(e, "make '%s/%s'", runtime_dir, id);
		return err_what(e, ERR_HOST, "cannot keep the container's state");
	}
	if (name && !take_name(runtime_fd, id, name, e)) {
		remove_directory(runtime_fd, id, -1);
		return false;
	}
	*ret_lock_fd = TAKE_FD(lock_fd);
	return true;
}

bool state_write(
	const char *runtime_dir, const struct state_record *record, const char *more, struct err *e)
{
	char path[4200], final_path[4200], text[2048], boot_id[BOOT_ID_SIZE];
	if (!read_boot_id(boot_id, sizeof(boot_id)))
		return err_sys(e, "read the boot id");
	int len = snprintf(text, sizeof(text),
		"guscio %d\nboot %s\npid %d\nstart %llu\nname %s\ncgroup %s\n\n", STATE_VERSION,
		boot_id, (int)record->pid, (unsigned long long)record->start_time, record->name,
		record->cgroup);
	struct iovec parts[] = {
		{text, (size_t)len}, {(void *)(more ? more : ""), more ? strlen(more) : 0}};
	ssize_t whole = (ssize_t)(parts[0].iov_len + parts[1].iov_len);
	snprintf(path, sizeof(path), "%s/%s/record.new", runtime_dir, record->id);
	snprintf(final_path, sizeof(final_path), "%s/%s/record", runtime_dir, record->id);
	CLEAN(clean_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	/* No fsync: after a crash of the machine the boot id is another one. */
	if (fd < 0 || writev(fd, parts, 2) != whole || rename(path, final_path) < 0)
		return err_sys(e, "write '%s'", final_path);
	return true;
}

char *state_read_more(const char *runtime_dir, const char *id, size_t max)
{
	char path[4200];
	struct stat st;
	snprintf(path, sizeof(path), "%s/%.64s/record", runtime_dir, id);
	CLEAN(clean_fd) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return NULL;
	size_t size = (size_t)st.st_size < max ? (size_t)st.st_size : max;
	CLEAN(clean_free) char *text = malloc(size + 1);
	ssize_t n = text ? read(fd, text, size) : -1;
	if (n <= 0)
		return NULL;
	text[n] = '\0';
	char *more = strstr(text, "\n\n");
	return more && more[2] ? strdup(more + 2) : NULL;
}

void state_release(const char *runtime_dir, const char *id, const char *name, int exit_code)
{
	struct err ignored;
	CLEAN(clean_fd) int runtime_fd = -1;
	if (!open_runtime(runtime_dir, &runtime_fd, &ignored))
		return;
	/* The name first: who finds it free must not find it gone from under a new holder. */
	if (name)
		leave_name(runtime_fd, id, name);
	remove_directory(runtime_fd, id, exit_code);
}

bool state_release_plain(int lock_fd, const char *id)
{
	static const char *const own_files[] = {"hosts", "hostname", "resolv.conf"};
	char path[STATE_ID_SIZE + 4];
	snprintf(path, sizeof(path), "../%.64s", id);
	unlinkat(lock_fd, "record", 0);
	if (unlinkat(lock_fd, path, AT_REMOVEDIR) == 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(own_files); i++)
		unlinkat(lock_fd, own_files[i], 0);
	return unlinkat(lock_fd, path, AT_REMOVEDIR) == 0;
}

bool state_wait_open(const char *runtime_dir, const char *id, char *ret_path, size_t size,
	int *ret_fd, struct err *e)
{
	snprintf(ret_path, size, "%s/%s/" WAIT_PREFIX "%d", runtime_dir, id, (int)getpid());
	if (mkfifo(ret_path, 0600) < 0 && errno != EEXIST) {
		bool is_gone = errno == ENOENT;
		err_sys(e, "make '%s'", ret_path);
		return err_what(
			e, is_gone ? ERR_STATE : ERR_HOST, "cannot wait for container %.12s", id);
	}
	*ret_fd = open(ret_path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (*ret_fd >= 0)
		return true;
	err_sys(e, "open '%s'", ret_path);
	return err_what(e, ERR_STATE, "cannot wait for container %.12s", id);
}

bool state_rename_foreground(
	const char *runtime_dir, const char *id, const char *from, const char *to, struct err *e)
{
	char path[STATE_ID_SIZE + 32];
	CLEAN(clean_fd) int runtime_fd = -1;
	if (!open_runtime(runtime_dir, &runtime_fd, e) || !take_name(runtime_fd, id, to, e))
		return false;
	snprintf(path, sizeof(path), "%.64s/" RENAMED, id);
	unlinkat(runtime_fd, path, 0);
	if (symlinkat(to, runtime_fd, path) < 0) {
		err_sys(e, "write it down");
		leave_name(runtime_fd, id, to);
		return err_what(e, ERR_STATE, "cannot rename container %.12s", id);
	}
	if (from[0])
		leave_name(runtime_fd, id, from);
	return true;
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

/* The rest of the line that begins with @key; it may be empty. */
static void take_word(const char *text, const char *key, char *ret, size_t size)
{
	const char *at = strstr(text, key);
	at = at ? at + strlen(key) : "";
	snprintf(ret, size, "%.*s", (int)strcspn(at, "\n"), at);
}

bool state_adopt(
	const char *runtime_dir, const struct state_record *record, int *ret_lock_fd, struct err *e)
{
	CLEAN(clean_fd) int runtime_fd = -1;
	CLEAN(clean_fd) int lock_fd = -1;
	struct err ignored;
	if (!open_runtime(runtime_dir, &runtime_fd, e))
		return false;
	mkdirat(runtime_fd, record->id, 0700);
	lock_fd = openat(runtime_fd, record->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (lock_fd < 0 || flock(lock_fd, LOCK_EX | LOCK_NB) < 0)
		return err_sys(e, "lock '%s/%s'", runtime_dir, record->id);
	/* Another one may have its name by now: it is found by its id then. */
	if (record->name[0])
		take_name(runtime_fd, record->id, record->name, &ignored);
	if (faccessat(lock_fd, "record", F_OK, 0) < 0 && !state_write(runtime_dir, record, NULL, e))
		return false;
	*ret_lock_fd = TAKE_FD(lock_fd);
	return true;
}

static bool parse_record(const char *text, const char *id, struct state_record *ret)
{
	char boot_id[BOOT_ID_SIZE], boot_now[BOOT_ID_SIZE];
	struct state_record record = {0};
	unsigned long long start_time;
	int version, pid;
	int got = sscanf(text, "guscio %d\nboot %63s\npid %d\nstart %llu", &version, boot_id, &pid,
		&start_time);
	if (got < 4 || version != STATE_VERSION || pid <= 1 ||
		!read_boot_id(boot_now, sizeof(boot_now)) || strcmp(boot_id, boot_now))
		return false;
	take_word(text, "\nname ", record.name, sizeof(record.name));
	take_word(text, "\ncgroup ", record.cgroup, sizeof(record.cgroup));
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
	char *more = strstr(text, "\n\n");
	if (more)
		more[1] = '\0';
	/* A pid that was given to somebody else has another start time. */
	if (!parse_record(text, id, ret) || !state_start_time(ret->pid, &start_time) ||
		start_time != ret->start_time)
		return false;
	snprintf(path, sizeof(path), "%.64s/" RENAMED, id);
	read_link(runtime_fd, path, ret->name, sizeof(ret->name));
	return true;
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

/* One in the foreground is written down a moment after its start: who comes earlier waits. */
static bool await_record(int runtime_fd, const char *id, struct state_record *ret)
{
	const struct timespec moment = {.tv_nsec = 5000000};
	char path[STATE_ID_SIZE + 16];
	snprintf(path, sizeof(path), "%.64s/record", id);
	for (int waited_ms = 0; !read_record(runtime_fd, id, ret); waited_ms += 5) {
		if (waited_ms >= STATE_AWAITED_MS || faccessat(runtime_fd, path, F_OK, 0) == 0 ||
			!is_alive(runtime_fd, id))
			return read_record(runtime_fd, id, ret);
		nanosleep(&moment, NULL);
	}
	return true;
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
	return await_record(runtime_fd, id, ret) ||
	       err_what(e, ERR_STATE, "container '%s' does not run", text);
}

void state_list(const char *runtime_dir, struct arena *arena, struct strv *ret)
{
	CLEAN(clean_dir) DIR *dir = opendir(runtime_dir);
	struct dirent *entry;
	while (dir && (entry = readdir(dir)))
		if (strlen(entry->d_name) == STATE_ID_SIZE - 1 && is_id(entry->d_name))
			strv_add(arena, ret, entry->d_name);
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
		remove_directory(runtime_fd, entry->d_name, -1);
	}
}
