/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/child.h"
#include "base/own.h"
#include "sys/mount.h"
#include "sys/path.h"
#include "sys/tty.h"
#include "wire/msg.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static bool is_mapped(const struct id_map *map, uint32_t id)
{
	uint32_t outside;
	/* A joined namespace has a map we did not make: the kernel will tell. */
	return map->n == 0 || id_map_out(map, id, &outside);
}

static bool check_mapped(struct child *child, struct err *e)
{
	const struct idmaps *ids = &child->plan->ids;
	bool has_uid = is_mapped(&ids->uid, child->user.uid);
	if (has_uid && is_mapped(&ids->gid, child->user.gid))
		return true;
	err_what(e, ERR_USAGE, "%s %u is not mapped in this container", has_uid ? "group" : "user",
		has_uid ? child->user.gid : child->user.uid);
	e->cause[0] = '\0';
	if (ids->rung == MAP_SINGLE)
		return err_hint(e, "there is one id inside: see guscio doctor for more");
	return err_hint(e, "see the ranges with: guscio run --explain");
}

static bool add_extra_groups(struct child *child, size_t group_size, struct err *e)
{
	const struct strv *extra = &child->plan->spec->process.extra_groups;
	struct user_id *user = &child->user;
	for (size_t i = 0; i < extra->n; i++) {
		uint32_t gid;
		if (!passwd_find_group(extra->v[i], child->group_text, group_size, &gid))
			return err_what(
				e, ERR_USAGE, "group '%s' is not in the container", extra->v[i]);
		if (!is_mapped(&child->plan->ids.gid, gid))
			return err_what(
				e, ERR_USAGE, "group %u is not mapped in this container", gid);
		if (user->n_groups == PASSWD_GROUPS_MAX)
			return err_what(e, ERR_USAGE, "more than %d groups", PASSWD_GROUPS_MAX);
		user->groups[user->n_groups++] = gid;
	}
	return true;
}

bool child_look_up_user(struct child *child, const struct step *step, struct err *e)
{
	const struct plan *plan = child->plan;
	const char *text = plan->spec->process.user ? plan->spec->process.user : "";
	size_t passwd_size, group_size;
	(void)step;
	if (!path_read_in_root(child->root_fd, "/etc/passwd", child->passwd_text, PASSWD_SIZE_MAX,
		    &passwd_size, e) ||
		!path_read_in_root(child->root_fd, "/etc/group", child->group_text, PASSWD_SIZE_MAX,
			&group_size, e))
		return err_what(e, ERR_INPUT, "cannot look up the user");
	if (!passwd_find_user(text, plan->ids.default_uid, child->passwd_text, passwd_size,
		    child->group_text, group_size, &child->user, e))
		return false;
	/* The caller's own group, whatever the container's passwd says of that number. */
	if (!text[0] && child->user.uid != 0)
		child->user.gid = plan->ids.default_gid;
	if (!plan->has_home) {
		snprintf(child->home, sizeof(child->home), "HOME=%s", child->user.home);
		child->envp[plan->home_place] = child->home;
	}
	return check_mapped(child, e) && add_extra_groups(child, group_size, e) &&
	       (!plan->spec->process.is_login || child_settle_login(child, e));
}

/* Without -i and -t the program reads the container's /dev/null, as under docker. */
static bool close_input(struct child *child, struct err *e)
{
	CLEAN(clean_fd) int fd = -1;
	if (!path_open_in_root(child->root_fd, "/dev/null", O_RDONLY | O_NOCTTY, &fd, e)) {
		/* A root without /dev: an empty pipe reads the same. */
		int pipe_fds[2];
		if (pipe2(pipe_fds, O_CLOEXEC) < 0)
			return err_sys(e, "make a pipe");
		close(pipe_fds[1]);
		fd = pipe_fds[0];
	}
	if (dup2(fd, STDIN_FILENO) < 0)
		return err_sys(e, "close standard input");
	return true;
}

