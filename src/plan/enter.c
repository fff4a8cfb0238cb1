/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/build.h"

#include <sched.h>

bool plan_build_visit(const struct spec *spec, const struct host *host, int pid_fd, uint64_t flags,
	const struct idmaps *ids, struct plan *ret, struct notes *notes, struct err *e)
{
	struct plan plan = {.spec = spec, .host = host, .enters = pid_fd >= 0, .enter_fd = pid_fd};
	if (plan.enters) {
		plan.ids = *ids;
		plan_add(&plan, STEP_ENTER)->enter.flags = flags & CLONE_NEWUSER;
		plan_add(&plan, STEP_ENTER_ROOT)->enter.flags = flags & CLONE_NEWNS;
		if (ids->root_mapped)
			plan_add(&plan, STEP_BECOME_ROOT);
	} else {
		if (spec->userns == USERNS_JOIN)
			return err_what(e, ERR_STATE, "its ids are another container's: start it");
		if (spec->root.kind == ROOT_HOST)
			return err_what(
				e, ERR_STATE, "the container's root is in memory, and gone");
		if (!idmaps_plan(spec, host, spec->arena, &plan.ids, notes, e) ||
			!plan_add_root(&plan, e))
			return false;
		plan.clone_flags = CLONE_NEWUSER | CLONE_NEWNS;
		plan_add_ids(&plan);
	}
	plan_add(&plan, STEP_CLONE);
	plan_add(&plan, STEP_TIE);
	plan_add(&plan, STEP_VISIT);
	plan_sort(&plan);
	*ret = plan;
	return true;
}

void plan_build_exec(const struct spec *spec, const struct host *host, int pid_fd, uint64_t flags,
	const struct idmaps *ids, struct plan *ret)
{
	/* A cgroup namespace shows the cgroup one is in, and forbids to enter it from outside. */
	const uint64_t by_child = CLONE_NEWNS | CLONE_NEWCGROUP;
	struct plan plan = {
		.spec = spec, .host = host, .ids = *ids, .enters = true, .enter_fd = pid_fd};
	plan_add(&plan, STEP_ENTER)->enter.flags = flags & ~by_child;
	plan_add(&plan, STEP_CLONE);
	plan_add(&plan, STEP_TIE);
	if (ids->root_mapped)
		plan_add(&plan, STEP_BECOME_ROOT);
	plan_add(&plan, STEP_ENTER_ROOT)->enter.flags = flags & by_child;
	plan_add_process(&plan);
	plan_set_program(&plan);
	plan_sort(&plan);
	*ret = plan;
}
