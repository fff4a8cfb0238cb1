/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat.h - calls of the kernel's and names that a libc may lack
 *
 * Read before every file where libc has no fsopen(2), as musl and glibc before 2.36 (meson.build).
 * Where there is one it is neither read nor has it anything in it.
 */
#ifndef BASE_COMPAT_H
#define BASE_COMPAT_H

#ifdef LIBC_LACKS_FSOPEN

#include <linux/limits.h>
#include <linux/mount.h>
#include <linux/stat.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int fsopen(const char *type, unsigned flags)
{
	return (int)syscall(SYS_fsopen, type, flags);
}

static inline int fsconfig(int fd, unsigned command, const char *key, const void *value, int aux)
{
	return (int)syscall(SYS_fsconfig, fd, command, key, value, aux);
}

static inline int fsmount(int fd, unsigned flags, unsigned attributes)
{
	return (int)syscall(SYS_fsmount, fd, flags, attributes);
}

static inline int open_tree(int dir_fd, const char *path, unsigned flags)
{
	return (int)syscall(SYS_open_tree, dir_fd, path, flags);
}

static inline int move_mount(
	int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	return (int)syscall(SYS_move_mount, from_fd, from, to_fd, to, flags);
}

static inline int mount_setattr(
	int dir_fd, const char *path, unsigned flags, struct mount_attr *attributes, size_t size)
{
	/* The number is the same everywhere, and younger than some of these libcs. */
	return (int)syscall(442, dir_fd, path, flags, attributes, size);
}

/* glibc had these before it had fsopen(2). */
#ifndef __GLIBC__
static inline int execveat(
	int dir_fd, const char *path, char *const argv[], char *const envp[], int flags)
{
	return (int)syscall(SYS_execveat, dir_fd, path, argv, envp, flags);
}
#endif

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
static inline int renameat2(
	int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}
#endif

static inline int compat_statx(
	int dir_fd, const char *path, int flags, unsigned mask, struct statx *ret)
{
	return (int)syscall(SYS_statx, dir_fd, path, flags, mask, ret);
}
#define statx(dir_fd, path, flags, mask, ret) compat_statx(dir_fd, path, flags, mask, ret)

#ifndef __GLIBC__
/* NULL: it has none. */
static inline const char *sigabbrev_np(int sig)
{
	static const char names[][8] = {[SIGHUP] = "HUP",
		[SIGINT] = "INT",
		[SIGQUIT] = "QUIT",
		[SIGILL] = "ILL",
		[SIGTRAP] = "TRAP",
		[SIGABRT] = "ABRT",
		[SIGBUS] = "BUS",
		[SIGFPE] = "FPE",
		[SIGKILL] = "KILL",
		[SIGUSR1] = "USR1",
		[SIGSEGV] = "SEGV",
		[SIGUSR2] = "USR2",
		[SIGPIPE] = "PIPE",
		[SIGALRM] = "ALRM",
		[SIGTERM] = "TERM",
		[SIGSTKFLT] = "STKFLT",
		[SIGCHLD] = "CHLD",
		[SIGCONT] = "CONT",
		[SIGSTOP] = "STOP",
		[SIGTSTP] = "TSTP",
		[SIGTTIN] = "TTIN",
		[SIGTTOU] = "TTOU",
		[SIGURG] = "URG",
		[SIGXCPU] = "XCPU",
		[SIGXFSZ] = "XFSZ",
		[SIGVTALRM] = "VTALRM",
		[SIGPROF] = "PROF",
		[SIGWINCH] = "WINCH",
		[SIGIO] = "POLL",
		[SIGPWR] = "PWR",
		[SIGSYS] = "SYS"};
	size_t n = sizeof(names) / sizeof(names[0]);
	return sig > 0 && (size_t)sig < n && names[sig][0] ? names[sig] : NULL;
}
#endif

#endif
#endif
