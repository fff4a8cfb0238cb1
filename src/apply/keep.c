/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/start.h"
#include "base/own.h"
#include "state/record.h"

#include <unistd.h>

bool parent_keep(struct starter *s, const struct step *step, struct err *e)
{
	struct container *record = s->plan->record;
	char boot_id[64];
	(void)step;
	/* A child that has ended already says why itself. */
	if (!record || !state_start_time(s->proc.pid, &record->first.start_time))
		return true;
	record->first.pid = s->proc.pid;
	record->monitor.pid = getpid();
	record->boot_id = arena_strdup(s->plan->spec->arena, boot_id_now(boot_id));
	record->phase = CONTAINER_RUNNING;
	record->health = record->health_test[0] ? "starting" : "";
	record->limits_by = s->plan->limits_by ? s->plan->limits_by : "";
	record->is_system = s->plan->spec->is_system;
	record->memory_watched = s->plan->fallback.memory;
	record->cgroup = arena_strdup(s->plan->spec->arena, s->proc.cgroup_path);
	if (!state_start_time(getpid(), &record->monitor.start_time))
		return err_sys(e, "look at ourselves in /proc");
	return container_write(s->plan->record_fd, record, false, e);
}
