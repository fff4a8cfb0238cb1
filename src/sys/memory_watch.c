/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/memory_watch.h"
#include "base/own.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

/* More processes than these are not looked at: their number is another limit's business. */
#define TREE_MAX 4096

static uint64_t resident(pid_t pid)
{
	char path[64], text[128];
	unsigned long long size, pages;
	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	CLEAN(clean_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return sscanf(text, "%llu %llu", &size, &pages) == 2
		       ? pages * (uint64_t)sysconf(_SC_PAGESIZE)
		       : 0;
}

/* Children of one thread; a fork is listed with the thread that made it. */
static void add_children_of(const char *path, pid_t *pids, size_t *n)
{
	CLEAN(clean_file) FILE *file = fopen(path, "re");
	int pid;
	while (file && *n < TREE_MAX && fscanf(file, "%d", &pid) == 1)
		pids[(*n)++] = pid;
}

static void add_children(pid_t pid, pid_t *pids, size_t *n)
{
	char path[64], children[384];
	struct dirent *entry;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	CLEAN(clean_dir) DIR *dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(children, sizeof(children), "%s/%s/children", path, entry->d_name);
		add_children_of(children, pids, n);
	}
}

uint64_t memory_of_tree(pid_t pid)
{
	pid_t pids[TREE_MAX + 1];
	size_t n = 1;
	uint64_t bytes = 0;
	pids[0] = pid;
	for (size_t i = 0; i < n; i++) {
		bytes += resident(pids[i]);
		add_children(pids[i], pids, &n);
	}
	return bytes;
}
