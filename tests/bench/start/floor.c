/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor.c - what the kernel alone asks for a container: floor ROOT PROGRAM
 *
 * Every kind of namespace, one id, the root directory, a fresh /proc, a tmpfs on
 * /dev, pivot_root, exec. No checks of hostile roots, no masks, no filter, no init: the number
 * to compare a start with.
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(long result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	_exit(125); /* lint: child */
}

static void put(pid_t pid, const char *name, const char *text, int len)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	check(fd, path);
	check(write(fd, text, (size_t)len), path);
	close(fd);
}

static void be_child(int wire, const char *root, char *const *argv)
{
	char byte, *const envp[] = {NULL};
	check(read(wire, &byte, 1), "wait");
	check(syscall(SYS_setresgid, 0, 0, 0), "setresgid");
	check(syscall(SYS_setresuid, 0, 0, 0), "setresuid");
	check(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
	check(mount(root, root, NULL, MS_BIND | MS_REC, NULL), "bind");
	check(chdir(root), "chdir");
	check(mount("proc", "proc", "proc", 0, NULL), "proc");
	check(mount("tmpfs", "dev", "tmpfs", 0, NULL), "dev");
	check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check(umount2(".", MNT_DETACH), "umount");
	check(chdir("/"), "chdir");
	execve(argv[0], argv, envp);
	check(-1, argv[0]);
}

int main(int argc, char **argv)
{
	int wire[2], status;
	char map[32];
	struct clone_args args = {.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID |
					   CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET |
					   CLONE_NEWCGROUP,
		.exit_signal = SIGCHLD};
	if (argc < 3)
		return 125;
	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, wire), "socketpair");
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	check(pid, "clone3");
	if (pid == 0)
		be_child(wire[1], argv[1], argv + 2);
	put(pid, "setgroups", "deny", 4);
	put(pid, "uid_map", map, snprintf(map, sizeof(map), "0 %u 1", geteuid()));
	put(pid, "gid_map", map, snprintf(map, sizeof(map), "0 %u 1", getegid()));
	check(write(wire[0], "g", 1), "go");
	check(waitpid(pid, &status, 0), "wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
