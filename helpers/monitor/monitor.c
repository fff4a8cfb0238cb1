/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor.c - stays with a container that is nobody's foreground
 *
 * Actors. The starter has executed this program in its own place when the container ran:
 * the container's pid 1 is our child, its terminal or pipes are our descriptors, and the
 * locks of what it uses are held by descriptors that we never look at. Visitors come
 * over the control socket. Commands such as stop do not need us: they write their will into
 * the record, send the signal to the container themselves, and wait for our last word.
 *
 * Stages: it runs (or is being stopped); it has ended: first what is left in the pipes goes
 * to the log and to the visitors, then the end is written down, then it is announced;
 * then we go, or wait a while and run guscio in our place to start it again.
 *
 * Must: reap every child, also those that the starter left. Must not: read a pipe while a
 * visitor is behind, look at a clock while there is nothing to wait for.
 */
#include "base/fault.h"
#include "base/own.h"
#include "base/text.h"
#include "monitor/health.h"
#include "monitor/monitor.h"
#include "state/record.h"
#include "sys/cgroup.h"
#include "sys/clone.h"
#include "sys/memory_watch.h"
#include "sys/pidfd.h"
#include "wire/notify.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define READ_SIZE CONTROL_DATA_MAX
/* How long a visitor that does not read may hold up the end. */
#define LAST_WORD_MS 5000
/* How long a dead container's parent may take to reap it. */
#define REAP_WAIT_MS 1000

enum {
	POLL_PROCESS,
	POLL_SIGNAL,
	POLL_OUTPUT,
	POLL_ERROR,
	POLL_PTY,
	POLL_INPUT,
	POLL_LISTEN,
	POLL_NOTIFY,
	POLL_VISITORS
};

uint64_t monitor_now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* One chunk from the program; false when there is none now, and the descriptor is closed at its
 * end. */
static bool copy(struct monitor *m, int *fd, enum log_stream stream)
{
	char data[READ_SIZE];
	if (*fd < 0)
		return false;
	ssize_t n = read(*fd, data, sizeof(data));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (n <= 0) {
		/* EIO: nobody has the terminal open at this moment; somebody may open it again. */
		if (n == 0 || errno != EIO || m->status >= 0)
			clean_fd(fd);
		return false;
	}
	log_take(&m->log, stream, data, (size_t)n);
	visitors_give(m, stream == LOG_STDOUT ? CONTROL_OUTPUT : CONTROL_ERROR, data, (size_t)n);
	return true;
}

static void feed(struct monitor *m)
{
	int *fd = m->pty_fd >= 0 ? &m->pty_fd : &m->input_fd;
	ssize_t n = write(*fd, m->input, m->input_n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		m->input_n = 0;
		if (fd == &m->input_fd)
			clean_fd(fd);
		return;
	}
	m->input_n -= (size_t)n;
	memmove(m->input, m->input + n, m->input_n);
}

static void reap(struct monitor *m)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == m->pid)
			m->status = status;
		else
			health_take_child(m, pid, status);
	}
}

/*
 * Who is not its parent: reads it before that one has reaped it, or asks the kernel, which keeps
 * it for a pidfd from Linux 6.15 on.
 */
static void reap_stranger(struct monitor *m)
{
	struct pollfd p = {.fd = m->pid_fd, .events = POLLIN};
	if (!m->is_stranger || m->status >= 0 || poll(&p, 1, 0) <= 0)
		return;
	if (state_exit_status(m->pid, &m->status))
		return;
	p.events = 0;
	poll(&p, 1, REAP_WAIT_MS);
	if (!pidfd_exit_status(m->pid_fd, &m->status))
		m->status = W_EXITCODE(CONTAINER_EXIT_UNKNOWN, 0);
}

static void send_signal(struct monitor *m, int sig)
{
	syscall(SYS_pidfd_send_signal, m->pid_fd, sig, NULL, 0);
}

/* The session ends, or an administrator wants us gone: the container ends as with stop. */
static void begin_stop(struct monitor *m)
{
	if (m->stage != STAGE_RUNS)
		return;
	send_signal(m, m->record.stop_signal);
	cgroup_thaw(m->record.cgroup);
	m->stage = STAGE_STOPS;
	m->deadline_ms = monitor_now_ms() + m->record.stop_timeout_ms;
}

