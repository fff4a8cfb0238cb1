/* SPDX-License-Identifier: Apache-2.0 */
/* ladder.c - how the maps of a new user namespace can be written here, best way first */
#include "base/own.h"
#include "host/host_parts.h"
#include "sys/filecaps.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

static const char *find_program(struct arena *arena, const char *name)
{
	const char *path = getenv("PATH");
	const char *const rest = "/usr/bin:/bin:/usr/local/bin:/usr/sbin:/sbin";
	for (int round = 0; round < 2; round++) {
		for (const char *p = round ? rest : path; p && *p;) {
			size_t len = strcspn(p, ":");
			const char *candidate = arena_printf(arena, "%.*s/%s", (int)len, p, name);
			if (p[0] == '/' && access(candidate, X_OK) == 0)
				return candidate;
			p += len + (p[len] == ':');
		}
	}
	return NULL;
}

/* Why this helper would not get its privilege; NULL when it would. */
static const char *why_unusable(struct host *host, struct arena *arena, const char *path, int cap)
{
	struct stat st;
	struct statvfs fs;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) == 1) {
		host->rung_hint =
			"it was started under no_new_privs (a sandbox, a hardened service)";
		return "no_new_privs is set on this process";
	}
	if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOSUID)) {
		host->rung_hint = "have it installed on a file system that is mounted with suid";
		return arena_printf(arena, "'%s' lies on a nosuid mount", path);
	}
	if (stat(path, &st) == 0 && (st.st_mode & S_ISUID) && st.st_uid == 0)
		return NULL;
	if (filecaps_has(path, cap))
		return NULL;
	host->rung_hint = arena_printf(
		arena, "sudo setcap cap_set%cid=ep %s", cap == CAP_SETUID ? 'u' : 'g', path);
	return arena_printf(arena, "'%s' has neither file capabilities nor setuid", path);
}

static const char *check_helpers(struct host *host, struct arena *arena)
{
	const char *uid = find_program(arena, "newuidmap");
	const char *gid = find_program(arena, "newgidmap");
	if (!uid || !gid) {
		host->rung_hint = "install the package that has them: uidmap, or shadow";
		return "newuidmap and newgidmap are not installed";
	}
	const char *reason = why_unusable(host, arena, uid, CAP_SETUID);
	if (!reason)
		reason = why_unusable(host, arena, gid, CAP_SETGID);
	if (reason)
		return reason;
	ranges_find(host, arena);
	if (!host->n_subuids || !host->n_subgids) {
		host->rung_hint = "sudo usermod --add-subuids 100000-165535 --add-subgids "
				  "100000-165535 $USER";
		return host->n_subuids ? "you have no subordinate group ids"
				       : "you have no subordinate ids";
	}
	host->newuidmap = uid;
	host->newgidmap = gid;
	return NULL;
}

static bool find_direct(struct host *host, struct arena *arena)
{
	struct err ignored;
	const char *uid_map, *gid_map;
	if (!host->in_user_namespace || !filecaps_process_has(CAP_SETUID) ||
		!filecaps_process_has(CAP_SETGID))
		return false;
	uid_map = arena_read_file(arena, AT_FDCWD, "/proc/self/uid_map", NULL, &ignored);
	gid_map = arena_read_file(arena, AT_FDCWD, "/proc/self/gid_map", NULL, &ignored);
	return uid_map && gid_map &&
	       ranges_from_map(uid_map, host->uid, arena, &host->subuids, &host->n_subuids) &&
	       ranges_from_map(gid_map, host->gid, arena, &host->subgids, &host->n_subgids);
}

void ladder_find(struct host *host, struct arena *arena)
{
	if (find_direct(host, arena)) {
		host->rung = MAP_DIRECT;
		return;
	}
	host->n_subuids = host->n_subgids = 0;
	host->rung_reason = check_helpers(host, arena);
	host->rung = host->rung_reason ? MAP_SINGLE : MAP_HELPERS;
}
