/* SPDX-License-Identifier: Apache-2.0 */
#include "host/cgroups.h"
#include "base/own.h"
#include "base/text.h"
#include "sys/cgroup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

static const char *read_line(const char *path, struct arena *arena)
{
	char text[256];
	CLEAN(clean_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return NULL;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return arena_strdup(arena, text);
}

static enum cgroup_version find_version(void)
{
	if (cgroup_is_unified())
		return CGROUPS_V2;
	return access(CGROUP_MOUNT, F_OK) == 0 && access(CGROUP_MOUNT "/unified", F_OK) < 0 &&
			       access(CGROUP_MOUNT "/memory", F_OK) < 0
		       ? CGROUPS_NONE
		       : CGROUPS_V1;
}

static bool is_writable(int fd)
{
	return faccessat(fd, ".", W_OK, AT_EACCESS) == 0 &&
	       faccessat(fd, "cgroup.procs", W_OK, AT_EACCESS) == 0 &&
	       faccessat(fd, "cgroup.subtree_control", W_OK, AT_EACCESS) == 0;
}

/*
 * Writable is not enough: all below user@UID.service is, and belongs to that systemd, which
 * marks what it has handed on. Where no systemd is, nobody else can have meant it.
 */
static bool is_handed_on(int fd)
{
	char mark[4] = "";
	if (fgetxattr(fd, "user.delegate", mark, sizeof(mark) - 1) > 0)
		return mark[0] == '1';
	return access("/run/systemd/system", F_OK) < 0;
}

static bool try_delegated(
	const char *path, bool is_ours, struct arena *arena, struct cgroup_facts *ret)
{
	char text[256];
	struct err ignored;
	CLEAN(clean_fd) int fd = -1;
	/* Of all that is writable only a unit can have been meant. */
	is_ours &= text_ends(path, ".service") || text_ends(path, ".scope");
	if (!cgroup_open(path, &fd, &ignored) || !is_writable(fd) ||
		(!is_ours && !is_handed_on(fd)))
		return false;
	ret->delegated = arena_strdup(arena, path);
	cgroup_read(fd, "cgroup.controllers", text, sizeof(text));
	ret->controllers = arena_strdup(arena, text);
	return true;
}

static void find_delegated(bool is_ours, struct arena *arena, struct cgroup_facts *ret)
{
	/* A start before this one may have moved our caller into its leaf. */
	if (text_ends(ret->own, "/" CGROUP_LEAF)) {
		size_t len = strlen(ret->own) - strlen("/" CGROUP_LEAF);
		if (try_delegated(
			    len ? arena_strndup(arena, ret->own, len) : "/", is_ours, arena, ret))
			return;
	}
	try_delegated(ret->own, is_ours, arena, ret);
}

static void find_manager(uid_t uid, const char *runtime_base, const char *helper,
	struct arena *arena, struct cgroup_facts *ret)
{
	char text[256];
	struct err ignored;
	struct stat st;
	CLEAN(clean_fd) int fd = -1;
	const char *socket = arena_printf(arena, "%s/systemd/private", runtime_base);
	if (stat(socket, &st) < 0 || !S_ISSOCK(st.st_mode) || st.st_uid != uid ||
		access(helper, X_OK) < 0)
		return;
	ret->manager = socket;
	ret->managed = "";
	if (cgroup_open(arena_printf(arena, "/user.slice/user-%u.slice/user@%u.service", uid, uid),
		    &fd, &ignored) &&
		cgroup_read(fd, "cgroup.controllers", text, sizeof(text)))
		ret->managed = arena_strdup(arena, text);
}

void cgroups_find(uid_t uid, bool is_ours, const char *runtime_base, const char *helper,
	struct arena *arena, struct cgroup_facts *ret)
{
	char own[CGROUP_PATH_MAX];
	ret->version = find_version();
	ret->cpus_online = read_line("/sys/devices/system/cpu/online", arena);
	ret->nodes_online = read_line("/sys/devices/system/node/online", arena);
	if (ret->version != CGROUPS_V2)
		return;
	if (cgroup_of(getpid(), own, sizeof(own))) {
		ret->own = arena_strdup(arena, own);
		find_delegated(is_ours, arena, ret);
	}
	find_manager(uid, runtime_base, helper, arena, ret);
}