static void take_signal(struct monitor *m)
{
	struct signalfd_siginfo info;
	if (read(m->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD)
		reap(m);
	if (info.ssi_signo != SIGTERM)
		return;
	if (m->stage != STAGE_WAITS) {
		begin_stop(m);
	} else if (ending_is_stopped(m)) {
		ending_give_up(m);
		m->stage = STAGE_ENDS;
	}
}

static bool is_anyone_behind(const struct monitor *m)
{
	for (size_t i = 0; i < m->n_visitors; i++)
		if (m->visitors[i].is_behind)
			return true;
	return false;
}

static size_t list_descriptors(struct monitor *m, struct pollfd *fds)
{
	bool is_behind = is_anyone_behind(m);
	bool can_take_input = m->input_n == 0;
	short pty = (short)((is_behind ? 0 : POLLIN) | (m->input_n ? POLLOUT : 0));
	fds[POLL_PROCESS] = (struct pollfd){m->status < 0 ? m->pid_fd : -1, POLLIN, 0};
	fds[POLL_SIGNAL] = (struct pollfd){m->signal_fd, POLLIN, 0};
	fds[POLL_OUTPUT] = (struct pollfd){is_behind ? -1 : m->output_fd, POLLIN, 0};
	fds[POLL_ERROR] = (struct pollfd){is_behind ? -1 : m->error_fd, POLLIN, 0};
	fds[POLL_PTY] = (struct pollfd){pty && !m->is_pty_quiet ? m->pty_fd : -1, pty, 0};
	fds[POLL_INPUT] = (struct pollfd){m->input_n ? m->input_fd : -1, POLLOUT, 0};
	fds[POLL_LISTEN] = (struct pollfd){m->listen_fd, POLLIN, 0};
	fds[POLL_NOTIFY] = (struct pollfd){m->notify_fd, POLLIN, 0};
	for (size_t i = 0; i < m->n_visitors; i++) {
		short events = (short)((can_take_input ? POLLIN : 0) |
				       (m->visitors[i].is_behind ? POLLOUT : 0));
		/* One that is not waited for would report its hang-up all the time. */
		fds[POLL_VISITORS + i] =
			(struct pollfd){events ? m->visitors[i].fd : -1, events, 0};
	}
	return POLL_VISITORS + m->n_visitors;
}

static bool watches_memory(const struct monitor *m)
{
	return m->record.memory_watched && m->stage == STAGE_RUNS && m->status < 0 &&
	       !m->has_passed_memory;
}

/* Where there is no cgroup. */
static void watch_memory(struct monitor *m)
{
	if (!watches_memory(m) || memory_of_tree(m->pid) <= m->record.memory_watched)
		return;
	m->has_passed_memory = true;
	send_signal(m, SIGKILL);
}

static int wait_time(const struct monitor *m)
{
	if (watches_memory(m))
		return MEMORY_WATCH_MS;

	uint64_t at = m->deadline_ms, health = health_deadline(m);
	if (health && (!at || health < at))
		at = health;
	if (!at)
		return -1;
	uint64_t now = monitor_now_ms();
	return at <= now ? 0 : at - now > INT32_MAX ? INT32_MAX : (int)(at - now);
}

static void pass_deadline(struct monitor *m)
{
	if (!m->deadline_ms || monitor_now_ms() < m->deadline_ms)
		return;
	m->deadline_ms = 0;
	if (m->stage == STAGE_STOPS)
		send_signal(m, SIGKILL);
	if (m->stage == STAGE_WAITS)
		ending_restart(m);
}

/* Read also where nobody wants it: a program may wait until its word is taken. */
static void take_notify(struct monitor *m)
{
	bool ignored = false;
	const char *mode = m->record.sdnotify;
	notify_take(m->notify_fd, !mode[0] || !strcmp(mode, "container"), &ignored);
}

static void turn(struct monitor *m)
{
	struct pollfd fds[POLL_VISITORS + VISITORS_MAX];
	size_t n = list_descriptors(m, fds);
	if (poll(fds, n, wait_time(m)) < 0)
		return;
	watch_memory(m);
	/* From behind: one that is dropped gives its place to the last, which was looked at. */
	for (size_t i = n - POLL_VISITORS; i-- > 0;)
		if (fds[POLL_VISITORS + i].revents & (POLLIN | POLLHUP | POLLERR) && !m->input_n)
			visitor_listen(m, i);
	visitors_catch_up(m);
	if (fds[POLL_LISTEN].revents)
		visitors_accept(m);
	if (fds[POLL_NOTIFY].revents)
		take_notify(m);
	if ((fds[POLL_PTY].revents & POLLOUT) || fds[POLL_INPUT].revents)
		feed(m);
	if (fds[POLL_OUTPUT].revents && !is_anyone_behind(m))
		copy(m, &m->output_fd, LOG_STDOUT);
	if (fds[POLL_ERROR].revents && !is_anyone_behind(m))
		copy(m, &m->error_fd, LOG_STDERR);
	if ((fds[POLL_PTY].revents & (POLLIN | POLLHUP | POLLERR)) && !is_anyone_behind(m))
		copy(m, &m->pty_fd, LOG_STDOUT);
	/* Nobody has it open, and it would say so all the time: left alone until the end. */
	if ((fds[POLL_PTY].revents & (POLLHUP | POLLERR)) && !(fds[POLL_PTY].revents & POLLIN))
		m->is_pty_quiet = true;
	if (fds[POLL_SIGNAL].revents || fds[POLL_PROCESS].revents) {
		take_signal(m);
		reap(m);
		reap_stranger(m);
	}
	pass_deadline(m);
	health_turn(m);
}

/* What the dead have written is in the pipes: nobody else can add to it. */
static void drain(struct monitor *m)
{
	uint64_t give_up_ms = monitor_now_ms() + LAST_WORD_MS;
	for (;;) {
		while (is_anyone_behind(m) && monitor_now_ms() < give_up_ms) {
			struct pollfd fds[POLL_VISITORS + VISITORS_MAX];
			size_t n = list_descriptors(m, fds);
			poll(fds + POLL_VISITORS, n - POLL_VISITORS, 100);
			if (visitors_catch_up(m))
				give_up_ms = monitor_now_ms() + LAST_WORD_MS;
		}
		for (size_t i = m->n_visitors; is_anyone_behind(m) && i-- > 0;)
			if (m->visitors[i].is_behind)
				m->visitors[i].wants_output = m->visitors[i].is_behind = false;
		if (!copy(m, &m->output_fd, LOG_STDOUT) && !copy(m, &m->error_fd, LOG_STDERR) &&
			!copy(m, &m->pty_fd, LOG_STDOUT))
			break;
	}
	log_finish(&m->log);
}

/*
 * A child waits for the disk, so that nobody else does: not the program's output, not who
 * stops the container, not the next start, which wants the locks that we hold.
 */
static void sync_aside(struct monitor *m)
{
	/* What is removed at its end need not survive the machine's. */
	if (m->record.is_auto_removed || clone_plain() != 0)
		return;
	if (m->dir_fd > 3)
		syscall(SYS_close_range, 3U, (unsigned)m->dir_fd - 1, 0U);
	syscall(SYS_close_range, (unsigned)m->dir_fd + 1, ~0U, 0U);
	container_sync(m->dir_fd);
	_exit(0);
}

static void come_to_an_end(struct monitor *m)
{
	uint64_t wait_ms = 0;
	fault_point("monitor", "end");
	visitors_accept(m);
	drain(m);
	fault_point("monitor", "drained");
	health_stop(m);
	m->deadline_ms = 0;
	bool comes_back = ending_record(m, &wait_ms);
	fault_point("monitor", "recorded");
	visitors_accept(m);
	visitors_tell_end(m, monitor_exit_code(m));
	m->stage = comes_back ? STAGE_WAITS : STAGE_ENDS;
	sync_aside(m);
	if (comes_back)
		m->deadline_ms = monitor_now_ms() + wait_ms;
}

static bool open_signals(struct monitor *m)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	m->signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	return m->signal_fd >= 0;
}

