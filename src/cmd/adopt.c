/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/adopt.h"
#include "apply/detach.h"
#include "base/fault.h"
#include "base/own.h"
#include "state/record.h"
#include "sys/clone.h"
#include "sys/pidfd.h"
#include "wire/control.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

/*
 * The read end of a pipe that pid 1 writes to. Everything in the container can change what its
 * descriptor is: a copy of it opens nothing, and only the very pipe is opened again. A copy, since
 * /proc/PID/fd is closed to us when pid 1 has a subordinate id; we own its user namespace.
 */
static int open_pipe(int pid_fd, int number, uint64_t inode)
{
	char path[64];
	struct stat st;
	CLEAN(clean_fd) int copy_fd = inode ? pidfd_copy(pid_fd, number) : -1;
	if (copy_fd < 0 || fstat(copy_fd, &st) < 0 || !S_ISFIFO(st.st_mode) || st.st_ino != inode ||
		st.st_uid != geteuid())
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", copy_fd);
	return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* Its changes are nobody else's: the lock fell with the monitor. */
static int lock_overlay(int dir_fd)
{
	CLEAN(clean_fd)
	int fd = openat(dir_fd, "overlay", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 ? TAKE_FD(fd) : -1;
}

static bool take_locks(
	struct container_command *c, const struct container *record, int dir_fd, struct proc *proc)
{
	struct state_record place = {
		.pid = record->first.pid, .start_time = record->first.start_time};
	struct err ignored;
	snprintf(place.id, sizeof(place.id), "%s", record->id);
	snprintf(place.name, sizeof(place.name), "%s", record->name);
	snprintf(place.cgroup, sizeof(place.cgroup), "%s", record->cgroup);
	proc->overlay_lock_fd = lock_overlay(dir_fd);
	return state_adopt(c->host.runtime_dir, &place, &proc->lock_fd, &ignored);
}

/* Returns only when it could not: then the record names a monitor that is gone, as before. */
static void become_monitor(struct container_command *c, struct container *record, int dir_fd)
{
	struct err e = ERR_INIT;
	struct proc proc = PROC_INIT;
	struct monitor_fds fds = {.output_fd = -1, .error_fd = -1, .input_fd = -1, .client_fd = -1};
	struct plan plan = {.spec = &c->to.spec, .host = &c->host};
	setsid();
	/* The unit that this command may be in is not the container's. */
	unsetenv("NOTIFY_SOCKET");
	fault_point("adopt", "locked");
	c->to.spec.name = record->name[0] ? record->name : NULL;
	c->to.spec.id = record->id;
	proc.pid = record->first.pid;
	proc.pid_fd = live_process_open(&record->first, record->boot_id);
	fds.output_fd = open_pipe(proc.pid_fd, STDOUT_FILENO, record->output_pipe);
	fds.error_fd = open_pipe(proc.pid_fd, STDERR_FILENO, record->error_pipe);
	record->monitor.pid = getpid();
	if (proc.pid_fd < 0 || !state_start_time(getpid(), &record->monitor.start_time) ||
		!take_locks(c, record, dir_fd, &proc) ||
		!control_listen(dir_fd, &fds.listen_fd, &e) ||
		!container_write(dir_fd, record, false, &e))
		return;
	fault_point("adopt", "recorded");
	detach(&plan, &proc, &fds,
		arena_printf(&c->to.arena, "%s/containers/%s", c->host.data_dir, record->id), NULL,
		0, &e);
}

/* Under its lock, so that two commands start one monitor between them. */
static bool lock(struct container_command *c, struct container *record, int *ret_fd)
{
	struct err ignored = ERR_INIT;
	CLEAN(clean_fd)
	int fd = openat(c->all_fd, record->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 ||
		!container_read(c->all_fd, record->id, &c->to.arena, record, &ignored) ||
		!container_is_unwatched(record))
		return false;
	*ret_fd = TAKE_FD(fd);
	return true;
}

void container_adopt(struct container_command *c, struct container *record)
{
	CLEAN(clean_fd) int dir_fd = -1;
	int done[2];
	char byte;
	struct err ignored = ERR_INIT;
	if (!lock(c, record, &dir_fd) || pipe2(done, O_CLOEXEC) < 0)
		return;
	pid_t pid = clone_plain();
	if (pid == 0) {
		close(done[0]);
		become_monitor(c, record, dir_fd);
		(void)!write(done[1], "", 1);
		_exit(125);
	}
	close(done[1]);
	/* The end of the pipe without a byte: close-on-exec has closed it. */
	bool is_done = pid > 0 && read(done[0], &byte, 1) == 0;
	close(done[0]);
	if (pid > 0 && !is_done)
		waitpid(pid, NULL, 0);
	clean_fd(&dir_fd);
	container_read(c->all_fd, record->id, &c->to.arena, record, &ignored);
	notes_add(c->to.notes,
		is_done ? "the monitor of container '%s' was killed: another one has taken its "
			  "place"
			: "the monitor of container '%s' was killed, and no other can take its "
			  "place",
		record->name);
}
