/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/previous.h"
#include "base/own.h"
#include "base/text.h"
#include "quadlet/quadlet.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static DIR *open_list(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? NULL : fdopendir(fd);
}

static bool is_ours(int dir_fd, const char *name)
{
	char head[sizeof(QUADLET_HEAD)] = "";
	CLEAN(clean_fd)
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd >= 0 && read(fd, head, sizeof(head) - 1) == sizeof(head) - 1 &&
	       !strcmp(head, QUADLET_HEAD);
}

/* A link to a unit of ours: by what it points to, which is in the directory of units. */
static bool leads_to_ours(int units_fd, int dir_fd, const char *name)
{
	char target[512];
	ssize_t n = readlinkat(dir_fd, name, target, sizeof(target) - 1);
	if (n <= 0)
		return false;
	target[n] = '\0';
	const char *unit = text_starts(target, "../") ? target + 3 : target;
	return !strchr(unit, '/') && is_ours(units_fd, unit);
}

static void remove_links(int units_fd, int dir_fd, const char *name)
{
	CLEAN(clean_dir) DIR *list = open_list(dir_fd, name);
	struct dirent *entry;
	while (list && (entry = readdir(list)))
		if (entry->d_type == DT_LNK && leads_to_ours(units_fd, dirfd(list), entry->d_name))
			unlinkat(dirfd(list), entry->d_name, 0);
}

void previous_remove(int dir_fd)
{
	CLEAN(clean_dir) DIR *list = open_list(dir_fd, ".");
	struct dirent *entry;
	/* Links first: they are told by the units that they lead to. */
	remove_links(dir_fd, dir_fd, ".");
	while (list && (entry = readdir(list))) {
		bool has_links = text_ends(entry->d_name, ".wants") ||
				 text_ends(entry->d_name, ".requires") ||
				 text_ends(entry->d_name, ".upholds");
		if (entry->d_type == DT_DIR && has_links) {
			remove_links(dir_fd, dir_fd, entry->d_name);
			unlinkat(dir_fd, entry->d_name, AT_REMOVEDIR);
		}
	}
	if (list)
		rewinddir(list);
	while (list && (entry = readdir(list)))
		if (entry->d_type == DT_REG && is_ours(dir_fd, entry->d_name))
			unlinkat(dir_fd, entry->d_name, 0);
}
