/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cgroup_command.h"
#include "base/own.h"
#include "sys/cgroup.h"

#include <string.h>

static bool take_record(const struct container *record, struct running *ret)
{
	if (!live_process_is_there(&record->first, record->boot_id))
		return false;
	*ret = (struct running){.id = record->id,
		.name = record->name,
		.cgroup = record->cgroup,
		.pid = record->first.pid};
	return true;
}

bool running_get(struct container_command *c, const char *text, struct running *ret, int *ret_fd,
	struct err *e)
{
	struct container record;
	if (!container_get(c, text, &record, e))
		return false;
	if (!take_record(&record, ret))
		return err_what(e, ERR_STATE, "container '%s' does not run", text);
	if (!ret->cgroup[0]) {
		err_what(e, ERR_STATE, "container '%s' has no cgroup of its own", text);
		return err_hint(e, "start it with a limit, or with --cgroups=enabled");
	}
	return cgroup_open(ret->cgroup, ret_fd, e) ||
	       err_what(e, ERR_STATE, "cannot look at container '%s'", text);
}

bool running_get_all(struct container_command *c, struct running **ret, size_t *ret_n,
	size_t *ret_without, struct err *e)
{
	struct container *records;
	struct running *with = NULL;
	size_t n_records, n = 0, n_with = 0;
	if (!container_get_all(c, &records, &n_records, e))
		return false;
	for (size_t i = 0; i < n_records; i++) {
		struct running one;
		if (!take_record(&records[i], &one))
			continue;
		n++;
		if (one.cgroup[0])
			*ARENA_APPEND(&c->to.arena, with, n_with) = one;
	}
	*ret = with;
	*ret_n = n_with;
	*ret_without = n - n_with;
	return true;
}
