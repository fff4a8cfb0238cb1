/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/idmap.h"
#include "base/own.h"
#include "sys/clone.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
	char *const *argv;
	int says_fd; /* its standard error; borrowed */
	int failed;  /* why it could not be executed */
	pid_t pid;
};

static void clean_helper(struct helper *h)
{
	int saved = errno;
	if (h->pid > 0) {
		kill(h->pid, SIGKILL);
		waitpid(h->pid, NULL, 0);
	}
	h->pid = 0;
	errno = saved;
}

/* Less than posix_spawn(3) does, which asks for every signal before it executes anything. */
static int be_helper(void *argument)
{
	struct helper *h = argument;
	char *const no_env[] = {NULL};
	sigset_t none;
	sigemptyset(&none);
	if (dup2(h->says_fd, STDERR_FILENO) >= 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0)
		execve(h->path, h->argv, no_env);
	h->failed = errno;
	_exit(127); /* lint: child */
}

static bool helper_start(struct helper *h, pid_t child, const struct id_map *map, struct err *e)
{
	char numbers[ID_MAP_MAX * 3 + 1][12];
	char *argv[ID_MAP_MAX * 3 + 3];
	size_t n = 0;
	snprintf(numbers[n], sizeof(numbers[0]), "%d", (int)child);
	argv[0] = (char *)h->path;
	argv[1] = numbers[n++];
	for (size_t i = 0; i < map->n; i++) {
		const uint32_t values[] = {map->v[i].inside, map->v[i].outside, map->v[i].count};
		for (size_t j = 0; j < 3; j++, n++) {
			snprintf(numbers[n], sizeof(numbers[0]), "%u", values[j]);
			argv[n + 1] = numbers[n];
		}
	}
	argv[n + 1] = NULL;
	h->argv = argv;
	h->pid = clone_for_exec(be_helper, h);
	if (h->pid > 0 && !h->failed)
		return true;
	if (h->failed)
		errno = h->failed;
	return err_sys(e, "run '%s'", h->path);
}

static bool helper_finish(struct helper *h, int says_fd, struct err *e)
{
	char says[160];
	int status = 0;
	while (waitpid(h->pid, &status, 0) < 0 && errno == EINTR)
		;
	h->pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	ssize_t n = read(says_fd, says, sizeof(says) - 1);
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
	CLEAN(clean_fd) int read_fd = -1;
	CLEAN(clean_fd) int write_fd = -1;
	CLEAN(clean_helper) struct helper uid = {.path = maps->newuidmap};
	CLEAN(clean_helper) struct helper gid = {.path = maps->newgidmap};
	int says[2];
	/* Read only when one has failed, so neither side may wait for the other. */
	if (pipe2(says, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(e, "make a pipe");
	read_fd = says[0];
	write_fd = says[1];
	uid.says_fd = gid.says_fd = write_fd;
	bool ok = helper_start(&uid, child, maps->uid, e) &&
		  helper_start(&gid, child, maps->gid, e) && helper_finish(&uid, read_fd, e) &&
		  helper_finish(&gid, read_fd, e);
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
