/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ranges.c - which subordinate ids the caller has
 *
 * libsubid knows them all, files and NSS (LDAP, SSSD), but brings eleven
 * libraries along: it lives in a helper, and its answer in a file of the runtime
 * directory that is good as long as the files it came from are unchanged.
 */
#include "base/own.h"
#include "base/text.h"
#include "host/host_parts.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define ANSWER_MAX 16384
#define RANGES_MAX 256
/* A directory service can change without a file here changing. */
#define NSS_TTL_S 600

bool ranges_parse(struct host *host, struct arena *arena, const char *text)
{
	while (*text) {
		char kind;
		unsigned long long start, count;
		int taken = 0;
		if (sscanf(text, "%c %llu %llu\n%n", &kind, &start, &count, &taken) != 3 ||
			taken <= 0 || (kind != 'u' && kind != 'g') || count == 0 ||
			start + count > UINT32_MAX || count > UINT32_MAX)
			return false;
		text += taken;
		if (host->n_subuids >= RANGES_MAX || host->n_subgids >= RANGES_MAX)
			return true;
		struct id_range *range =
			kind == 'u' ? ARENA_APPEND(arena, host->subuids, host->n_subuids)
				    : ARENA_APPEND(arena, host->subgids, host->n_subgids);
		*range = (struct id_range){.outside = (uint32_t)start, .count = (uint32_t)count};
	}
	return true;
}

bool ranges_from_map(
	const char *text, uint32_t own, struct arena *arena, struct id_range **ret, size_t *ret_n)
{
	struct id_range *v = NULL;
	size_t n = 0;
	unsigned inside, outside, count;
	int taken = 0;
	while (n < RANGES_MAX &&
		sscanf(text, "%u %u %u%n", &inside, &outside, &count, &taken) == 3) {
		text += taken;
		/* Around the own id, which is mapped by itself. */
		uint32_t before = own >= inside && own - inside < count ? own - inside : count;
		uint32_t after = before < count ? count - before - 1 : 0;
		if (before)
			*ARENA_APPEND(arena, v, n) =
				(struct id_range){.outside = inside, .count = before};
		if (after)
			*ARENA_APPEND(arena, v, n) =
				(struct id_range){.outside = own + 1, .count = after};
	}
	*ret = v;
	*ret_n = n;
	return n > 0;
}

static const char *file_key(struct arena *arena, const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return "-";
	return arena_printf(arena, "%llx.%llx.%lld.%lld.%ld", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino, (long long)st.st_size, (long long)st.st_ctim.tv_sec,
		st.st_ctim.tv_nsec);
}

static const char *cache_key(struct host *host, struct arena *arena)
{
	return arena_printf(arena, "guscio-subid 1 %u %s %s %s %s\n", host->uid,
		file_key(arena, "/etc/subuid"), file_key(arena, "/etc/subgid"),
		file_key(arena, "/etc/nsswitch.conf"),
		file_key(arena, arena_printf(arena, "%s/guscio-subid", host->helper_dir)));
}

/* "subid: sss" and the like: then the answer has an age. */
static bool uses_service(struct arena *arena)
{
	struct err ignored;
	const char *text = arena_read_file(arena, AT_FDCWD, "/etc/nsswitch.conf", NULL, &ignored);
	for (const char *p = text; p && *p; p += strcspn(p, "\n"), p += *p == '\n') {
		if (!text_starts(p, "subid:"))
			continue;
		const char *value = p + 6 + strspn(p + 6, " \t");
		return !text_starts(value, "files");
	}
	return false;
}

static bool read_cache(struct host *host, struct arena *arena, const char *path, const char *key)
{
	CLEAN(clean_fd) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char text[ANSWER_MAX];
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 022))
		return false;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	if (!text_starts(text, key))
		return false;
	if (time(NULL) - st.st_mtime > NSS_TTL_S && uses_service(arena))
		return false;
	return ranges_parse(host, arena, text + strlen(key));
}

static void write_cache(struct host *host, struct arena *arena, const char *path, const char *key,
	const char *answer)
{
	const char *temporary = arena_printf(arena, "%s.%d", path, (int)getpid());
	if (mkdir(host->runtime_dir, 0700) < 0 && errno != EEXIST)
		return;
	CLEAN(clean_fd)
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	bool ok = write(fd, key, strlen(key)) == (ssize_t)strlen(key) &&
		  write(fd, answer, strlen(answer)) == (ssize_t)strlen(answer);
	if (!ok || rename(temporary, path) < 0)
		unlink(temporary);
}

/* Runs the helper; its answer, or NULL. */
static const char *ask_helper(struct host *host, struct arena *arena)
{
	char *path = arena_printf(arena, "%s/guscio-subid", host->helper_dir);
	char *const argv[] = {path, NULL};
	extern char **environ;
	posix_spawn_file_actions_t actions;
	int fds[2], status = -1;
	pid_t pid;
	char *text = arena_alloc(arena, ANSWER_MAX);
	size_t n = 0;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	int failed = posix_spawn(&pid, path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	for (ssize_t got; !failed && n < ANSWER_MAX - 1; n += (size_t)got)
		if ((got = read(fds[0], text + n, ANSWER_MAX - 1 - n)) <= 0)
			break;
	close(fds[0]);
	if (failed)
		return NULL;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? text : NULL;
}

void ranges_find(struct host *host, struct arena *arena)
{
	const char *path = arena_printf(arena, "%s/subid.cache", host->runtime_dir);
	const char *key = cache_key(host, arena);
	if (read_cache(host, arena, path, key))
		return;
	host->n_subuids = host->n_subgids = 0;
	const char *answer = ask_helper(host, arena);
	if (answer && ranges_parse(host, arena, answer))
		write_cache(host, arena, path, key, answer);
}
