/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/terminal.h"
#include "base/own.h"
#include "sys/clone.h"
#include "sys/tty.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The guard: should this process be killed, nobody else would give the user's
 * terminal its mode back. It waits for one byte; end-of-file without it means that
 * we are gone.
 */
static void be_guard(int pipe_fd, const struct termios *before) __attribute__((noreturn));
static void be_guard(int pipe_fd, const struct termios *before)
{
	char byte;
	struct err ignored;
	prctl(PR_SET_NAME, "guscio-guard", 0L, 0L, 0L);
	if (dup2(pipe_fd, 3) < 0)
		_exit(1); /* lint: child */
	/* It must hold neither the container's terminal nor anybody's pipe open. */
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	fds_close_on_exec_from(3, &ignored);
	syscall(SYS_close_range, 4U, ~0U, 0U);
	/* All signals are blocked: SIGTTOU does not stop it in the background. */
	if (read(3, &byte, 1) == 0)
		tty_restore(STDIN_FILENO, before);
	_exit(0); /* lint: child */
}

static bool start_guard(struct held_terminal *s, struct err *e)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	s->guard = clone_plain();
	if (s->guard < 0) {
		close(fds[0]);
		close(fds[1]);
		return err_sys(e, "fork");
	}
	if (s->guard == 0) {
		close(fds[1]);
		be_guard(fds[0], &s->before);
	}
	close(fds[0]);
	s->guard_fd = fds[1];
	return true;
}

bool terminal_take(struct held_terminal *s, struct err *e)
{
	if (!isatty(STDIN_FILENO))
		return true;
	if (!tty_make_raw(STDIN_FILENO, &s->before, e))
		return false;
	s->is_raw = true;
	return start_guard(s, e);
}

void terminal_give_back(struct held_terminal *s)
{
	if (s->is_raw)
		tty_restore(STDIN_FILENO, &s->before);
	s->is_raw = false;
	if (s->guard > 0) {
		(void)!write(s->guard_fd, "r", 1);
		clean_fd(&s->guard_fd);
		waitpid(s->guard, NULL, 0);
		s->guard = 0;
	}
}
