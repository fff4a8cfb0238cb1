/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peak.c - largest resident set of a command in KiB: peak COMMAND [ARG...]
 *
 * Small itself: what the kernel accounts for a process begins with the memory of whoever forked it.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rusage usage;
	int status;
	if (argc < 2)
		return 125;
	pid_t pid = fork();
	if (pid == 0) {
		execvp(argv[1], argv + 1);
		_exit(127); /* lint: child */
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0)
		return 125;
	fprintf(stderr, "%ld\n", usage.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
