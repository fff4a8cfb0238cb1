/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cgroup_command.h"
#include "base/own.h"
#include "state/record.h"
#include "sys/cgroup.h"

#include <string.h>

static bool take_record(struct container_command *c, const char *text, struct running *ret)
{
	struct container record;
	struct err ignored = ERR_INIT;
	if (!container_get(c, text, &record, &ignored) ||
		!live_process_is_there(&record.first, record.boot_id))
		return false;
	*ret = (struct running){.id = record.id,
		.name = record.name,
		.cgroup = record.cgroup,
		.pid = record.first.pid,
		.stays = true};
	return true;
}

static bool take_foreground(
	struct container_command *c, const char *text, struct running *ret, struct err *e)
{
	struct state_record record;
	struct arena *a = &c->to.arena;
	if (!state_find(c->host.runtime_dir, text, &record, e))
		return false;
	*ret = (struct running){.id = arena_strdup(a, record.id),
		.name = record.name[0] ? arena_strdup(a, record.name)
				       : arena_strndup(a, record.id, 12),
		.cgroup = arena_strdup(a, record.cgroup),
		.pid = record.pid};
	return true;
}

bool running_get(struct container_command *c, const char *text, struct running *ret, int *ret_fd,
	struct err *e)
{
	if (!take_record(c, text, ret) && !take_foreground(c, text, ret, e))
		return false;
	if (!ret->cgroup[0]) {
		err_what(e, ERR_STATE, "container '%s' has no cgroup of its own", text);
		return err_hint(e, "start it with a limit, or with --cgroups=enabled");
	}
	return cgroup_open(ret->cgroup, ret_fd, e) ||
	       err_what(e, ERR_STATE, "cannot look at container '%s'", text);
}

static bool add(struct running **all, size_t *n, const struct running *one, struct arena *a)
{
	for (size_t i = 0; i < *n; i++)
		if (!strcmp((*all)[i].id, one->id))
			return false;
	*ARENA_APPEND(a, *all, *n) = *one;
	return true;
}

/* Those in somebody's foreground are known by their runtime directories alone. */
static void add_foreground(struct container_command *c, struct running **all, size_t *n)
{
	CLEAN(clean_dir) DIR *dir = opendir(c->host.runtime_dir);
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		struct running one;
		struct err ignored = ERR_INIT;
		if (strlen(entry->d_name) == STATE_ID_SIZE - 1 &&
			take_foreground(c, entry->d_name, &one, &ignored))
			add(all, n, &one, &c->to.arena);
	}
}

bool running_get_all(struct container_command *c, struct running **ret, size_t *ret_n,
	size_t *ret_without, struct err *e)
{
	struct container *records;
	struct running *all = NULL, *kept = NULL;
	size_t n_records, n = 0, n_kept = 0;
	if (!container_get_all(c, &records, &n_records, e))
		return false;
	for (size_t i = 0; i < n_records; i++) {
		struct running one;
		if (take_record(c, records[i].id, &one))
			add(&all, &n, &one, &c->to.arena);
	}
	add_foreground(c, &all, &n);
	for (size_t i = 0; i < n; i++)
		if (all[i].cgroup[0])
			*ARENA_APPEND(&c->to.arena, kept, n_kept) = all[i];
	*ret = kept;
	*ret_n = n_kept;
	*ret_without = n - n_kept;
	return true;
}