/* Nobody's terminal, nobody's pipe. */
static void let_go(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; fd >= 0 && i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
	setsid();
	(void)!chdir("/");
	prctl(PR_SET_NAME, "guscio-monitor", 0L, 0L, 0L);
}

static bool read_numbers(struct monitor *m, const char *text)
{
	int pid, client_fd;
	if (sscanf(text, "%d,%d,%d,%d,%d,%d,%d,%d,%d", &pid, &m->pid_fd, &m->pty_fd, &m->output_fd,
		    &m->error_fd, &m->input_fd, &m->listen_fd, &client_fd, &m->notify_fd) != 9)
		return false;
	m->pid = pid;
	siginfo_t info;
	m->is_stranger = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0;
	const int ours[] = {m->pid_fd, m->pty_fd, m->output_fd, m->error_fd, m->input_fd,
		m->listen_fd, client_fd, m->notify_fd};
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (ours[i] >= 0)
			fcntl(ours[i], F_SETFD, FD_CLOEXEC);
	const int waiting[] = {m->pty_fd, m->output_fd, m->error_fd, m->input_fd, m->listen_fd};
	for (size_t i = 0; i < ARRAY_LEN(waiting); i++)
		if (waiting[i] >= 0)
			fcntl(waiting[i], F_SETFL, O_NONBLOCK);
	/* While we have its other side open it never reports that nobody has. */
	if (m->pty_fd >= 0)
		(void)ioctl(m->pty_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (client_fd >= 0) {
		visitors_add(m, client_fd);
		m->visitors[0].wants_output = true;
	}
	return true;
}

/* The starter has written it down when it made the process. */
static bool read_record(struct monitor *m, struct err *e)
{
	if (!container_read(m->all_fd, m->id, m->arena, &m->record, e))
		return false;
	/* A system opens and closes its console as it likes. */
	if (m->record.is_system && m->pty_fd >= 0)
		m->console_fd = ioctl(m->pty_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return true;
}

static bool begin(struct monitor *m, char **argv, struct arena *arena)
{
	struct err e = ERR_INIT;
	char *slash = strrchr(argv[2], '/');
	m->name = argv[1];
	m->bundle = argv[2];
	m->runtime_dir = argv[3];
	m->guscio = argv[4];
	m->id = slash ? slash + 1 : "";
	m->dir_fd = open(m->bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	m->all_fd =
		m->dir_fd < 0 ? -1 : openat(m->dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	m->arena = arena;
	m->status = -1;
	m->began_ms = monitor_now_ms();
	m->log.fd = -1;
	if (m->all_fd < 0 || !open_signals(m) || !read_numbers(m, argv[5]) || !read_record(m, &e))
		return false;
	/* Without a log it runs all the same: the disk may be full. */
	if (!strcmp(m->record.log_driver, "journald"))
		log_open_journal(&m->log, &m->record);
	if (!strcmp(m->record.log_driver, "json-file"))
		log_open(&m->log, m->dir_fd, m->record.log_max_size, m->record.log_max_files);
	return true;
}

int main(int argc, char **argv)
{
	/* Far too large for a stack, and touched only where it is used. */
	static struct monitor m;
	static struct arena arena, settings;
	struct err e = ERR_INIT;
	if (argc != 6) {
		fputs("guscio-monitor is a part of guscio, and of no use by hand\n", stderr);
		return 125;
	}
	let_go();
	fault_point("monitor", "executed");
	if (!arena_init(&arena, &e) || !arena_init(&settings, &e) || !begin(&m, argv, &settings))
		return 125;
	m.arena = &arena;
	health_start(&m);
	sync_aside(&m);
	fault_point("monitor", "begun");
	while (m.stage != STAGE_ENDS) {
		turn(&m);
		if (m.status >= 0 && m.stage != STAGE_WAITS && m.stage != STAGE_ENDS)
			come_to_an_end(&m);
	}
	ending_leave(&m);
}
