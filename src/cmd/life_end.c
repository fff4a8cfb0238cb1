/* SPDX-License-Identifier: Apache-2.0 */
/* life_end.c - how containers that stay end, and go */
#include "base/fault.h"
#include "base/own.h"
#include "cmd/life.h"
#include "image/flat.h"
#include "spec/document.h"
#include "state/event.h"
#include "state/record.h"
#include "sys/cgroup.h"
#include "wire/control.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

/* Deeper trees are left to the helper, which knows how. */
#define DEPTH_MAX 64

static uint64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static bool wait_fd(int fd, uint64_t until_ms)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		uint64_t now = now_ms();
		if (until_ms != UINT64_MAX && now >= until_ms)
			return poll(&p, 1, 0) > 0;
		uint64_t left = until_ms == UINT64_MAX ? 3600000 : until_ms - now;
		int n = poll(&p, 1, left > 3600000 ? 3600000 : (int)left);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
}

bool life_wait_fd(int fd, uint64_t timeout_ms)
{
	return wait_fd(fd, now_ms() + timeout_ms);
}

/* The monitor's last word. */
static bool await_monitor(
	int all_fd, const char *id, uint64_t until_ms, bool *ret_timeout, int *ret_code)
{
	CLEAN(clean_fd) int dir_fd = openat(all_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_fd) int fd = -1;
	struct control_record record;
	struct err ignored;
	*ret_timeout = false;
	if (dir_fd < 0 || !control_connect(dir_fd, &fd, &ignored))
		return false;
	for (;;) {
		if (!wait_fd(fd, until_ms)) {
			*ret_timeout = true;
			return false;
		}
		ssize_t n = control_receive(fd, &record);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n < 0)
			return false;
		if (record.head.kind == CONTROL_EXIT) {
			*ret_code = (int)record.head.value;
			return true;
		}
	}
}

bool life_await(int all_fd, const char *id, uint64_t timeout_ms, bool *ret_has_ended, int *ret_code,
	struct arena *arena, struct err *e)
{
	uint64_t until = timeout_ms == UINT64_MAX ? UINT64_MAX : now_ms() + timeout_ms;
	bool is_late;
	struct container c;
	*ret_has_ended = true;
	if (await_monitor(all_fd, id, until, &is_late, ret_code))
		return true;
	/* Without a monitor: the processes themselves, then what the record can be made to say. */
	while (!is_late) {
		if (!container_read(all_fd, id, arena, &c, e) ||
			!container_repair(all_fd, &c, arena, e))
			return false;
		if (!container_is_up(&c)) {
			*ret_code = c.exit_code;
			return true;
		}
		CLEAN(clean_fd) int fd = live_process_open(&c.first, c.boot_id);
		if (fd < 0)
			fd = live_process_open(&c.monitor, c.boot_id);
		if (fd >= 0 && !wait_fd(fd, until))
			is_late = true;
	}
	*ret_has_ended = false;
	return true;
}

/* Under the lock: from here on no restart policy brings it back. */
static bool mark_stopped(int all_fd, const char *id, struct arena *arena, struct container *ret,
	bool *ret_is_up, struct err *e)
{
	CLEAN(clean_fd) int lock_fd = -1;
	if (!container_lock(all_fd, id, &lock_fd, e) || !container_read(all_fd, id, arena, ret, e))
		return false;
	*ret_is_up = container_is_up(ret);
	if (!*ret_is_up)
		return true;
	ret->was_stopped = true;
	fault_point("stop", "locked");
	return container_write(lock_fd, ret, false, e);
}

bool life_stop(int all_fd, const char *id, uint64_t timeout_ms, struct arena *arena, struct err *e)
{
	CLEAN(clean_fd) int first_fd = -1;
	CLEAN(clean_fd) int monitor_fd = -1;
	struct container c;
	bool is_up, has_ended = false;
	int code;
	if (!mark_stopped(all_fd, id, arena, &c, &is_up, e))
		return false;
	if (!is_up)
		return container_repair(all_fd, &c, arena, e);
	first_fd = live_process_open(&c.first, c.boot_id);
	monitor_fd = live_process_open(&c.monitor, c.boot_id);
	fault_point("stop", "marked");
	uint64_t patience = timeout_ms == UINT64_MAX ? c.stop_timeout_ms : timeout_ms;
	if (first_fd >= 0)
		syscall(SYS_pidfd_send_signal, first_fd, patience ? c.stop_signal : SIGKILL, NULL,
			0);
	else if (monitor_fd >= 0)
		/* It waits to start it again: the record tells it not to. */
		syscall(SYS_pidfd_send_signal, monitor_fd, SIGTERM, NULL, 0);
	/* A paused one would not hear the signal. It does first thing now. */
	cgroup_thaw(c.cgroup);
	if (!life_await(all_fd, id, patience ? patience : LIFE_KILL_WAIT_MS, &has_ended, &code,
		    arena, e))
		return c.is_auto_removed && e->kind == ERR_STATE;
	if (!has_ended && first_fd >= 0) {
		syscall(SYS_pidfd_send_signal, first_fd, SIGKILL, NULL, 0);
		if (!life_await(all_fd, id, LIFE_KILL_WAIT_MS, &has_ended, &code, arena, e))
			return c.is_auto_removed && e->kind == ERR_STATE;
	}
	if (!has_ended) {
		err_msg(e, ERR_HOST, "its processes do not end, not even by SIGKILL");
		return err_what(e, ERR_HOST, "cannot stop container %.12s", id);
	}
	fault_point("stop", "ended");
	/* Its name, and with --rm its place, are free when the monitor is gone. */
	if (monitor_fd >= 0)
		wait_fd(monitor_fd, now_ms() + LIFE_LEAVE_WAIT_MS);
	return true;
}

