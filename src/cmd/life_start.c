/* SPDX-License-Identifier: Apache-2.0 */
/*
 * life_start.c - the start of a container that stays
 *
 * The caller forks: the fork is the starter, and becomes the monitor when the container
 * runs; the caller reads from a pipe what became of it, and does not wait for the monitor to be
 * loaded: that it is there to be executed was looked at before. Should the kernel refuse it all
 * the same, the container ends and its record says why.
 */
#include "apply/detach.h"
#include "base/fault.h"
#include "base/own.h"
#include "cmd/commands.h"
#include "cmd/life.h"
#include "cmd/logout.h"
#include "cmd/run_life.h"
#include "state/event.h"
#include "state/record.h"
#include "sys/clone.h"
#include "wire/control.h"
#include "wire/notify.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

struct report {
	bool ok;
	struct err err;
	struct notes notes;
};

struct pipes {
	int input[2], output[2], error[2]; /* read end, write end */
};

#define PIPES_INIT                                                                                 \
	{                                                                                          \
		{-1, -1}, {-1, -1},                                                                \
		{                                                                                  \
			-1, -1                                                                     \
		}                                                                                  \
	}

static void close_pipes(struct pipes *p)
{
	for (int i = 0; i < 2; i++) {
		clean_fd(&p->input[i]);
		clean_fd(&p->output[i]);
		clean_fd(&p->error[i]);
	}
}

/*
 * A pipe whose write end also reads, as a terminal's does: without a monitor the program is not
 * killed for writing to it, and who takes the monitor's place finds what it holds.
 */
static bool make_lasting_pipe(int ends[2])
{
	char path[32];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[1]);
	int both_fd = open(path, O_RDWR | O_CLOEXEC);
	if (both_fd < 0)
		return false;
	close(ends[1]);
	ends[1] = both_fd;
	return true;
}

static uint64_t inode_of(int fd)
{
	struct stat st;
	return fd >= 0 && fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* The program's standard descriptors; a terminal is made by the container itself. */
static bool make_pipes(const struct container *c, struct pipes *p, struct err *e)
{
	bool wants_output = strcmp(c->log_driver, "passthrough") != 0;
	if (!life_check_journal(c->log_driver, e))
		return false;
	if (c->has_terminal)
		return true;
	if ((c->has_input && pipe2(p->input, O_CLOEXEC) < 0) ||
		(wants_output && (!make_lasting_pipe(p->output) || !make_lasting_pipe(p->error))))
		return err_sys(e, "make a pipe");
	return true;
}

static void place_pipes(struct pipes *p)
{
	const int ends[3] = {p->input[0], p->output[1], p->error[1]};
	for (int i = 0; i < 3; i++)
		if (ends[i] >= 0)
			dup2(ends[i], i);
	clean_fd(&p->input[0]);
	clean_fd(&p->output[1]);
	clean_fd(&p->error[1]);
}

static void leave_pipes(void)
{
	CLEAN(clean_fd) int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; fd >= 0 && i < 3; i++)
		dup2(fd, i);
}

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void record_failure(struct container *c, int dir_fd, bool was_there, const struct err *why)
{
	struct err ignored;
	char line[4 * sizeof(why->what)];
	err_format(why, line, sizeof(line));
	c->phase = was_there ? CONTAINER_EXITED : CONTAINER_CREATED;
	c->exit_code = err_exit_code(why);
	c->error = line;
	c->first = c->monitor = (struct live_process){0};
	c->finished_ns = was_there ? now_ns() : 0;
	if (!was_there)
		c->started_ns = 0;
	container_write(dir_fd, c, false, &ignored);
	unlinkat(dir_fd, "ctl", 0);
}

