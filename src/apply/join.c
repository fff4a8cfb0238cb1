/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/start.h"
#include "base/own.h"
#include "state/record.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static const struct {
	const char *file;
	int flag;
} kinds[NS_KINDS] = {[NS_USER] = {"user", CLONE_NEWUSER},
	[NS_MOUNT] = {"mnt", CLONE_NEWNS},
	[NS_PID] = {"pid", CLONE_NEWPID},
	[NS_UTS] = {"uts", CLONE_NEWUTS},
	[NS_IPC] = {"ipc", CLONE_NEWIPC},
	[NS_NET] = {"net", CLONE_NEWNET},
	[NS_CGROUP] = {"cgroup", CLONE_NEWCGROUP},
	[NS_TIME] = {"time", CLONE_NEWTIME}};

static bool open_namespace(struct starter *s, const struct step *step, int *ret_fd, struct err *e)
{
	char path[4096];
	if (step->join.mode == NS_JOIN_CONTAINER) {
		struct state_record record;
		if (!state_find(s->plan->host->runtime_dir, step->join.from, &record, e))
			return false;
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)record.pid,
			kinds[step->join.ns].file);
	} else {
		snprintf(path, sizeof(path), "%s", step->join.from);
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	*ret_fd = fd;
	return true;
}

static bool is_same_namespace(int a_fd, const char *b_path)
{
	struct stat a, b;
	return fstat(a_fd, &a) == 0 && stat(b_path, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

/* Only a member of the user namespace that owns a namespace may enter it. */
static bool enter_owner(int ns_fd, struct err *e)
{
	CLEAN(clean_fd) int owner_fd = ioctl(ns_fd, NS_GET_USERNS);
	if (owner_fd < 0) {
		err_sys(e, "find its user namespace");
		return err_hint(e, "it must be a namespace file such as /proc/PID/ns/net, below a "
				   "user namespace of yours");
	}
	if (is_same_namespace(owner_fd, "/proc/self/ns/user"))
		return true;
	if (setns(owner_fd, CLONE_NEWUSER) < 0) {
		err_sys(e, "enter its user namespace");
		return err_hint(e, "namespaces can be joined only below a user namespace that you "
				   "made");
	}
	return true;
}

bool between_join(struct starter *s, const struct step *step, struct err *e)
{
	CLEAN(clean_fd) int fd = -1;
	int flag = kinds[step->join.ns].flag;
	bool ok = open_namespace(s, step, &fd, e);
	if (!ok && e->what[0])
		return false; /* that there is no such container says all */
	if (ok && step->join.ns == NS_USER && is_same_namespace(fd, "/proc/self/ns/user"))
		return true;
	if (ok && step->join.ns != NS_USER)
		ok = enter_owner(fd, e);
	if (ok && setns(fd, flag) < 0)
		ok = err_sys(e, "setns");
	return ok || err_what(e, ERR_STATE, "cannot join the %s namespace of '%s'",
			     kinds[step->join.ns].file, step->join.from);
}
