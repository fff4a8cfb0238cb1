/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/limits.h"
#include "apply/proc.h"
#include "apply/terminal.h"
#include "apply/system.h"
#include "base/own.h"
#include "state/foreground.h"
#include "sys/memory_watch.h"
#include "sys/tty.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COPY_SIZE 16384

struct copy {
	char data[COPY_SIZE];
	size_t n;
};

struct session {
	const struct plan *plan;
	struct proc *proc;
	struct notes *notes;
	int signal_fd;
	struct held_terminal terminal;
	bool has_input; /* standard input may still bring something */
	struct copy *input;
	uint64_t deadline_ms; /* 0: none */
	uint64_t show_ms;     /* when others are to see the container; 0: they do */
	uint64_t watch_ms;    /* when the memory is looked at again */
	bool has_passed_memory;
	int n_escapes; /* Ctrl-] so far */
	uint64_t first_escape_ms;
	bool is_stopping; /* the stop signal was sent, SIGKILL is next */
};

static uint64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* What the caller ignored (nohup, background jobs) stays ignored: it is not handed on. */
static void wanted_signals(const struct proc *proc, sigset_t *set)
{
	sigfillset(set);
	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(&proc->ignored, sig) && sig != SIGCHLD)
			sigdelset(set, sig);
}

static void write_all(int fd, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t wrote = write(fd, data, n);
		if (wrote < 0 && errno == EAGAIN) {
			struct pollfd p = {.fd = fd, .events = POLLOUT};
			poll(&p, 1, -1);
			continue;
		}
		if (wrote < 0 && errno != EINTR)
			return; /* nobody reads any more: the program's output is lost by their wish
				 */
		if (wrote > 0) {
			data += wrote;
			n -= (size_t)wrote;
		}
	}
}

/* Terminal to our output; false at its end. */
static bool copy_output(struct session *s)
{
	char data[COPY_SIZE];
	errno = 0;
	ssize_t n = read(s->proc->pty_fd, data, sizeof(data));
	if (n > 0)
		write_all(STDOUT_FILENO, data, (size_t)n);
	/* EIO: no process has the other side open at this moment. */
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void send_signal(struct session *s, int sig)
{
	syscall(SYS_pidfd_send_signal, s->proc->pid_fd, sig, NULL, 0);
}

/* systemd-nspawn's keys for a system that nothing else ends: Ctrl-] three times in a second. */
static bool asks_for_the_end(struct session *s)
{
	for (size_t i = 0; i < s->input->n; i++) {
		if (s->input->data[i] != 0x1d || now_ms() - s->first_escape_ms > 1000)
			s->n_escapes = 0;
		if (s->input->data[i] == 0x1d && s->n_escapes++ == 0)
			s->first_escape_ms = now_ms();
	}
	return s->n_escapes >= 3;
}

static void read_input(struct session *s)
{
	ssize_t n = read(STDIN_FILENO, s->input->data, sizeof(s->input->data));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		/* A pipe that ended says so the way a terminal does: with Ctrl-D. */
		s->has_input = false;
		s->input->data[0] = 4;
		n = 1;
	}
	s->input->n = (size_t)n;
	if (s->plan->spec->is_system && asks_for_the_end(s))
		send_signal(s, SIGKILL);
}

static void flush_input(struct session *s)
{
	ssize_t n = write(s->proc->pty_fd, s->input->data, s->input->n);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		s->input->n = 0;
	if (n <= 0)
		return;
	memmove(s->input->data, s->input->data + n, s->input->n - (size_t)n);
	s->input->n -= (size_t)n;
}

static void resize(struct session *s)
{
	struct winsize size;
	struct err ignored;
	if (s->proc->pty_fd >= 0 && tty_size(STDIN_FILENO, &size))
		tty_set_size(s->proc->pty_fd, &size, &ignored);
}

