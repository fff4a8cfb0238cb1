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
 * fork and the first sigwaitinfo(): pid 1 would otherwise ignore those it has no
 * handler for [pid_namespaces(7)].
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_OURS 125

struct program {
	pid_t pid;
	bool has_terminal; /* it leads the terminal's foreground group */
	bool is_alone;     /* we are no pid 1: the kernel will not end the others for us */
	bool has_ended;
	int status;
};

static int exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/*
 * Nobody outside could continue a program that stopped itself on its own
 * terminal: the shell that the user would type "fg" into is not in this session.
 */
static void continue_stopped(const struct program *program, pid_t pid, int status)
{
	if (program->has_terminal && pid == program->pid && WSTOPSIG(status) != SIGSTOP)
		kill(-pid, SIGCONT);
}

static void reap(struct program *program)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (WIFSTOPPED(status)) {
			continue_stopped(program, pid, status);
		} else if (pid == program->pid) {
			program->has_ended = true;
			program->status = status;
		}
	}
}

/* As subreaper: children of killed children become ours, until none is left. */
static void end_the_others(void)
{
	char path[] = "/proc/thread-self/children";
	char text[4096];
	for (;;) {
		FILE *f = fopen(path, "re");
		size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
		if (f)
			fclose(f);
		text[n] = '\0';
		if (n == 0)
			return;
		char *end, *p = text;
		for (long pid = strtol(p, &end, 10); end != p; pid = strtol(p, &end, 10)) {
			/* The last number may be cut at the end of the buffer: the next round has it. */
			if (pid > 1 && (*end || n < sizeof(text) - 1))
				kill((pid_t)pid, SIGKILL);
			p = end;
		}
		if (waitpid(-1, NULL, 0) < 0)
			return;
	}
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

int main(int argc, char **argv)
{
	struct program program = {0};
	siginfo_t info;
	sigset_t all;
	if (argc != 3)
		return EXIT_OURS;
	prctl(PR_SET_NAME, "guscio-init", 0L, 0L, 0L);
	program.pid = (pid_t)atoi(argv[1]);
	program.has_terminal = strchr(argv[2], 't');
	program.is_alone = getpid() != 1;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	if (program.is_alone)
		prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L);
	for (reap(&program); !program.has_ended; reap(&program)) {
		if (sigwaitinfo(&all, &info) < 0) {
			if (errno == EINTR)
				continue;
			return EXIT_OURS;
		}
		if (info.si_signo != SIGCHLD && !is_from_a_crash(&info))
			kill(program.pid, info.si_signo);
	}
	if (program.is_alone)
		end_the_others();
	return exit_code(program.status);
}
