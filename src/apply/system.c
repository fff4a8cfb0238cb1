/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/system.h"
#include "base/own.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

bool system_open_notify(const char *dir, int *ret_fd, struct err *e)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CLEAN(clean_fd) int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* By descriptor: a socket's address is shorter than many a path. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/notify", dir_fd);
	if (dir_fd < 0 || fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		fchmodat(dir_fd, "notify", 0666, 0) < 0)
		return err_sys(e, "make the socket '%s/notify'", dir);
	*ret_fd = TAKE_FD(fd);
	return true;
}

static void hand_on(const char *word)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = path ? strlen(path) : 0;
	if (!len || len >= sizeof(to.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	CLEAN(clean_fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		sendto(fd, word, strlen(word), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&to,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
}

void system_take_notify(struct proc *proc)
{
	/* Of what the container says, only these words mean something out here. */
	static const char *const words[] = {"READY=1", "STOPPING=1"};
	char text[4096];
	ssize_t n = recv(proc->notify_fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	if (n <= 0)
		return;
	text[n] = '\0';
	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		proc->is_ready |= !strcmp(line, words[0]);
		for (size_t i = 0; i < ARRAY_LEN(words); i++)
			if (!strcmp(line, words[i]))
				hand_on(words[i]);
	}
}

int system_signal(const struct plan *plan, int sig)
{
	const struct spec *spec = plan->spec;
	return spec->is_system && (sig == SIGTERM || sig == SIGINT || sig == SIGHUP)
		       ? spec->stop_signal
		       : sig;
}

int system_status(const struct plan *plan, int status)
{
	if (!plan->spec->is_system || !WIFSIGNALED(status))
		return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	switch (WTERMSIG(status)) {
	case SIGHUP:
		return SYSTEM_STATUS_REBOOT;
	case SIGINT:
		return 0;
	default:
		return 128 + WTERMSIG(status);
	}
}

void system_report(
	const struct plan *plan, const struct proc *proc, int status, struct notes *notes)
{
	if (plan->spec->is_system && !proc->is_ready && status && status != SYSTEM_STATUS_REBOOT)
		notes_add(notes,
			"the system's init ended with status %d before it said that it was ready",
			status);
}