/* Our own files, and those in directories of our own; false when something is left. */
static bool remove_tree(int dir_fd, const char *name, int depth)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* The kernel makes its work directory of an overlay with mode 0. */
	if (fd < 0 && errno == EACCES && fchmodat(dir_fd, name, 0700, 0) == 0)
		fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT;
	CLEAN(clean_dir) DIR *dir = fdopendir(fd);
	struct dirent *entry;
	bool ok = dir && depth < DEPTH_MAX;
	fault_point("rm", name);
	while (ok && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (entry->d_type == DT_DIR)
			ok = remove_tree(dirfd(dir), entry->d_name, depth + 1);
		else
			ok = unlinkat(dirfd(dir), entry->d_name, 0) == 0;
	}
	return ok && unlinkat(dir_fd, name, AT_REMOVEDIR) == 0;
}

/* What belongs to subordinate ids goes inside their namespace. */
static bool remove_inside(const struct host *host, int all_fd, const char *name, struct err *e)
{
	struct arena arena = {0};
	struct host whole;
	struct spec spec;
	struct notes notes = {0};
	if (!arena_init(&arena, e))
		return false;
	spec_init(&spec, &arena);
	size_t size;
	struct err ignored = ERR_INIT;
	const char *path = arena_printf(&arena, "%s/containers/%s", host->data_dir, name);
	const char *text = arena_read_file(
		&arena, AT_FDCWD, arena_printf(&arena, "%s/config.json", path), &size, &ignored);
	if (!text || !spec_from_json(&spec, text, size, path, &notes, &ignored))
		spec_init(&spec, &arena);
	bool ok = host_probe(HOST_WANT_RANGES, &arena, &whole, e);
	if (ok && spec.userns == USERNS_JOIN)
		spec.userns = USERNS_AUTO;
	struct inside in = inside_of(&spec, &whole, &notes);
	if (ok)
		flat_remove(&in, path);
	ok = ok && (faccessat(all_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ||
			   err_msg(e, ERR_HOST, "something is left in '%s'", path));
	arena_done(&arena);
	return ok;
}

static bool remove_directory(const struct host *host, int all_fd, const char *name, struct err *e)
{
	/* The document last: it says whose ids the files have. */
	CLEAN(clean_fd)
	int fd = openat(all_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	if (fd >= 0 && fstatat(fd, "overlay", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		!remove_tree(fd, "overlay", 0))
		return remove_inside(host, all_fd, name, e);
	return remove_tree(all_fd, name, 0) || remove_inside(host, all_fd, name, e);
}

/* What a removal that was killed has left. */
static void sweep(const struct host *host, int all_fd)
{
	int copy_fd = openat(all_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = copy_fd < 0 ? NULL : fdopendir(copy_fd);
	struct dirent *entry;
	struct err ignored = ERR_INIT;
	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "rm.", 3))
			continue;
		CLEAN(clean_fd)
		int fd = openat(
			all_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			remove_directory(host, all_fd, entry->d_name, &ignored);
	}
}

bool life_remove(const struct host *host, int all_fd, const struct container *c, int take_lock_fd,
	struct err *e)
{
	char name[80];
	CLEAN(clean_fd) int lock_fd = take_lock_fd;
	if (!container_detach(all_fd, c, name, e))
		return false;
	fault_point("rm", "moved");
	event_of_container(all_fd, c, "destroy", NULL);
	state_release(host->runtime_dir, c->id, c->name[0] ? c->name : NULL, -1);
	bool ok = remove_directory(host, all_fd, name, e);
	clean_fd(&lock_fd);
	if (!ok)
		return err_what(e, ERR_HOST, "cannot remove container %.12s", c->id);
	sweep(host, all_fd);
	return true;
}

static bool remove_by_force(
	const struct host *host, int all_fd, const char *id, struct arena *arena, struct err *e)
{
	CLEAN(clean_fd) int lock_fd = -1;
	struct container c;
	struct err gone = ERR_INIT;
	if (!life_stop(all_fd, id, 0, arena, &gone) && gone.kind != ERR_INPUT)
		return container_is_missing(&gone) || (*e = gone, false);
	if (!container_lock(all_fd, id, &lock_fd, &gone))
		return true;
	if (!container_read(all_fd, id, arena, &c, &gone)) {
		if (gone.kind != ERR_INPUT && !container_is_missing(&gone))
			return *e = gone, false;
		/* Spoilt: what nobody can read is removed by its id. */
		container_init(&c);
		c.id = id;
	}
	return life_remove(host, all_fd, &c, TAKE_FD(lock_fd), e);
}

bool life_remove_all(const struct host *host, struct err *e)
{
	CLEAN(clean_fd) int all_fd = -1;
	struct arena arena = {0};
	struct strv ids = {0};
	if (!containers_open(host->data_dir, false, &all_fd, e) || !arena_init(&arena, e))
		return false;
	bool ok = container_list(all_fd, &arena, &ids, e);
	for (size_t i = 0; ok && i < ids.n; i++)
		ok = remove_by_force(host, all_fd, ids.v[i], &arena, e);
	arena_done(&arena);
	return ok;
}
