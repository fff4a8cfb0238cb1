/* SPDX-License-Identifier: Apache-2.0 */
#include "net/record.h"
#include "base/own.h"
#include "sys/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* Opens <data_dir>/networks; where there is none, success with -1 unless it is to be made. */
static bool open_directory(const char *data_dir, bool makes, int *ret_fd, struct err *e)
{
	char path[4096];
	if (snprintf(path, sizeof(path), "%s/networks", data_dir) >= (int)sizeof(path))
		return err_msg(e, ERR_USAGE, "path '%s' is too long", data_dir);
	if (makes && !files_make_path(path, 0700, e))
		return false;
	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd >= 0 || (!makes && errno == ENOENT))
		return true;
	return err_sys(e, "open '%s'", path);
}

static bool read_one(
	int dir_fd, const char *name, struct arena *arena, struct net_record *ret, struct err *e)
{
	char file[256];
	CLEAN(clean_free) char *text = NULL;
	size_t size;
	snprintf(file, sizeof(file), "%s.json", name);
	return files_read(dir_fd, file, NET_RECORD_MAX, &text, &size, e) &&
	       net_record_parse(text, size, name, arena, ret, e);
}

bool net_record_write(
	const char *data_dir, const struct net_record *record, bool is_new, struct err *e)
{
	CLEAN(clean_fd) int dir_fd = -1;
	char file[256];
	struct stat st;
	snprintf(file, sizeof(file), "%s.json", record->name);
	CLEAN(clean_free) char *text = net_record_print(record);
	bool ok = text || err_msg(e, ERR_INTERNAL, "no memory");
	ok = ok && open_directory(data_dir, true, &dir_fd, e);
	/* Two that create the same name at once: the second finds the first's file. */
	if (ok && flock(dir_fd, LOCK_EX) < 0)
		ok = err_sys(e, "lock the directory of networks");
	if (ok && is_new && fstatat(dir_fd, file, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		err_what(e, ERR_STATE, "there is a network '%s' already", record->name);
		return err_hint(e, "guscio network rm %s removes it", record->name);
	}
	ok = ok && files_write(dir_fd, file, text, strlen(text), e);
	return ok || err_what(e, ERR_HOST, "cannot keep network '%s'", record->name);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct net_record *)a)->name, ((const struct net_record *)b)->name);
}

bool net_record_list(const char *data_dir, struct arena *arena, struct net_record **ret,
	size_t *ret_n, size_t *ret_damaged, struct err *e)
{
	CLEAN(clean_fd) int dir_fd = -1;
	struct net_record *records = NULL;
	size_t n = 0, damaged = 0;
	struct dirent *entry;
	if (!open_directory(data_dir, false, &dir_fd, e))
		return err_what(e, ERR_HOST, "cannot list networks");
	int copy_fd = dir_fd < 0 ? -1 : openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = copy_fd < 0 ? NULL : fdopendir(copy_fd);
	while (dir && (entry = readdir(dir))) {
		struct net_record record;
		struct err ignored = ERR_INIT;
		size_t len = strlen(entry->d_name);
		if (entry->d_name[0] == '.' || len < 6 || strcmp(entry->d_name + len - 5, ".json"))
			continue;
		const char *name = arena_strndup(arena, entry->d_name, len - 5);
		if (read_one(dir_fd, name, arena, &record, &ignored))
			*ARENA_APPEND(arena, records, n) = record;
		else
			damaged++;
	}
	if (n)
		qsort(records, n, sizeof(*records), compare_names);
	*ret = records;
	*ret_n = n;
	*ret_damaged = damaged;
	return true;
}

bool net_record_read(const char *data_dir, const char *text, struct arena *arena,
	struct net_record *ret, struct err *e)
{
	struct net_record *records, *found = NULL;
	size_t n, damaged, len = strlen(text);
	if (!net_record_list(data_dir, arena, &records, &n, &damaged, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(records[i].name, text)) {
			*ret = records[i];
			return true;
		}
		if (strncmp(records[i].id, text, len))
			continue;
		if (found)
			return err_what(e, ERR_STATE,
				"'%s' is the beginning of several networks' ids", text);
		found = &records[i];
	}
	if (found) {
		*ret = *found;
		return true;
	}
	err_what(e, ERR_STATE, "there is no network '%s'", text);
	if (damaged)
		return err_hint(e, "a record below '%s/networks' is damaged", data_dir);
	return err_hint(e, "see: guscio network ls; or make it: guscio network create %s", text);
}

bool net_record_exists(const char *data_dir, const char *name)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/networks/%s.json", data_dir, name);
	return faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0;
}

bool net_record_remove(const char *data_dir, const char *name, struct err *e)
{
	CLEAN(clean_fd) int dir_fd = -1;
	char file[256];
	snprintf(file, sizeof(file), "%s.json", name);
	bool ok = open_directory(data_dir, false, &dir_fd, e);
	if (ok && unlinkat(dir_fd, file, 0) < 0)
		ok = err_sys(e, "remove '%s'", file);
	return ok || err_what(e, ERR_HOST, "cannot remove network '%s'", name);
}
