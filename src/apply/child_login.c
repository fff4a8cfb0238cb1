/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child_login.c - a login session of a user in a container that runs
 *
 * By the container's own login(1), as on a console, or su(1) for a command: they know its
 * PAM, and so the session is one that its logind has heard of. Both are started as
 * root. Where there is none of them, or where they cannot change ids, it is the user's shell as
 * passwd says it, as a login shell.
 */
#include "apply/child.h"
#include "base/own.h"
#include "sys/path.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *find(const struct child *child, const char *const *paths)
{
	for (; *paths; paths++) {
		CLEAN(clean_fd) int fd = -1;
		struct err ignored;
		if (path_open_in_root(child->root_fd, *paths, O_PATH, &fd, &ignored))
			return *paths;
	}
	return NULL;
}

/* As root, in a container where root may become others. */
static bool can_change_ids(const struct child *child)
{
	const uint64_t needed = (1ull << CAP_SETUID) | (1ull << CAP_SETGID);
	const struct plan *plan = child->plan;
	return plan->ids.root_mapped && plan->ids.rung != MAP_SINGLE && child->user.name[0] &&
	       (plan->spec->process.caps.bounding & needed) == needed;
}

static void be_root(struct child *child)
{
	child->user.uid = 0;
	child->user.gid = 0;
	child->user.n_groups = 0;
}

static bool use_login(struct child *child)
{
	static const char *const paths[] = {"/bin/login", "/usr/bin/login", NULL};
	struct child_login *login = &child->login;
	login->path = find(child, paths);
	if (!login->path)
		return false;
	/* The session is root's to open; the name comes from passwd, and may begin with a dash. */
	login->argv[0] = (char *)"login";
	login->argv[1] = (char *)"-f";
	login->argv[2] = child->user.name;
	be_root(child);
	return child->user.name[0] != '-';
}

static bool use_su(struct child *child)
{
	static const char *const paths[] = {"/bin/su", "/usr/bin/su", NULL};
	const struct strv *args = &child->plan->spec->process.args;
	struct child_login *login = &child->login;
	login->path = find(child, paths);
	if (!login->path || child->user.name[0] == '-')
		return false;
	login->argv[0] = (char *)"su";
	login->argv[1] = (char *)"-l";
	login->argv[2] = child->user.name;
	if (args->n) {
		login->argv[3] = (char *)"-c";
		login->argv[4] = args->v[0];
	}
	be_root(child);
	return true;
}

static bool use_shell(struct child *child, struct err *e)
{
	const struct plan *plan = child->plan;
	const struct strv *args = &plan->spec->process.args;
	struct child_login *login = &child->login;
	struct user_id *user = &child->user;
	const char *paths[] = {user->shell[0] ? user->shell : "/bin/sh", NULL};
	login->path = find(child, paths);
	if (!login->path) {
		err_what(e, ERR_NOCOMMAND, "the shell '%s' of user '%s' is not in the container",
			paths[0], user->name);
		return err_hint(e, "guscio exec runs any other program in it");
	}
	const char *base = strrchr(login->path, '/');
	snprintf(login->name, sizeof(login->name), "-%s", base ? base + 1 : login->path);
	login->argv[0] = login->name;
	if (args->n) {
		login->argv[1] = (char *)"-c";
		login->argv[2] = args->v[0];
	}
	snprintf(login->user, sizeof(login->user), "USER=%s", user->name);
	snprintf(login->logname, sizeof(login->logname), "LOGNAME=%s", user->name);
	snprintf(login->shell, sizeof(login->shell), "SHELL=%s", login->path);
	char **place = &child->envp[plan->home_place + 1];
	if (user->name[0]) {
		*place++ = login->user;
		*place++ = login->logname;
	}
	*place = login->shell;
	return true;
}

bool child_settle_login(struct child *child, struct err *e)
{
	const struct process_spec *process = &child->plan->spec->process;
	if (can_change_ids(child)) {
		struct user_id user = child->user;
		/* login wants a terminal, and takes no command. */
		if (process->terminal && !process->args.n && use_login(child))
			return true;
		child->user = user;
		if (use_su(child))
			return true;
		child->user = user;
	}
	return use_shell(child, e);
}

void child_login_directory(struct child *child)
{
	CLEAN(clean_fd) int fd = -1;
	struct err ignored;
	/* As its user, and not through /proc's links (CVE-2024-21626). */
	if (path_open_in_root(
		    child->root_fd, child->user.home, O_PATH | O_DIRECTORY, &fd, &ignored) &&
		fchdir(fd) == 0)
		return;
	if (chdir("/") < 0)
		child_note(child, "cannot enter the home directory");
}
