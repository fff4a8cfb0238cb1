/* SPDX-License-Identifier: Apache-2.0 */
/* container.c - names, locks and places of containers; what is in a record: container_text.c */
#include "state/container.h"
#include "base/own.h"
#include "base/text.h"
#include "state/container_text.h"
#include "state/event.h"
#include "state/record.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#define PATH_SIZE (STATE_NAME_MAX + STATE_ID_SIZE + 16)

bool containers_open(const char *data_dir, bool may_create, int *ret_fd, struct err *e)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/containers", data_dir);
	/* The directories above it one by one: only a first container ever makes them. */
	for (char *p = path + 1; may_create && access(path, F_OK) < 0 && *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(path, 0755);
		*p = '/';
	}
	if (may_create && mkdir(path, 0700) < 0 && errno != EEXIST) {
		err_sys(e, "make directory '%s'", path);
		return err_what(e, ERR_HOST, "cannot keep containers");
	}
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && !may_create) {
		*ret_fd = -1;
		return true;
	}
	if (fd < 0) {
		err_sys(e, "open '%s'", path);
		return err_what(e, ERR_HOST, "cannot look at the containers");
	}
	if (may_create)
		mkdirat(fd, "names", 0700);
	*ret_fd = fd;
	return true;
}

static bool has_record(int all_fd, const char *id)
{
	char path[PATH_SIZE];
	snprintf(path, sizeof(path), "%s/state", id);
	return faccessat(all_fd, path, F_OK, 0) == 0;
}

