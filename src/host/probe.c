/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "base/text.h"
#include "host/host_parts.h"
#include "sys/spawn.h"
#include "sys/tap.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define GROUPS_MAX 65536

static bool probe_ids(struct host *host, struct arena *arena, struct err *e)
{
	host->uid = geteuid();
	host->gid = getegid();
	int n = getgroups(0, NULL);
	if (n > 0 && n <= GROUPS_MAX) {
		host->groups = arena_array(arena, (size_t)n, sizeof(gid_t));
		n = getgroups(n, host->groups);
		host->n_groups = n > 0 ? (size_t)n : 0;
	}
	char text[256] = "";
	unsigned inside = 1, outside = 1, count = 0;
	CLEAN(clean_fd) int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (size < 0) {
		err_sys(e, "open '/proc/self/uid_map'");
		err_what(e, ERR_HOST, "guscio needs /proc");
		return err_hint(e, "mount it: mount -t proc proc /proc");
	}
	sscanf(text, "%u %u %u", &inside, &outside, &count);
	host->in_user_namespace = inside || outside || count != UINT32_MAX;
	if (host->uid != 0 || host->in_user_namespace)
		return true;
	err_what(e, ERR_HOST, "guscio does not run as the machine's root");
	return err_hint(e, "become an ordinary user: nothing here needs root");
}

static void probe_kernel(struct host *host)
{
	struct utsname uts;
	if (uname(&uts) == 0)
		sscanf(uts.release, "%d.%d", &host->kernel_major, &host->kernel_minor);
	int low = 0, high = 63; /* the kernel knows low; high is unknown */
	while (high - low > 1) {
		int middle = (low + high) / 2;
		if (prctl(PR_CAPBSET_READ, (long)middle, 0L, 0L, 0L) >= 0)
			low = middle;
		else
			high = middle;
	}
	host->last_cap = low;
}

/* "name:x:uid:gid:gecos:home:shell" [passwd(5)] */
static bool take_user(struct host *host, struct arena *arena, char *line)
{
	char *fields[7] = {0};
	uint32_t uid;
	line[strcspn(line, "\n")] = '\0';
	for (size_t i = 0; i < 7; i++)
		fields[i] = strsep(&line, ":");
	if (!fields[6] || !text_to_u32(fields[2], &uid) || uid != host->uid || !fields[0][0])
		return false;
	host->user_name = arena_strdup(arena, fields[0]);
	host->user_home = arena_strdup(arena, fields[5]);
	host->user_shell = arena_strdup(arena, fields[6]);
	return true;
}

/*
 * Not getpwuid(3): its directory services are libraries, and this program is linked without
 * any. The file knows most users; for the others a helper asks.
 */
static void probe_user(struct host *host, struct arena *arena)
{
	CLEAN(clean_file) FILE *file = fopen("/etc/passwd", "re");
	char line[4096];
	struct err ignored;
	while (file && fgets(line, sizeof(line), file))
		if (take_user(host, arena, line))
			return;
	char *const argv[] = {
		arena_printf(arena, "%s/guscio-subid", host->helper_dir), (char *)"user", NULL};
	if (spawn_filter(argv, "", line, sizeof(line), &ignored) == 0)
		take_user(host, arena, line);
}

static bool is_ours(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & 022);
}

/* $NAME when it is absolute; relative values are to be ignored [XDG base directories]. */
static const char *base_dir(
	struct host *host, struct arena *arena, const char *variable, const char *fallback)
{
	const char *value = getenv(variable);
	const char *home = getenv("HOME");
	if (value && value[0] == '/')
		return arena_printf(arena, "%s/guscio", value);
	if (!home || home[0] != '/')
		home = host->user_home;
	if (!home || home[0] != '/')
		return arena_printf(arena, "/tmp/guscio-%u/%s", host->uid, fallback);
	return arena_printf(arena, "%s/%s/guscio", home, fallback);
}

static const char *runtime_dir(struct host *host, struct arena *arena)
{
	const char *value = getenv("XDG_RUNTIME_DIR");
	if (value && value[0] == '/' && is_ours(value))
		return arena_printf(arena, "%s/guscio", value);
	value = arena_printf(arena, "/run/user/%u", host->uid);
	if (is_ours(value))
		return arena_printf(arena, "%s/guscio", value);
	/* In memory where that is possible: a disk that discards what is removed makes a start
	 * wait. */
	const char *base =
		faccessat(AT_FDCWD, "/dev/shm", W_OK, AT_EACCESS) == 0 ? "/dev/shm" : "/tmp";
	return arena_printf(arena, "%s/guscio-%u", base, host->uid);
}

/* In the build tree helpers stand beside the program, installed ones below libexec. */
static const char *helper_dir(struct arena *arena)
{
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(exe, '/');
	if (slash)
		*slash = '\0';
	const char *beside = arena_printf(arena, "%s/helpers", exe);
	if (faccessat(AT_FDCWD, beside, F_OK, AT_EACCESS) == 0)
		return beside;
	return arena_printf(arena, "%s/../libexec/guscio", exe);
}

bool host_probe(unsigned want, struct arena *arena, struct host *ret, struct err *e)
{
	struct host host = {0};
	if (!probe_ids(&host, arena, e))
		return false;
	probe_kernel(&host);
	host.helper_dir = helper_dir(arena);
	if (want & HOST_WANT_USER)
		probe_user(&host, arena);
	host.data_dir = base_dir(&host, arena, "XDG_DATA_HOME", ".local/share");
	host.cache_dir = base_dir(&host, arena, "XDG_CACHE_HOME", ".cache");
	host.runtime_dir = runtime_dir(&host, arena);
	if (want & HOST_WANT_NETWORK)
		host.has_tun = tap_is_usable();
	host.rung = MAP_SINGLE;
	if (want & HOST_WANT_RANGES)
		ladder_find(&host, arena);
	*ret = host;
	return true;
}

bool host_find_cgroups(struct host *host, bool is_wanted, bool is_ours, struct arena *arena)
{
	size_t len = (size_t)(strrchr(host->runtime_dir, '/') - host->runtime_dir);
	/* Who wants no limit pays nothing for them. */
	if (is_wanted)
		cgroups_find(host->uid, is_ours, arena_strndup(arena, host->runtime_dir, len),
			arena_printf(arena, "%s/guscio-scope", host->helper_dir), arena,
			&host->cgroups);
	return true;
}
