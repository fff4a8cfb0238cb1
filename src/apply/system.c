/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/system.h"
#include "base/own.h"
#include "wire/notify.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
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

void system_take_notify(const struct plan *plan, struct proc *proc)
{
	notify_take(proc->notify_fd, plan->spec->hands_on_ready, &proc->is_ready);
}

bool system_signal_stops(const struct plan *plan, int sig)
{
	return plan->spec->is_system && (sig == SIGTERM || sig == SIGINT || sig == SIGHUP);
}

int system_signal(const struct plan *plan, int sig)
{
	return system_signal_stops(plan, sig) ? plan->spec->stop_signal : sig;
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
