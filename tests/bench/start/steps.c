/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steps.c - every place of a program that a command runs through: steps OUTPUT PROGRAM [ARG...]
 *
 * The program and its forks are run one instruction at a time, until they execute something else.
 * OUTPUT gets a line for each place: "0" for the program itself or "1" for a fork, and the offset
 * in the program's file as it is mapped, in the order of the first visit.
 */
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLACES_MAX    (8u << 20)
#define PROCESSES_MAX 64

struct run {
	FILE *output;
	char path[PATH_MAX];
	unsigned long long base;
	pid_t first;
	pid_t others[PROCESSES_MAX]; /* that execute something else by now */
	size_t n_others;
	unsigned char seen[PLACES_MAX];
};

static unsigned long long find_base(pid_t pid, const char *path)
{
	char name[64], line[PATH_MAX + 128];
	unsigned long long base = 0;
	snprintf(name, sizeof(name), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(name, "r");
	while (maps && !base && fgets(line, sizeof(line), maps))
		if (strstr(line, path))
			base = strtoull(line, NULL, 16);
	if (maps)
		fclose(maps);
	return base;
}

static bool is_other(const struct run *run, pid_t pid)
{
	for (size_t i = 0; i < run->n_others; i++)
		if (run->others[i] == pid)
			return true;
	return false;
}

static void note_place(struct run *run, pid_t pid)
{
	struct __ptrace_syscall_info info;
	unsigned char bit = pid == run->first ? 1 : 2;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
		return;
	unsigned long long at = info.instruction_pointer - run->base;
	if (at >= PLACES_MAX || run->seen[at] & bit)
		return;
	run->seen[at] |= bit;
	fprintf(run->output, "%d %llx\n", bit - 1, at);
}

static void go_on(struct run *run, pid_t pid, int status)
{
	int event = status >> 16, sig = WSTOPSIG(status);
	bool is_ours = event || sig == SIGTRAP || sig == SIGSTOP;
	if (event == PTRACE_EVENT_EXEC && !run->base)
		run->base = find_base(pid, run->path);
	else if (event == PTRACE_EVENT_EXEC && run->n_others < PROCESSES_MAX)
		run->others[run->n_others++] = pid;
	bool is_followed = !is_other(run, pid);
	if (is_followed && run->base)
		note_place(run, pid);
	ptrace(is_followed ? PTRACE_SINGLESTEP : PTRACE_CONT, pid, 0, is_ours ? 0 : sig);
}

int main(int argc, char **argv)
{
	static struct run run;
	int status;
	if (argc < 3 || !realpath(argv[2], run.path) || !(run.output = fopen(argv[1], "w")))
		return 125;
	run.first = fork();
	if (run.first == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execv(run.path, argv + 2);
		_exit(127); /* lint: child */
	}
	if (run.first < 0 || waitpid(run.first, &status, 0) < 0)
		return 125;
	ptrace(PTRACE_SETOPTIONS, run.first, 0,
		PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
			PTRACE_O_TRACEVFORK);
	go_on(&run, run.first, status);
	for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0;)
		if (WIFSTOPPED(status))
			go_on(&run, pid, status);
		else if (pid == run.first && WIFEXITED(status) && WEXITSTATUS(status))
			return 125;
	return fclose(run.output) ? 125 : 0;
}
