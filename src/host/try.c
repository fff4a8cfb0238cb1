/* SPDX-License-Identifier: Apache-2.0 */
#include "host/try.h"
#include "base/own.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define TIME_LIMIT_MS 5000

/* True when @act, in a child, returns true within the limit. */
static bool try_in_child(bool (*act)(const char *), const char *argument)
{
	int status = 1;
	pid_t pid = fork();
	if (pid == 0)
		_exit(act(argument) ? 0 : 1); /* lint: child */
	if (pid < 0)
		return false;
	CLEAN(clean_fd) int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = {.fd = pid_fd, .events = POLLIN};
	/* A dead network file system must not hang a diagnosis. */
	if (pid_fd < 0 || poll(&p, 1, TIME_LIMIT_MS) != 1)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool put(const char *path, const char *text)
{
	CLEAN(clean_fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool enter(void)
{
	char uid[64], gid[64];
	snprintf(uid, sizeof(uid), "0 %u 1", geteuid());
	snprintf(gid, sizeof(gid), "0 %u 1", getegid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && put("/proc/self/setgroups", "deny") &&
	       put("/proc/self/uid_map", uid) && put("/proc/self/gid_map", gid);
}

/* AppArmor lets the namespace be made and takes its capabilities: so one is used. */
static bool act_user_namespace(const char *ignored)
{
	(void)ignored;
	return enter() && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

bool try_user_namespace(void)
{
	return try_in_child(act_user_namespace, NULL);
}

static bool act_overlay(const char *directory)
{
	if (!enter() || chdir(directory) < 0)
		return false;
	return mount("overlay", "merged", "overlay", 0,
		       "lowerdir=lower,upperdir=upper,workdir=work,userxattr") == 0;
}

bool try_overlay(const char *parent)
{
	static const char *const names[] = {"lower", "upper", "work/work", "work", "merged"};
	char directory[4200], path[4300];
	snprintf(directory, sizeof(directory), "%s/.guscio-doctor.XXXXXX", parent);
	if (!mkdtemp(directory))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		if (!strchr(names[i], '/'))
			mkdir(path, 0700);
	}
	bool works = try_in_child(act_overlay, directory);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		chmod(path, 0700);
		rmdir(path);
	}
	rmdir(directory);
	return works;
}