static void send_report(int fd, const struct report *report)
{
	const char *at = (const char *)report;
	for (size_t left = sizeof(*report); fd >= 0 && left > 0;) {
		ssize_t n = write(fd, at, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		at += n;
		left -= (size_t)n;
	}
}

struct starting {
	struct invocation *to;
	struct plan *plan;
	struct container *c;
	int dir_fd;
	int client_fd;
	int report_fd;
};

/*
 * Tells systemd who the main process is from now on: with NotifyAccess=all in the starter's
 * words, which come before the monitor's, with NotifyAccess=main only in those of its client.
 */
static void announce(const struct invocation *to, bool is_attached, pid_t monitor)
{
	char text[64];
	bool is_ready = invocation_tells(to, "conmon");
	if (invocation_tells(to, "ignore"))
		return;
	snprintf(text, sizeof(text), "MAINPID=%d\n%s", (int)monitor, is_ready ? "READY=1" : "");
	if (!is_attached)
		notify_send(text);
	else if (is_ready)
		notify_send("READY=1");
}

static void say_started(const struct starting *s)
{
	CLEAN(clean_fd) int all_fd = -1;
	struct err ignored;
	if (containers_open(s->plan->host->data_dir, false, &all_fd, &ignored))
		event_of_container(all_fd, s->c, "start", NULL);
}

/* In the starter. Returns only on failure, with nothing left of the container. */
static bool start_and_become_monitor(struct starting *s, struct pipes *p, struct err *e)
{
	struct invocation *to = s->to;
	struct proc proc = PROC_INIT;
	struct monitor_fds fds = {.listen_fd = -1, .client_fd = s->client_fd};
	const int keep[] = {to->lease_fd};
	bool was_there = s->c->started_ns != 0;
	struct report report = {.ok = true};
	int64_t began = now_ns();
	s->c->was_stopped = false;
	s->c->error = "";
	s->c->exit_code = 0;
	s->c->started_ns = began;
	s->plan->record = s->c;
	s->plan->record_fd = s->dir_fd;
	s->c->output_pipe = inode_of(p->output[0]);
	s->c->error_pipe = inode_of(p->error[0]);
	place_pipes(p);
	/* A monitor that was killed has left them; it does not run, and we have its lock. */
	state_release(s->plan->host->runtime_dir, to->spec.id, to->spec.name, -1);
	bool ok = control_listen(s->dir_fd, &fds.listen_fd, e) &&
		  start(s->plan, &proc, to->notes, e) && life_write_pidfile(to, proc.pid, e);
	if (ok) {
		fault_point("start", "running");
		say_started(s);
		leave_pipes();
		fds.input_fd = p->input[1];
		fds.output_fd = p->output[0];
		fds.error_fd = p->error[0];
		report.notes = *to->notes;
		announce(to, s->client_fd >= 0, getpid());
		send_report(s->report_fd, &report);
		detach(s->plan, &proc, &fds, to->bundle, keep, to->lease_fd >= 0, e);
	}
	proc_drop(s->plan, &proc);
	record_failure(s->c, s->dir_fd, was_there, e);
	report.ok = false;
	report.err = *e;
	report.notes = *to->notes;
	send_report(s->report_fd, &report);
	return false;
}

static void be_starter(struct starting *s, struct pipes *p) __attribute__((noreturn));
static void be_starter(struct starting *s, struct pipes *p)
{
	struct err e = ERR_INIT;
	setsid();
	logout_leave_session(s->to, s->plan->host);
	start_and_become_monitor(s, p, &e);
	_exit(err_exit_code(&e));
}

static bool read_report(int fd, struct report *ret)
{
	char *at = (char *)ret;
	for (size_t left = sizeof(*ret); left > 0;) {
		ssize_t n = read(fd, at, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		left -= (size_t)n;
	}
	return true;
}

static bool await_report(int fd, pid_t pid, struct notes *notes, struct err *e)
{
	struct report report;
	if (!read_report(fd, &report)) {
		waitpid(pid, NULL, 0);
		err_msg(e, ERR_INTERNAL, "its starter is gone");
		return err_what(e, ERR_INTERNAL, "cannot start the container");
	}
	for (size_t i = 0; i < report.notes.n && i < NOTES_MAX; i++)
		notes_add(notes, "%s", report.notes.text[i]);
	if (report.ok)
		return true;
	waitpid(pid, NULL, 0);
	*e = report.err;
	return false;
}

static bool has_monitor(struct invocation *to, const struct host *host, struct err *e)
{
	const char *path = arena_printf(&to->arena, "%s/guscio-monitor", host->helper_dir);
	if (access(path, X_OK) == 0)
		return true;
	err_sys(e, "execute '%s'", path);
	err_what(e, ERR_HOST, "cannot start the container's monitor");
	return err_hint(e, "install guscio whole");
}

static bool make_plan(
	struct invocation *to, const struct host *host, struct plan *plan, struct err *e)
{
	if (!has_monitor(to, host, e) || !invocation_plan(to, host, plan, e))
		return false;
	plan->is_detached = true;
	to->bundle = arena_printf(&to->arena, "%s/containers/%s", host->data_dir, to->spec.id);
	return true;
}

static bool fork_starter(struct starting *s, struct pipes *p, int take_client[2], struct err *e)
{
	int report[2];
	if (pipe2(report, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	struct notes before = *s->to->notes;
	*s->to->notes = (struct notes){0};
	pid_t pid = clone_plain();
	if (pid == 0) {
		close(report[0]);
		clean_fd(&take_client[0]);
		s->report_fd = report[1];
		s->client_fd = take_client[1];
		be_starter(s, p);
	}
	*s->to->notes = before;
	close(report[1]);
	close_pipes(p);
	bool is_attached = take_client[1] >= 0;
	clean_fd(&take_client[1]);
	/* The monitor wants it; the starter has its own copy until then. */
	clean_fd(&s->dir_fd);
	bool ok = pid > 0 ? await_report(report[0], pid, s->to->notes, e) : err_sys(e, "fork");
	if (ok)
		announce(s->to, is_attached, pid);
	close(report[0]);
	return ok;
}

bool life_start(struct invocation *to, const struct host *host, struct container *c,
	int take_lock_fd, int *ret_client_fd, struct err *e)
{
	struct plan plan;
	struct pipes pipes = PIPES_INIT;
	struct starting s = {.to = to, .plan = &plan, .c = c, .dir_fd = take_lock_fd};
	int client[2] = {-1, -1};
	bool ok = make_plan(to, host, &plan, e) && make_pipes(c, &pipes, e) &&
		  (!ret_client_fd || control_pair(client, e));
	if (!ok)
		record_failure(c, s.dir_fd, c->started_ns != 0, e);
	ok = ok && fork_starter(&s, &pipes, client, e);
	close_pipes(&pipes);
	clean_fd(&client[1]);
	clean_fd(&s.dir_fd);
	if (ok && ret_client_fd)
		*ret_client_fd = TAKE_FD(client[0]);
	clean_fd(&client[0]);
	return ok;
}

bool life_start_here(struct invocation *to, const struct host *host, struct container *c,
	int take_lock_fd, struct err *e)
{
	struct plan plan;
	struct pipes pipes = PIPES_INIT;
	struct starting s = {.to = to,
		.plan = &plan,
		.c = c,
		.dir_fd = take_lock_fd,
		.client_fd = -1,
		.report_fd = -1};
	bool ok = make_plan(to, host, &plan, e) && make_pipes(c, &pipes, e);
	if (ok)
		start_and_become_monitor(&s, &pipes, e);
	else
		record_failure(c, s.dir_fd, true, e);
	close_pipes(&pipes);
	clean_fd(&s.dir_fd);
	return false;
}
