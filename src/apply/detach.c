/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/detach.h"
#include "base/own.h"
#include "sys/clone.h"
#include "sys/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static void hand_over(int fd)
{
	if (fd >= 0)
		fcntl(fd, F_SETFD, 0);
}

bool detach(const struct plan *plan, struct proc *proc, const struct monitor_fds *fds,
	const char *bundle, const int *keep_fds, size_t n_keep, struct err *e)
{
	struct arena *arena = plan->spec->arena;
	const struct spec *spec = plan->spec;
	char exe[4096];
	if (!files_own_program(exe, sizeof(exe), e) || !fds_close_on_exec_from(3, e))
		return false;
	const int over[] = {proc->pid_fd, proc->pty_fd, proc->lock_fd, proc->overlay_lock_fd,
		proc->notify_fd, fds->output_fd, fds->error_fd, fds->input_fd, fds->listen_fd,
		fds->client_fd};
	for (size_t i = 0; i < ARRAY_LEN(over); i++)
		hand_over(over[i]);
	for (size_t i = 0; i < n_keep; i++)
		hand_over(keep_fds[i]);
	char *const argv[] = {(char *)"guscio-monitor",
		(char *)(spec->name ? spec->name : arena_strndup(arena, spec->id, 12)),
		(char *)bundle, (char *)plan->host->runtime_dir, exe,
		arena_printf(arena, "%d,%d,%d,%d,%d,%d,%d,%d,%d", (int)proc->pid, proc->pid_fd,
			proc->pty_fd, fds->output_fd, fds->error_fd, fds->input_fd, fds->listen_fd,
			fds->client_fd, proc->notify_fd),
		NULL};
	char *path = arena_printf(arena, "%s/guscio-monitor", plan->host->helper_dir);
	execve(path, argv, environ);
	err_sys(e, "execute '%s'", path);
	err_what(e, ERR_HOST, "cannot start the container's monitor");
	return err_hint(e, "install guscio whole");
}
