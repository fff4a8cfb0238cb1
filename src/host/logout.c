/* SPDX-License-Identifier: Apache-2.0 */
#include "host/logout.h"
#include "base/own.h"
#include "base/text.h"

#include <fcntl.h>
#include <string.h>

#define KEY "KillUserProcesses="

void logout_read_setting(char *text, bool *ret)
{
	char *line;
	while ((line = strsep(&text, "\n"))) {
		line += strspn(line, " \t");
		if (!text_starts(line, KEY))
			continue;
		const char *value = line + strlen(KEY) + strspn(line + strlen(KEY), " \t");
		*ret = text_starts(value, "yes") || text_starts(value, "true") ||
		       text_starts(value, "on") || value[0] == '1';
	}
}

static void read_file(const char *path, struct arena *arena, bool *ret)
{
	struct err ignored = ERR_INIT;
	char *text = arena_read_file(arena, AT_FDCWD, path, NULL, &ignored);
	if (text)
		logout_read_setting(text, ret);
}

/* Read in systemd's order as far as it matters: of the drop-ins any that sets it. */
static bool ends_sessions(struct arena *arena)
{
	static const char *const places[] = {"/usr/lib/systemd/logind.conf.d",
		"/run/systemd/logind.conf.d", "/etc/systemd/logind.conf.d"};
	bool ends = false;
	read_file("/usr/lib/systemd/logind.conf", arena, &ends);
	read_file("/etc/systemd/logind.conf", arena, &ends);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		CLEAN(clean_dir) DIR *dir = opendir(places[i]);
		struct dirent *entry;
		while (dir && (entry = readdir(dir)))
			if (text_ends(entry->d_name, ".conf"))
				read_file(arena_printf(arena, "%s/%s", places[i], entry->d_name),
					arena, &ends);
	}
	return ends;
}

void logout_find(
	const char *user, const char *cgroup, struct arena *arena, struct logout_facts *ret)
{
	const char *name = cgroup ? strrchr(cgroup, '/') : NULL;
	*ret = (struct logout_facts){.is_managed = access("/run/systemd/system", F_OK) == 0,
		.lingers = true,
		.in_session = name && text_starts(name, "/session-") && text_ends(name, ".scope")};
	if (!ret->is_managed)
		return;
	if (user && !strchr(user, '/'))
		ret->lingers =
			access(arena_printf(arena, "/var/lib/systemd/linger/%s", user), F_OK) == 0;
	ret->is_ended = ret->in_session && ends_sessions(arena);
}
