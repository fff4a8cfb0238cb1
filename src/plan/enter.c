/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/build.h"

#include <sched.h>

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