static void take_signal(struct session *s)
{
	struct signalfd_siginfo info;
	if (read(s->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	int sig = (int)info.ssi_signo;
	bool is_from_terminal = info.ssi_code == SI_KERNEL;
	if (sig == SIGCHLD)
		return;
	if (sig == SIGWINCH) {
		resize(s);
		return;
	}
	/* A broken pipe of our own is no business of the program's. */
	if (sig == SIGPIPE && is_from_terminal)
		return;
	if (!(s->plan->shares_session && is_from_terminal))
		send_signal(s, system_signal(s->plan, sig));
	if (system_signal_stops(s->plan, sig) && !s->is_stopping) {
		s->is_stopping = true;
		s->deadline_ms = now_ms() + s->plan->spec->stop_timeout_ms;
	}
	/* The caller's shell waits for us to stop, not for the program. */
	if (sig == SIGTSTP)
		kill(getpid(), SIGSTOP);
}

static void pass_deadline(struct session *s)
{
	const struct spec *spec = s->plan->spec;
	if (s->is_stopping) {
		send_signal(s, SIGKILL);
		s->deadline_ms = 0;
		return;
	}
	notes_add(s->notes, "stopped after %llu ms, as --timeout asked",
		(unsigned long long)spec->timeout_ms);
	send_signal(s, spec->stop_signal);
	s->is_stopping = true;
	s->deadline_ms = now_ms() + spec->stop_timeout_ms;
}

/* Where there is no cgroup: ends the container that passes its memory limit. */
static void watch_memory(struct session *s)
{
	uint64_t limit = s->plan->fallback.memory, now = now_ms();
	if (!limit || s->has_passed_memory || now < s->watch_ms)
		return;
	s->watch_ms = now + MEMORY_WATCH_MS;
	uint64_t used = memory_of_tree(s->proc->pid);
	if (used <= limit)
		return;
	s->has_passed_memory = true;
	notes_add(s->notes, "out of memory: %llu bytes are resident, %llu are allowed: killed",
		(unsigned long long)used, (unsigned long long)limit);
	send_signal(s, SIGKILL);
}

static int poll_timeout(const struct session *s)
{
	uint64_t now = now_ms(), next_ms = s->deadline_ms;
	if (s->show_ms && (!next_ms || s->show_ms < next_ms))
		next_ms = s->show_ms;
	if (s->plan->fallback.memory && !s->has_passed_memory)
		return s->show_ms ? FOREGROUND_SHOWN_AFTER_MS : MEMORY_WATCH_MS;
	if (!next_ms)
		return -1;
	uint64_t left = next_ms > now ? next_ms - now : 0;
	return left > 60000 ? 60000 : (int)left;
}

static void show(struct session *s)
{
	if (!s->show_ms || now_ms() < s->show_ms)
		return;
	s->show_ms = 0;
	proc_show(s->plan, s->proc, s->notes);
}

/* A helper is gone though the container lives: a device without carrier, ports without answer. */
static void lose_helper(struct session *s, int *fd, const char *what)
{
	struct pollfd program = {.fd = s->proc->pid_fd, .events = POLLIN};
	clean_fd(fd);
	/* Both may have ended at once; the helper learns of it as soon as we do. */
	if (poll(&program, 1, 0) == 0)
		notes_add(s->notes, "the container lost its %s has ended", what);
}

/* True when the program has ended and its output was copied. */
static bool turn(struct session *s)
{
	int pty_fd = s->proc->pty_fd;
	bool reads_input = pty_fd >= 0 && s->has_input && s->input->n == 0;
	short pty_events = (short)(POLLIN | (s->input->n ? POLLOUT : 0));
	struct pollfd fds[] = {{.fd = s->proc->pid_fd, .events = POLLIN},
		{.fd = s->signal_fd, .events = POLLIN}, {.fd = pty_fd, .events = pty_events},
		{.fd = reads_input ? STDIN_FILENO : -1, .events = POLLIN},
		{.fd = s->proc->net_fd, .events = 0}, {.fd = s->proc->port_fd, .events = 0},
		{.fd = s->proc->notify_fd, .events = POLLIN}};
	if (poll(fds, ARRAY_LEN(fds), poll_timeout(s)) < 0)
		return false;
	if (fds[1].revents)
		take_signal(s);
	if (fds[3].revents)
		read_input(s);
	if (fds[2].revents & POLLOUT)
		flush_input(s);
	if ((fds[2].revents & (POLLIN | POLLHUP)) && !copy_output(s) && !fds[0].revents &&
		!(fds[2].revents & POLLIN)) {
		/* Nobody has the terminal open: nothing to read until the end. */
		clean_fd(&s->proc->pty_fd);
	}
	if (fds[4].revents && !fds[0].revents)
		lose_helper(s, &s->proc->net_fd, "network: guscio-net");
	if (fds[5].revents && !fds[0].revents)
		lose_helper(s, &s->proc->port_fd, "published ports: guscio-port");
	if (fds[6].revents)
		system_take_notify(s->plan, s->proc);
	watch_memory(s);
	if (!fds[0].revents)
		show(s);
	if (s->deadline_ms && now_ms() >= s->deadline_ms)
		pass_deadline(s);
	return fds[0].revents;
}

static bool take_status(const struct plan *plan, struct proc *proc, int *ret_status, struct err *e)
{
	int status;
	while (waitpid(proc->pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "wait for the container");
	proc->pid = 0;
	*ret_status = proc->exit_code = system_status(plan, status);
	return true;
}

bool foreground(const struct plan *plan, struct proc *proc, struct notes *notes, int *ret_status,
	struct err *e)
{
	/* Its pages are touched only where there is a terminal. */
	struct copy input;
	input.n = 0;
	struct session s = {.plan = plan,
		.proc = proc,
		.notes = notes,
		.input = &input,
		.signal_fd = -1,
		.terminal = HELD_TERMINAL_INIT,
		.has_input = plan->spec->process.interactive};
	CLEAN(clean_fd) int console_fd = -1;
	sigset_t signals;
	wanted_signals(proc, &signals);
	s.signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s.signal_fd < 0)
		return err_sys(e, "open a signal descriptor");
	if (plan->shown)
		s.show_ms = now_ms() + FOREGROUND_SHOWN_AFTER_MS;
	if (plan->spec->timeout_ms)
		s.deadline_ms = now_ms() + plan->spec->timeout_ms;
	bool ok = true;
	if (proc->pty_fd >= 0) {
		fcntl(proc->pty_fd, F_SETFL, O_NONBLOCK);
		/* A system opens and closes its console as it likes: this end keeps it there. */
		if (plan->spec->is_system)
			console_fd =
				ioctl(proc->pty_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
		resize(&s);
		ok = !s.has_input || terminal_take(&s.terminal, e);
	}
	while (ok && !turn(&s))
		;
	while (ok && proc->pty_fd >= 0 && copy_output(&s) && errno != EAGAIN)
		;
	terminal_give_back(&s.terminal);
	clean_fd(&s.signal_fd);
	ok = ok && take_status(plan, proc, ret_status, e);
	if (ok && s.is_stopping && *ret_status == SYSTEM_STATUS_REBOOT)
		*ret_status = 0;
	if (ok) {
		limits_report_oom(plan, proc, notes);
		system_report(plan, proc, *ret_status, notes);
	}
	return ok;
}
