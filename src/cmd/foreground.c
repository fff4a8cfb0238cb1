/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/foreground.h"
#include "base/own.h"
#include "state/record.h"
#include "sys/cgroup.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

bool foreground_refuse(const struct container *c, const char *what, const char *why, struct err *e)
{
	err_msg(e, ERR_STATE, "it runs in somebody's foreground: %s", why);
	err_what(e, ERR_STATE, "cannot %s container '%s'", what, c->name);
	return err_hint(e, "one of guscio run -d, or of --rm=false, can");
}

bool foreground_stop(const struct container *c, uint64_t timeout_ms, struct err *e)
{
	uint64_t patience = timeout_ms == UINT64_MAX ? c->stop_timeout_ms : timeout_ms;
	CLEAN(clean_fd) int first_fd = live_process_open(&c->first, c->boot_id);
	CLEAN(clean_fd) int starter_fd = live_process_open(&c->monitor, c->boot_id);
	if (first_fd < 0)
		return true;
	int sig = patience ? c->stop_signal : SIGKILL;
	if (syscall(SYS_pidfd_send_signal, first_fd, sig, NULL, 0) < 0 && errno != ESRCH) {
		err_sys(e, "send the signal");
		return err_what(e, ERR_HOST, "cannot stop container '%s'", c->name);
	}
	/* A paused one would not hear it. */
	cgroup_thaw(c->cgroup);
	bool has_ended = patience && life_wait_fd(first_fd, patience);
	if (!has_ended) {
		syscall(SYS_pidfd_send_signal, first_fd, SIGKILL, NULL, 0);
		has_ended = life_wait_fd(first_fd, LIFE_KILL_WAIT_MS);
	}
	if (!has_ended) {
		err_msg(e, ERR_HOST, "its processes do not end, not even by SIGKILL");
		return err_what(e, ERR_HOST, "cannot stop container '%s'", c->name);
	}
	/* Its name is free when the starter is gone: one that Ctrl-Z has stopped keeps it. */
	if (starter_fd >= 0)
		life_wait_fd(starter_fd, LIFE_LEAVE_WAIT_MS);
	return true;
}

/* Its last word, if it had one: a starter that was killed takes its container with it. */
static int read_code(int fd)
{
	char text[16];
	ssize_t n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? atoi(text) : 128 + SIGKILL;
}

bool foreground_wait(
	const struct host *host, const struct container *c, int *ret_code, struct err *e)
{
	char path[4200];
	CLEAN(clean_fd) int pipe_fd = -1;
	CLEAN(clean_fd) int starter_fd = live_process_open(&c->monitor, c->boot_id);
	if (starter_fd < 0)
		return err_what(e, ERR_STATE, "no container '%s'", c->name);
	if (!state_wait_open(host->runtime_dir, c->id, path, sizeof(path), &pipe_fd, e))
		return false;
	struct pollfd fds[] = {
		{.fd = pipe_fd, .events = POLLIN}, {.fd = starter_fd, .events = POLLIN}};
	while (!(fds[0].revents & POLLIN) && !fds[1].revents)
		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			return err_sys(e, "poll");
	*ret_code = read_code(pipe_fd);
	unlink(path);
	return true;
}

bool foreground_rename(struct container_command *c, const struct container *record,
	const char *name, struct err *e)
{
	char id[STATE_ID_SIZE];
	bool had_name = strncmp(record->name, record->id, 12) != 0;
	container_holder(c->all_fd, name, id);
	if (id[0]) {
		err_msg(e, ERR_STATE, "container %.12s has it", id);
		return err_what(e, ERR_STATE, "the name '%s' is in use", name);
	}
	return state_rename_foreground(
		c->host.runtime_dir, record->id, had_name ? record->name : "", name, e);
}
