/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/spawn.h"
#include "base/own.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

extern char **environ;

static bool set_actions(posix_spawn_file_actions_t *actions, const int *fds, size_t n_fds,
	bool is_numbered, const int stdio[3])
{
	int failed = 0;
	for (int i = 0; i < 3; i++) {
		if (stdio[i] >= 0)
			failed |= posix_spawn_file_actions_adddup2(actions, stdio[i], i);
		else if (i < 2)
			failed |= posix_spawn_file_actions_addopen(
				actions, i, "/dev/null", i ? O_WRONLY : O_RDONLY, 0);
	}
	/* A descriptor duplicated onto itself loses its close-on-exec mark. */
	for (size_t i = 0; i < n_fds; i++)
		failed |= posix_spawn_file_actions_adddup2(
			actions, fds[i], is_numbered ? (int)(3 + i) : fds[i]);
	return !failed;
}

static bool spawn(char *const *argv, const int *fds, size_t n_fds, bool is_numbered,
	const int stdio[3], pid_t *ret_pid, struct err *e)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, most;
	pid_t pid;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	sigemptyset(&none);
	sigfillset(&most);
	sigdelset(&most, SIGKILL);
	sigdelset(&most, SIGSTOP);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &most);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	errno = ENOMEM;
	bool ok = set_actions(&actions, fds, n_fds, is_numbered, stdio) &&
		  !(errno = posix_spawnp(&pid, argv[0], &actions, &attributes, argv, environ));
	int saved = errno;
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	errno = saved;
	if (!ok)
		return err_sys(e, "start '%s'", argv[0]);
	*ret_pid = pid;
	return true;
}

bool spawn_program(char *const *argv, const int *fds, size_t n_fds, const int stdio[3],
	pid_t *ret_pid, struct err *e)
{
	return spawn(argv, fds, n_fds, false, stdio, ret_pid, e);
}

bool spawn_helper(char *const *argv, const int *fds, size_t n_fds, pid_t *ret_pid, struct err *e)
{
	static const int stdio[3] = {-1, -1, -1};
	int clear[SPAWN_FDS_MAX];
	size_t n = 0;
	bool ok = n_fds <= SPAWN_FDS_MAX;
	/* One that stands where another one goes would be overwritten before its turn. */
	for (; ok && n < n_fds; n++)
		ok = (clear[n] = fcntl(fds[n], F_DUPFD_CLOEXEC, (int)(3 + n_fds))) >= 0;
	if (ok)
		ok = spawn(argv, clear, n, true, stdio, ret_pid, e);
	else
		err_sys(e, "duplicate a descriptor");
	while (n-- > 0)
		clean_fd(&clear[n]);
	return ok;
}

int spawn_wait(pid_t pid)
{
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void spawn_read(int fd, char *output, size_t size)
{
	size_t n = 0;
	while (n < size - 1) {
		ssize_t got = read(fd, output + n, size - 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	output[n] = '\0';
}

int spawn_filter(char *const *argv, const char *input, char *output, size_t size, struct err *e)
{
	int in[2], out[2];
	pid_t pid;
	if (pipe2(in, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe"), -1;
	if (pipe2(out, O_CLOEXEC) < 0) {
		close(in[0]);
		close(in[1]);
		return err_sys(e, "make a pipe"), -1;
	}
	const int stdio[3] = {in[0], out[1], -1};
	bool ok = spawn_program(argv, NULL, 0, stdio, &pid, e);
	close(in[0]);
	close(out[1]);
	/* A short text fits into the pipe: nobody waits for anybody. */
	if (ok && write(in[1], input, strlen(input)) < 0)
		ok = true; /* it did not want it */
	close(in[1]);
	output[0] = '\0';
	if (ok)
		spawn_read(out[0], output, size);
	close(out[0]);
	return ok ? spawn_wait(pid) : -1;
}

void signals_ignored(sigset_t *ret)
{
	struct sigaction action;
	sigemptyset(ret);
	for (int sig = 1; sig < NSIG; sig++)
		if (sigaction(sig, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			sigaddset(ret, sig);
}

/* Those that end a program and that nobody told us to ignore (nohup, a shell's &). */
static void ending_signals(sigset_t *set)
{
	static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction action;
	sigemptyset(set);
	for (size_t i = 0; i < ARRAY_LEN(ending); i++)
		if (sigaction(ending[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(set, ending[i]);
}

void signals_hold(sigset_t *ret_before)
{
	sigset_t set;
	ending_signals(&set);
	sigprocmask(SIG_BLOCK, &set, ret_before);
}

void signals_release(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}

bool signals_wait_for(int fd)
{
	sigset_t set;
	ending_signals(&set);
	/* It only tells: the signal stays pending, for whoever releases the mask. */
	CLEAN(clean_fd) int signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	struct pollfd polled[2] = {
		{.fd = fd, .events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};
	while (poll(polled, 2, -1) < 0 && errno == EINTR)
		;
	return !polled[1].revents;
}

bool signals_wait_to_end_us(void)
{
	sigset_t set, pending;
	ending_signals(&set);
	sigpending(&pending);
	/* Blocked signals wait even when they are ignored: only those of the set count. */
	return sigandset(&pending, &pending, &set) == 0 && !sigisemptyset(&pending);
}