static bool add_console(struct child *child, int slave_fd, struct err *e)
{
	static const struct mount_change change = {
		.attr_set = MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID};
	CLEAN(clean_fd) int mount_fd = -1;
	CLEAN(clean_fd) int target_fd = -1;
	/* By descriptors on both sides: no link to follow on the way (CVE-2025-52565). */
	target_fd = openat(child->dev_fd, "console",
		O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (target_fd < 0)
		return err_sys(e, "make '/dev/console'");
	return mount_clone(slave_fd, "", false, &mount_fd, e) &&
	       mount_change(mount_fd, &change, e) &&
	       mount_attach(mount_fd, child->dev_fd, "console", e);
}

static bool give_terminal(struct child *child, int slave_fd, struct err *e)
{
	struct err ignored;
	/* Its size before the first instruction: programs read it once, at their start. */
	if (child->has_window && !tty_set_size(slave_fd, &child->window, &ignored))
		child_note(child, "the terminal's size could not be set");
	if (fchown(slave_fd, child->user.uid, (gid_t)-1) < 0)
		return err_sys(e, "own the terminal");
	if (child->dev_fd >= 0 && !add_console(child, slave_fd, e))
		return false;
	/* A system's logins make it theirs: nobody could take it from its pid 1. */
	bool is_console = child->plan->spec->is_system && !child->plan->enters;
	if (!is_console && ioctl(slave_fd, TIOCSCTTY, 0) < 0)
		return err_sys(e, "make it the controlling terminal");
	for (int fd = 0; fd < 3; fd++)
		if (dup2(slave_fd, fd) < 0)
			return err_sys(e, "connect the terminal");
	return true;
}

static bool open_terminal(struct child *child, struct err *e)
{
	CLEAN(clean_fd) int master_fd = -1;
	CLEAN(clean_fd) int slave_fd = -1;
	struct msg m = {.kind = MSG_NOTE};
	if (child->pts_fd < 0)
		return err_msg(e, ERR_USAGE, "the container has no /dev/pts of its own");
	return tty_open_pair(child->pts_fd, "ptmx", &master_fd, &slave_fd, e) &&
	       msg_send(child->wire_fd, &m, &master_fd, 1, e) && give_terminal(child, slave_fd, e);
}

bool child_terminal(struct child *child, const struct step *step, struct err *e)
{
	const struct process_spec *process = &child->plan->spec->process;
	(void)step;
	if (setsid() < 0)
		return err_sys(e, "start a session");
	if (process->terminal)
		return open_terminal(child, e) || err_what(e, ERR_HOST, "cannot open a terminal");
	return process->interactive || close_input(child, e);
}

bool child_directory(struct child *child, const struct step *step, struct err *e)
{
	const char *cwd = child->plan->spec->process.cwd;
	CLEAN(clean_fd) int fd = -1;
	(void)step;
	umask(child->plan->spec->process.umask);
	/* Made when missing, as docker does; not through /proc/self/fd (CVE-2024-21626). */
	bool ok = child->plan->enters
			  ? path_open_in_root(child->root_fd, cwd, O_PATH | O_DIRECTORY, &fd, e)
			  : path_make_in_root(child->root_fd, cwd, PATH_DIRECTORY, &fd, e);
	if (!ok)
		return err_what(e, ERR_USAGE, "cannot use working directory '%s'", cwd);
	if (fchdir(fd) < 0) {
		err_sys(e, "enter it");
		return err_what(e, ERR_USAGE, "cannot use working directory '%s'", cwd);
	}
	return true;
}

bool child_rlimits(struct child *child, const struct step *step, struct err *e)
{
	const struct process_spec *process = &child->plan->spec->process;
	(void)step;
	for (size_t i = 0; i < process->n_rlimits; i++) {
		const struct rlimit_spec *limit = &process->rlimits[i];
		if (setrlimit((int)limit->resource, &limit->limit) == 0)
			continue;
		bool is_hard = errno == EPERM;
		err_sys(e, "set it to %llu:%llu", (unsigned long long)limit->limit.rlim_cur,
			(unsigned long long)limit->limit.rlim_max);
		err_what(e, ERR_USAGE, "cannot set resource limit %d", limit->resource);
		if (is_hard)
			err_hint(e,
				"only root may raise a limit above your own hard one: see ulimit "
				"-H -a");
		return false;
	}
	return true;
}
