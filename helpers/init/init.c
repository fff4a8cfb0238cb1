/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init.c - PID 1 of a container
 *
 * The program is its child already when this starts: pid 1 forked, the fork
 * executes the program and pid 1 executes this. It reaps what is orphaned,
 * hands signals on to the program, and ends with the program's exit status;
 * the kernel then ends whatever is left in the pid namespace.
 *
 * All signals are blocked from before the fork, so none is lost between the
 * fork and the first wait for one: pid 1 would otherwise ignore those it has no
 * handler for [pid_namespaces(7)].
 */
#include "raw.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/wait.h>

#define EXIT_OURS    125
#define KERNEL_EINTR 4
/* The kernel's set of signals is 64 bits; libc's type is larger [rt_sigtimedwait(2)]. */
#define SIGNAL_SET_SIZE 8

struct program {
	long pid;
	bool has_terminal; /* it leads the terminal's foreground group */
	bool is_alone;	   /* we are no pid 1: the kernel will not end the others for us */
	bool has_ended;
	int status;
};

static int exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void send(long pid, long sig)
{
	raw_call4(__NR_kill, pid, sig, 0, 0);
}

static long reap_one(int *ret_status, long options)
{
	return raw_call4(__NR_wait4, -1, (long)ret_status, options, 0);
}

/*
 * Nobody outside could continue a program that stopped itself on its own
 * terminal: the shell that the user would type "fg" into is not in this session.
 */
static void continue_stopped(const struct program *program, long pid, int status)
{
	if (program->has_terminal && pid == program->pid && WSTOPSIG(status) != SIGSTOP)
		send(-pid, SIGCONT);
}

static void reap(struct program *program)
{
	int status;
	long pid;
	while ((pid = reap_one(&status, WNOHANG | WUNTRACED)) > 0) {
		if (WIFSTOPPED(status)) {
			continue_stopped(program, pid, status);
		} else if (pid == program->pid) {
			program->has_ended = true;
			program->status = status;
		}
	}
}

static long to_number(const char **text)
{
	long value = 0;
	while (**text >= '0' && **text <= '9')
		value = value * 10 + (*(*text)++ - '0');
	return value;
}

/* Kills the children that /proc lists; false when there are none. */
static bool kill_children(void)
{
	char text[4096];
	long fd = raw_call4(
		__NR_openat, AT_FDCWD, (long)"/proc/thread-self/children", O_RDONLY | O_CLOEXEC, 0);
	long n = fd < 0 ? 0 : raw_call4(__NR_read, fd, (long)text, sizeof(text) - 1, 0);
	if (fd >= 0)
		raw_call4(__NR_close, fd, 0, 0, 0);
	if (n <= 0)
		return false;
	text[n] = '\0';
	for (const char *p = text; *p;) {
		long pid = to_number(&p);
		/* A number at the end of a full buffer may be cut: the next round has it. */
		if (pid > 1 && (*p || n < (long)sizeof(text) - 1))
			send(pid, SIGKILL);
		p += *p != '\0';
	}
	return true;
}

/* As subreaper: children of killed children become ours, until none is left. */
static void end_the_others(void)
{
	int status;
	while (kill_children())
		if (reap_one(&status, 0) < 0)
			return;
}

static bool is_from_a_crash(const siginfo_t *info)
{
	switch (info->si_signo) {
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
	case SIGTRAP:
	case SIGSYS:
		return info->si_code > 0 && info->si_code != SI_KERNEL;
	default:
		return false;
	}
}

static int stay(struct program *program)
{
	const unsigned long long all = ~0ull;
	siginfo_t info;
	raw_call4(__NR_rt_sigprocmask, SIG_BLOCK, (long)&all, 0, SIGNAL_SET_SIZE);
	for (reap(program); !program->has_ended; reap(program)) {
		long sig = raw_call4(
			__NR_rt_sigtimedwait, (long)&all, (long)&info, 0, SIGNAL_SET_SIZE);
		if (sig == -KERNEL_EINTR)
			continue;
		if (sig < 0)
			return EXIT_OURS;
		if (sig != SIGCHLD && !is_from_a_crash(&info))
			send(program->pid, sig);
	}
	if (program->is_alone)
		end_the_others();
	return exit_code(program->status);
}

void raw_start(long *stack)
{
	const char **argv = (const char **)(stack + 1);
	int code = EXIT_OURS;
	if (stack[0] == 3) {
		struct program program;
		program.pid = to_number(&argv[1]);
		program.has_terminal = argv[2][0] == 't';
		program.is_alone = raw_call4(__NR_getpid, 0, 0, 0, 0) != 1;
		program.has_ended = false;
		program.status = 0;
		raw_call4(__NR_prctl, PR_SET_NAME, (long)"guscio-init", 0, 0);
		code = stay(&program);
	}
	for (;;)
		raw_call4(__NR_exit_group, code, 0, 0, 0);
}