/* True when a command works on it right now. */
static bool is_locked(int all_fd, const char *id)
{
	CLEAN(clean_fd)
	int fd = openat(all_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0;
}

static bool read_name(int all_fd, const char *name, char id[STATE_ID_SIZE])
{
	char path[PATH_SIZE];
	snprintf(path, sizeof(path), "names/%s", name);
	ssize_t n = readlinkat(all_fd, path, id, STATE_ID_SIZE - 1);
	if (n < 0)
		return false;
	id[n] = '\0';
	return true;
}

bool container_take_name(int all_fd, const char *id, const char *name, struct err *e)
{
	char path[PATH_SIZE], holder[STATE_ID_SIZE];
	snprintf(path, sizeof(path), "names/%s", name);
	for (int tries = 0; tries < 8; tries++) {
		if (symlinkat(id, all_fd, path) == 0)
			return true;
		if (errno != EEXIST) {
			err_sys(e, "take it");
			return err_what(e, ERR_HOST, "cannot use the name '%s'", name);
		}
		if (!read_name(all_fd, name, holder))
			continue;
		if (!strcmp(holder, id))
			return true;
		if (has_record(all_fd, holder) || is_locked(all_fd, holder)) {
			err_msg(e, ERR_STATE, "container %.12s has it", holder);
			err_what(e, ERR_STATE, "the name '%s' is in use", name);
			return err_hint(e,
				"choose another name, or remove that container first: "
				"guscio rm %s",
				name);
		}
		/* Its maker was killed: the name is free, whoever unlinks it. */
		unlinkat(all_fd, path, 0);
	}
	return err_what(e, ERR_STATE, "the name '%s' is fought over", name);
}

void container_leave_name(int all_fd, const char *id, const char *name)
{
	char path[PATH_SIZE], holder[STATE_ID_SIZE];
	snprintf(path, sizeof(path), "names/%s", name);
	if (name[0] && read_name(all_fd, name, holder) && !strcmp(holder, id))
		unlinkat(all_fd, path, 0);
}

bool container_begin(int all_fd, const char *id, const char *name, int *ret_fd, struct err *e)
{
	CLEAN(clean_fd) int fd = -1;
	if (mkdirat(all_fd, id, 0700) < 0 ||
		(fd = openat(all_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0 ||
		flock(fd, LOCK_EX) < 0) {
		err_sys(e, "make its directory");
		return err_what(e, ERR_HOST, "cannot keep the container");
	}
	if (name[0] && !container_take_name(all_fd, id, name, e)) {
		unlinkat(all_fd, id, AT_REMOVEDIR);
		return false;
	}
	*ret_fd = TAKE_FD(fd);
	return true;
}

static bool is_same(int fd, int all_fd, const char *id)
{
	struct stat a, b;
	return fstat(fd, &a) == 0 && fstatat(all_fd, id, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static bool lock_within(int fd, uint64_t timeout_ms)
{
	const struct timespec moment = {.tv_nsec = 20000000};
	if (timeout_ms == UINT64_MAX)
		return flock(fd, LOCK_EX) == 0;
	for (uint64_t waited = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited += 20) {
		if (errno != EWOULDBLOCK || waited >= timeout_ms)
			return false;
		nanosleep(&moment, NULL);
	}
	return true;
}

bool container_lock(int all_fd, const char *id, int *ret_fd, struct err *e)
{
	return container_lock_within(all_fd, id, UINT64_MAX, ret_fd, e);
}

bool container_is_missing(const struct err *e)
{
	return e->kind == ERR_STATE && text_starts(e->what, "no container");
}

bool container_lock_within(
	int all_fd, const char *id, uint64_t timeout_ms, int *ret_fd, struct err *e)
{
	CLEAN(clean_fd)
	int fd = openat(all_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && !lock_within(fd, timeout_ms)) {
		err_sys(e, "wait for the container");
		return err_what(e, ERR_STATE, "cannot lock container %.12s", id);
	}
	/* While we waited somebody may have removed it. */
	if (fd < 0 || !is_same(fd, all_fd, id))
		return err_what(e, ERR_STATE, "no container '%.12s'", id);
	*ret_fd = TAKE_FD(fd);
	return true;
}

bool container_read(
	int all_fd, const char *id, struct arena *arena, struct container *ret, struct err *e)
{
	char path[PATH_SIZE];
	struct container c;
	size_t size;
	snprintf(path, sizeof(path), "%s/state", id);
	CLEAN(clean_fd) int fd = openat(all_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_what(e, ERR_STATE, "no container '%.12s'", id);
	if (fd < 0) {
		err_sys(e, "open its record");
		return err_what(e, ERR_HOST, "cannot read container %.12s", id);
	}
	char buf[CONTAINER_TEXT_MAX];
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	size = n > 0 ? (size_t)n : 0;
	/* Hundreds of records pass through one arena: no more of it than they are long. */
	char *text = arena_strndup(arena, buf, size);
	container_init(&c);
	c.id = arena_strdup(arena, id);
	if (size + 1 == CONTAINER_TEXT_MAX || !container_from_text(text, arena, &c, e)) {
		/* Not ours to judge, still less to remove. */
		if (size + 1 < CONTAINER_TEXT_MAX && e->kind == ERR_STATE) {
			err_what(e, ERR_STATE, "a newer guscio has written container %.12s", id);
			return err_hint(e, "use that one for it");
		}
		if (size + 1 == CONTAINER_TEXT_MAX)
			err_msg(e, ERR_INPUT, "it is too long");
		err_what(e, ERR_INPUT, "the record of container %.12s is spoilt", id);
		return err_hint(e, "remove the container: guscio rm -f %.12s", id);
	}
	*ret = c;
	return true;
}

static bool write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

bool container_write_file(
	int dir_fd, const char *name, const char *text, bool is_durable, struct err *e)
{
	char temporary[64];
	snprintf(temporary, sizeof(temporary), "%s.new", name);
	CLEAN(clean_fd)
	int fd = openat(
		dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || !write_all(fd, text, strlen(text)) || (is_durable && fdatasync(fd) < 0) ||
		renameat(dir_fd, temporary, dir_fd, name) < 0) {
		err_sys(e, "write '%s'", name);
		unlinkat(dir_fd, temporary, 0);
		return err_what(e, ERR_HOST, "cannot write down the container");
	}
	return true;
}

bool container_write(int dir_fd, const struct container *c, bool is_durable, struct err *e)
{
	CLEAN(clean_free) char *text = container_to_text(c);
	if (!text)
		return err_what(e, ERR_INTERNAL, "cannot write down the container: no memory");
	return container_write_file(dir_fd, "state", text, is_durable, e);
}

void container_sync(int dir_fd)
{
	static const char *const files[] = {"config.json", "state"};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		CLEAN(clean_fd)
		int fd = openat(dir_fd, files[i], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			fdatasync(fd);
	}
	fsync(dir_fd);
}

static bool is_id_part(const char *s)
{
	size_t n = strspn(s, "0123456789abcdef");
	return n > 0 && n < STATE_ID_SIZE && !s[n];
}

void container_holder(int all_fd, const char *name, char ret_id[STATE_ID_SIZE])
{
	if (all_fd < 0 || !read_name(all_fd, name, ret_id) || !has_record(all_fd, ret_id))
		ret_id[0] = '\0';
}

bool container_find(
	int all_fd, const char *text, struct arena *arena, const char **ret_id, struct err *e)
{
	char id[STATE_ID_SIZE];
	struct strv all = {0};
	size_t found = 0;
	*e = (struct err)ERR_INIT;
	if (!text[0] || strchr(text, '/') || strlen(text) >= STATE_NAME_MAX)
		return err_what(e, ERR_USAGE, "'%s' is no container's name", text);
	if (all_fd >= 0 && strcmp(text, ".") && strcmp(text, "..") && read_name(all_fd, text, id) &&
		has_record(all_fd, id)) {
		*ret_id = arena_strdup(arena, id);
		return true;
	}
	if (all_fd < 0 || !is_id_part(text))
		return err_what(e, ERR_STATE, "no container '%s'", text);
	if (strlen(text) == STATE_ID_SIZE - 1 && has_record(all_fd, text)) {
		*ret_id = arena_strdup(arena, text);
		return true;
	}
	if (!container_list(all_fd, arena, &all, e))
		return false;
	for (size_t i = 0; i < all.n; i++) {
		if (strncmp(all.v[i], text, strlen(text)))
			continue;
		*ret_id = all.v[i];
		found++;
	}
	if (found > 1)
		return err_what(
			e, ERR_STATE, "'%s' is the beginning of %zu containers' ids", text, found);
	return found == 1 || err_what(e, ERR_STATE, "no container '%s'", text);
}

/* A young one's maker may stand between its mkdir and its lock. */
static bool is_rubbish(int all_fd, const char *id)
{
	CLEAN(clean_fd)
	int fd = openat(all_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	return fd >= 0 && fstat(fd, &st) == 0 && time(NULL) - st.st_ctime > 2 &&
	       flock(fd, LOCK_EX | LOCK_NB) == 0 && !has_record(all_fd, id);
}

/* Its place is free at once; what is in it goes with the next removal. */
static void move_rubbish(int all_fd, const char *id)
{
	char name[STATE_ID_SIZE + 8];
	snprintf(name, sizeof(name), "rm.%.64s", id);
	renameat2(all_fd, id, all_fd, name, RENAME_NOREPLACE);
}

bool container_list_unread(int all_fd, struct arena *arena, struct strv *ret, struct err *e)
{
	struct dirent *entry;
	if (all_fd < 0)
		return true;
	int copy_fd = openat(all_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = copy_fd < 0 ? NULL : fdopendir(copy_fd);
	if (!dir) {
		err_sys(e, "read the directory of containers");
		return err_what(e, ERR_HOST, "cannot list the containers");
	}
	while ((entry = readdir(dir)))
		if (strlen(entry->d_name) == STATE_ID_SIZE - 1 && is_id_part(entry->d_name))
			strv_add(arena, ret, entry->d_name);
	return true;
}

void container_pass_over(int all_fd, const char *id)
{
	if (is_rubbish(all_fd, id))
		move_rubbish(all_fd, id);
}

bool container_list(int all_fd, struct arena *arena, struct strv *ret, struct err *e)
{
	struct strv all = {0};
	if (!container_list_unread(all_fd, arena, &all, e))
		return false;
	for (size_t i = 0; i < all.n; i++) {
		if (has_record(all_fd, all.v[i]))
			strv_add(arena, ret, all.v[i]);
		else
			container_pass_over(all_fd, all.v[i]);
	}
	return true;
}

bool container_detach(int all_fd, const struct container *c, char ret_name[80], struct err *e)
{
	snprintf(ret_name, 80, "rm.%.64s", c->id);
	/* The directory first: a name without a container is free, whoever finds it. */
	if (renameat(all_fd, c->id, all_fd, ret_name) < 0) {
		err_sys(e, "move its directory away");
		return err_what(e, ERR_HOST, "cannot remove container %.12s", c->id);
	}
	container_leave_name(all_fd, c->id, c->name);
	return true;
}

const char *boot_id_now(char buf[64])
{
	CLEAN(clean_fd) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, 63);
	buf[n > 0 ? n : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}

static bool has_started_at(const struct live_process *p)
{
	uint64_t start_time;
	return p->pid > 1 && state_start_time(p->pid, &start_time) && start_time == p->start_time;
}

bool live_process_is_there(const struct live_process *p, const char *boot_id)
{
	char now[64];
	return has_started_at(p) && !strcmp(boot_id_now(now), boot_id);
}

int live_process_open(const struct live_process *p, const char *boot_id)
{
	if (p->pid <= 1)
		return -1;
	CLEAN(clean_fd) int fd = (int)syscall(SYS_pidfd_open, p->pid, 0U);
	/* Opened first, looked at then: from here on the number cannot be given to another. */
	return fd >= 0 && live_process_is_there(p, boot_id) ? TAKE_FD(fd) : -1;
}

void container_look(struct container *c, const char *boot_id)
{
	bool may_be_up = c->phase != CONTAINER_CREATED && c->phase != CONTAINER_EXITED &&
			 !strcmp(c->boot_id, boot_id);
	uint64_t start_time;
	pid_t parent;
	bool runs = may_be_up && c->first.pid > 1 &&
		    state_look(c->first.pid, &start_time, &parent) &&
		    start_time == c->first.start_time;
	/* Its parent is its monitor, unless it has got another one: one look for hundreds of them.
	 */
	c->is_unwatched = runs && c->phase == CONTAINER_RUNNING && parent != c->monitor.pid &&
			  !has_started_at(&c->monitor);
	c->look = runs || (may_be_up && has_started_at(&c->monitor)) ? LOOK_UP : LOOK_DOWN;
}

bool container_is_unwatched(const struct container *c)
{
	if (c->is_foreground || c->phase != CONTAINER_RUNNING)
		return false;
	return c->look != LOOK_NOT_YET ? c->is_unwatched
				       : !live_process_is_there(&c->monitor, c->boot_id) &&
						 live_process_is_there(&c->first, c->boot_id);
}

bool container_is_up(const struct container *c)
{
	if (c->look != LOOK_NOT_YET)
		return c->look == LOOK_UP;
	if (c->phase == CONTAINER_CREATED || c->phase == CONTAINER_EXITED)
		return false;
	return live_process_is_there(&c->first, c->boot_id) ||
	       live_process_is_there(&c->monitor, c->boot_id);
}

bool container_repair(int all_fd, struct container *c, struct arena *arena, struct err *e)
{
	struct container now;
	if (c->is_foreground || c->phase == CONTAINER_CREATED || c->phase == CONTAINER_EXITED ||
		container_is_up(c))
		return true;
	CLEAN(clean_fd)
	int fd = openat(all_fd, c->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return true;
	/* Looked at again under the lock: its monitor may have written the end meanwhile. */
	if (!container_read(all_fd, c->id, arena, &now, e))
		return false;
	if (now.phase != CONTAINER_CREATED && now.phase != CONTAINER_EXITED &&
		!container_is_up(&now)) {
		bool is_half_started = now.phase == CONTAINER_STARTING;
		now.phase =
			is_half_started && !now.started_ns ? CONTAINER_CREATED : CONTAINER_EXITED;
		now.error = is_half_started ? "its start was cut short"
					    : "nobody was there to see its end";
		if (!is_half_started)
			now.exit_code = CONTAINER_EXIT_UNKNOWN;
		struct timespec t;
		clock_gettime(CLOCK_REALTIME, &t);
		now.finished_ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
		now.first = now.monitor = (struct live_process){0};
		now.health = "";
		if (!container_write(fd, &now, false, e))
			return false;
		if (now.phase == CONTAINER_EXITED)
			event_of_container(all_fd, &now, "die", "exitCode=255");
	}
	*c = now;
	return true;
}
