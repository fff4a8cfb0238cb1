/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/idmap.h"
#include "base/own.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* A line is at most 32 bytes; the kernel takes at most a page [user_namespaces(7)]. */
#define MAP_TEXT_MAX 4096

static bool write_proc(pid_t pid, const char *name, const char *text, size_t len, struct err *e)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	CLEAN(clean_fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	if (write(fd, text, len) != (ssize_t)len)
		return err_sys(e, "write '%s'", path);
	return true;
}

static bool write_map(pid_t pid, const char *name, const struct id_map *map, struct err *e)
{
	char text[MAP_TEXT_MAX];
	size_t n = 0;
	for (size_t i = 0; i < map->n; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%u %u %u\n", map->v[i].inside,
			map->v[i].outside, map->v[i].count);
		if (n >= sizeof(text))
			return err_msg(e, ERR_INPUT, "an id map of %zu ranges is too long", map->n);
	}
	return write_proc(pid, name, text, n, e);
}

struct helper {
	const char *path;
	pid_t pid;
	int says_fd; /* its standard error */
};

#define HELPER_INIT                                                                                \
	{                                                                                          \
		.says_fd = -1                                                                      \
	}

static void clean_helper(struct helper *h)
{
	int saved = errno;
	clean_fd(&h->says_fd);
	if (h->pid > 0) {
		kill(h->pid, SIGKILL);
		waitpid(h->pid, NULL, 0);
	}
	h->pid = 0;
	errno = saved;
}

/* posix_spawn with the helper's standard error on a pipe and no signal blocked. */
static bool spawn_with_pipe(struct helper *h, char *const *argv, struct err *e)
{
	int pipe_fds[2];
	sigset_t none;
	posix_spawnattr_t attr;
	posix_spawn_file_actions_t actions;
	char *const no_env[] = {NULL};
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDERR_FILENO);
	int failed = posix_spawn(&h->pid, h->path, &actions, &attr, argv, no_env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	close(pipe_fds[1]);
	h->says_fd = pipe_fds[0];
	if (failed) {
		h->pid = 0;
		errno = failed;
		return err_sys(e, "run '%s'", h->path);
	}
	return true;
}

static bool helper_start(
	struct helper *h, const char *path, pid_t child, const struct id_map *map, struct err *e)
{
	char numbers[ID_MAP_MAX * 3 + 1][12];
	char *argv[ID_MAP_MAX * 3 + 3];
	size_t n = 0;
	h->path = path;
	snprintf(numbers[n], sizeof(numbers[0]), "%d", (int)child);
	argv[0] = (char *)path;
	argv[1] = numbers[n++];
	for (size_t i = 0; i < map->n; i++) {
		const uint32_t values[] = {map->v[i].inside, map->v[i].outside, map->v[i].count};
		for (size_t j = 0; j < 3; j++, n++) {
			snprintf(numbers[n], sizeof(numbers[0]), "%u", values[j]);
			argv[n + 1] = numbers[n];
		}
	}
	argv[n + 1] = NULL;
	return spawn_with_pipe(h, argv, e);
}

static bool helper_finish(struct helper *h, struct err *e)
{
	char says[160];
	int status = 0;
	ssize_t n;
	do
		n = read(h->says_fd, says, sizeof(says) - 1);
	while (n < 0 && errno == EINTR);
	while (waitpid(h->pid, &status, 0) < 0 && errno == EINTR)
		;
	h->pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (n > 0) {
		says[n] = '\0';
		says[strcspn(says, "\n")] = '\0';
		return err_msg(e, ERR_HOST, "%s", says);
	}
	if (WIFSIGNALED(status))
		return err_msg(e, ERR_HOST, "'%s' died by signal %d", h->path, WTERMSIG(status));
	return err_msg(e, ERR_HOST, "'%s' ended with status %d", h->path, WEXITSTATUS(status));
}

static bool run_helpers(pid_t child, const struct idmap_write *maps, struct err *e)
{
	CLEAN(clean_helper) struct helper uid = HELPER_INIT;
	CLEAN(clean_helper) struct helper gid = HELPER_INIT;
	bool ok = helper_start(&uid, maps->newuidmap, child, maps->uid, e) &&
		  helper_start(&gid, maps->newgidmap, child, maps->gid, e) &&
		  helper_finish(&uid, e) && helper_finish(&gid, e);
	if (!ok) {
		err_what(e, ERR_HOST, "cannot map user ids");
		err_hint(e, "see what is wrong with: guscio doctor; or run with --userns=single");
	}
	return ok;
}

bool idmap_write_from_parent(pid_t child, const struct idmap_write *maps, struct err *e)
{
	if (maps->newuidmap && maps->newgidmap)
		return run_helpers(child, maps, e);
	/* setgroups before gid_map: afterwards the kernel no longer takes the word "deny". */
	bool ok = (!maps->deny_setgroups || write_proc(child, "setgroups", "deny", 4, e)) &&
		  write_map(child, "uid_map", maps->uid, e) &&
		  write_map(child, "gid_map", maps->gid, e);
	if (!ok)
		return err_what(e, ERR_HOST, "cannot map user ids");
	return true;
}
