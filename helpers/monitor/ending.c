/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"
#include "base/own.h"
#include "base/text.h"
#include "monitor/monitor.h"
#include "state/event.h"
#include "state/record.h"
#include "sys/cgroup.h"
#include "sys/clone.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

/* A program that ran this long is no crash loop: its next end is waited for as briefly as the
 * first. */
#define LONG_RUN_MS   10000
#define WAIT_FIRST_MS 100
#define WAIT_MAX_MS   60000

int monitor_exit_code(const struct monitor *m)
{
	if (m->status < 0)
		return CONTAINER_EXIT_UNKNOWN;
	/* reboot(2) in a PID namespace ends its pid 1: with SIGINT for poweroff and halt. */
	if (m->record.is_system && WIFSIGNALED(m->status) && WTERMSIG(m->status) == SIGINT)
		return 0;
	return WIFSIGNALED(m->status) ? 128 + WTERMSIG(m->status) : WEXITSTATUS(m->status);
}

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* … and with SIGHUP for a reboot, which is no end. */
static bool asks_for_reboot(const struct monitor *m)
{
	return m->record.is_system && WIFSIGNALED(m->status) && WTERMSIG(m->status) == SIGHUP;
}

static bool policy_wants(const struct container *c)
{
	uint64_t max = 0;
	if (c->was_stopped || c->is_auto_removed)
		return false;
	if (!strcmp(c->restart, "always") || !strcmp(c->restart, "unless-stopped"))
		return true;
	if (!text_starts(c->restart, "on-failure") || c->exit_code == 0)
		return false;
	return c->restart[10] != ':' || !text_to_u64(c->restart + 11, UINT32_MAX, &max) || !max ||
	       c->restart_count < max;
}

static uint64_t wait_ms(const struct monitor *m, uint64_t count)
{
	uint64_t wait = WAIT_FIRST_MS;
	if (monitor_now_ms() - m->began_ms >= LONG_RUN_MS)
		return wait;
	while (count-- > 0 && wait < WAIT_MAX_MS)
		wait *= 2;
	return wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS;
}

/* The record as it is now, under its lock: somebody may have renamed or stopped the container. */
static bool lock_record(struct monitor *m, int *ret_fd, struct container *ret)
{
	struct err ignored;
	memset(m->arena->base, 0, m->arena->used);
	m->arena->used = 0;
	return container_lock(m->all_fd, m->id, ret_fd, &ignored) &&
	       container_read(m->all_fd, m->id, m->arena, ret, &ignored);
}

/* What the kernel has counted in it, and then the cgroup itself. */
static void leave_cgroup(struct container *c)
{
	char parent[CGROUP_PATH_MAX];
	CLEAN(clean_fd) int fd = -1;
	CLEAN(clean_fd) int parent_fd = -1;
	struct err ignored;
	char *slash = strrchr(c->cgroup, '/');
	if (!slash || strlen(c->cgroup) >= sizeof(parent))
		return;
	snprintf(parent, sizeof(parent), "%.*s", (int)(slash - c->cgroup), c->cgroup);
	if (cgroup_open(c->cgroup, &fd, &ignored))
		c->is_oom_killed |= cgroup_count(fd, "memory.events", "oom_kill") > 0;
	if (cgroup_open(parent[0] ? parent : "/", &parent_fd, &ignored))
		cgroup_remove(parent_fd, slash + 1);
	c->cgroup = "";
}

static void release(struct monitor *m, const char *name)
{
	state_release(m->runtime_dir, m->id, name[0] ? name : NULL, monitor_exit_code(m));
}

static void say_ended(const struct monitor *m, const struct container *c)
{
	char code[32];
	snprintf(code, sizeof(code), "exitCode=%d", c->exit_code);
	if (c->is_oom_killed)
		event_of_container(m->all_fd, c, "oom", NULL);
	event_of_container(m->all_fd, c, "die", code);
	if (c->was_stopped)
		event_of_container(m->all_fd, c, "stop", NULL);
}

bool ending_record(struct monitor *m, uint64_t *ret_wait_ms)
{
	CLEAN(clean_fd) int fd = -1;
	struct container c;
	struct err ignored;
	if (!lock_record(m, &fd, &c)) {
		/* Removed by force, or spoilt: nobody is left to come back for. */
		release(m, m->name);
		return false;
	}
	m->was_stopped = c.was_stopped || m->stage == STAGE_STOPS;
	/* Some inits know no other answer to a signal than a reboot. */
	c.exit_code = m->was_stopped && asks_for_reboot(m) ? 0 : monitor_exit_code(m);
	c.is_oom_killed = m->has_passed_memory;
	c.finished_ns = now_ns();
	leave_cgroup(&c);
	c.first = (struct live_process){0};
	c.health = "";
	bool comes_back = m->stage == STAGE_RUNS &&
			  (policy_wants(&c) || (asks_for_reboot(m) && !c.was_stopped));
	c.phase = comes_back ? CONTAINER_RESTARTING : CONTAINER_EXITED;
	if (comes_back) {
		*ret_wait_ms = wait_ms(m, c.restart_count);
		c.restart_count++;
	} else {
		c.monitor = (struct live_process){0};
		/* Before the record says so: who reads it may start the container at once. */
		unlinkat(m->dir_fd, "ctl", 0);
	}
	release(m, c.name);
	container_write(fd, &c, false, &ignored);
	say_ended(m, &c);
	return comes_back;
}

bool ending_is_stopped(struct monitor *m)
{
	CLEAN(clean_fd) int fd = -1;
	struct container c;
	return !lock_record(m, &fd, &c) || c.was_stopped;
}

void ending_give_up(struct monitor *m)
{
	CLEAN(clean_fd) int fd = -1;
	struct container c;
	struct err ignored;
	unlinkat(m->dir_fd, "ctl", 0);
	if (!lock_record(m, &fd, &c))
		return;
	c.phase = CONTAINER_EXITED;
	c.monitor = (struct live_process){0};
	container_write(fd, &c, false, &ignored);
}

static void run_guscio(struct monitor *m, const char *command, const char *option)
{
	sigset_t none;
	struct err ignored;
	fault_point("monitor", command);
	char *const argv[] = {(char *)m->guscio, (char *)command, (char *)(option ? option : m->id),
		(char *)(option ? m->id : NULL), NULL};
	char pid[48];
	/* The locks too: whoever starts it again takes them anew. */
	fds_close_on_exec_from(3, &ignored);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("_GUSCIO_MONITOR", pid, 1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(m->guscio, argv, environ);
}

void ending_restart(struct monitor *m)
{
	run_guscio(m, "start", NULL);
	ending_give_up(m);
}

/* What removes it wants the locks that we hold, and is not waited for by who waits for us. */
static void remove_it(struct monitor *m)
{
	pid_t pid = clone_plain();
	if (pid == 0) {
		run_guscio(m, "rm", "-v");
		_exit(125);
	}
	syscall(SYS_close_range, 3U, ~0U, 0U);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void ending_leave(struct monitor *m)
{
	int code = monitor_exit_code(m);
	if (m->record.is_auto_removed)
		remove_it(m);
	/* For systemd this is the service's end: one by the stop signal, when asked for, is no
	 * failure. */
	_exit(m->was_stopped && code == 128 + m->record.stop_signal ? 0 : code);
}
