/* SPDX-License-Identifier: Apache-2.0 */
#include "image/fetcher.h"
#include "base/own.h"
#include "base/text.h"
#include "sys/spawn.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>

static bool write_settings(const char *settings, int *ret_fd, struct err *e)
{
	CLEAN(clean_fd) int fd = memfd_create("settings", MFD_CLOEXEC);
	size_t size = strlen(settings);
	if (fd < 0 || write(fd, settings, size) != (ssize_t)size)
		return err_sys(e, "hand over the settings");
	*ret_fd = TAKE_FD(fd);
	return true;
}

bool fetcher_start(struct fetcher *f, struct arena *arena, const struct host *host,
	const char *settings, struct err *e)
{
	static const int stdio[3] = {-1, -1, -1};
	int wire[2];
	CLEAN(clean_fd) int settings_fd = -1;
	/* Passwords are handed over in memory: an argument or a file could be read by others. */
	if (!write_settings(settings, &settings_fd, e) || !msg_pair(wire, e))
		return false;
	char *argv[] = {arena_printf(arena, "%s/guscio-fetch", host->helper_dir),
		arena_printf(arena, "%d", wire[1]), arena_printf(arena, "%d", settings_fd), NULL};
	const int fds[] = {wire[1], settings_fd};
	bool ok = spawn_program(argv, fds, 2, stdio, &f->pid, e);
	close(wire[1]);
	if (!ok) {
		close(wire[0]);
		return false;
	}
	f->socket_fd = wire[0];
	return true;
}

bool fetcher_submit(struct fetcher *f, uint64_t number, const char *words, const int *fds,
	size_t n_fds, struct err *e)
{
	struct msg m = {.kind = MSG_GO, .value = number};
	if (strlen(words) >= sizeof(m.err.what))
		return err_msg(e, ERR_INPUT, "the name is too long");
	strcpy(m.err.what, words);
	return msg_send(f->socket_fd, &m, fds, n_fds, e);
}

bool fetcher_receive(struct fetcher *f, struct msg *ret, struct err *e)
{
	switch (msg_receive(f->socket_fd, ret, NULL, NULL, e)) {
	case MSG_GOT_RECORD:
		return true;
	case MSG_GOT_EOF:
		return err_msg(e, ERR_INTERNAL, "guscio-fetch ended without a word");
	case MSG_GOT_ERROR:
		break;
	}
	return false;
}

bool fetcher_do(struct fetcher *f, const char *words, const int *fds, size_t n_fds, struct msg *ret,
	struct err *e)
{
	if (!fetcher_submit(f, 0, words, fds, n_fds, e) || !fetcher_receive(f, ret, e))
		return false;
	if (ret->kind == MSG_FAIL)
		return *e = ret->err, false;
	return true;
}

void fetcher_stop(struct fetcher *f)
{
	clean_fd(&f->socket_fd);
	if (f->pid > 0) {
		kill(f->pid, SIGKILL);
		spawn_wait(f->pid);
	}
	f->pid = 0;
}
