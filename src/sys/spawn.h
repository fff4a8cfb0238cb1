/* SPDX-License-Identifier: Apache-2.0 */
/* spawn.h - a helper program beside us: posix_spawn(3) with named descriptors and nothing else */
#ifndef SYS_SPAWN_H
#define SYS_SPAWN_H

#include "base/err.h"

#include <signal.h>
#include <sys/types.h>

/*
 * spawn_program() - start @argv[0], looked up in PATH when it has no slash
 * @fds:  these stay open under their numbers; everything else of ours is close-on-exec
 * @stdio: three descriptors for standard input, output and error; -1: /dev/null, or ours for error
 * Signals come to it as to a program fresh from a shell.
 * Errors: with e->sys ENOENT when there is no such program.
 */
bool spawn_program(char *const *argv, const int *fds, size_t n_fds, const int stdio[3],
	pid_t *ret_pid, struct err *e);

/*
 * spawn_helper() - start a helper that finds @fds as 3, 4, …, and /dev/null as input and output
 * Errors: with e->sys ENOENT when it is not there.
 */
#define SPAWN_FDS_MAX 32
bool spawn_helper(char *const *argv, const int *fds, size_t n_fds, pid_t *ret_pid, struct err *e);

/* Everything that comes from @fd until its end, at most @size - 1 bytes of it, as text. */
void spawn_read(int fd, char *output, size_t size);

/* Waits for it: 0 to 255 as a shell says it. */
int spawn_wait(pid_t pid);

/*
 * spawn_filter() - run @argv, give it @input, take at most @size - 1 bytes of its output
 * Returns its status, or -1 with @e filled when it could not be started.
 */
int spawn_filter(char *const *argv, const char *input, char *output, size_t size, struct err *e);

/* Every signal that this process was told to ignore (nohup, a shell's &). */
void signals_ignored(sigset_t *ret);

/* Signals wait while files are half made; what came in between arrives at the release. */
void signals_hold(sigset_t *ret_before);
void signals_release(const sigset_t *before);
/* Waits until @fd can be read; false when a signal that ends a program came first. */
bool signals_wait_for(int fd);
/* Has one come that ends a program? */
bool signals_wait_to_end_us(void);

#endif
