/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/build.h"

#include <string.h>

static void add_candidates(struct plan *plan, const char *program)
{
	struct arena *a = plan->spec->arena;
	const char *path = strv_env(&plan->spec->process.env, "PATH");
	if (strchr(program, '/') || !path) {
		strv_add(a, &plan->candidates, program);
		return;
	}
	for (;;) {
		size_t len = strcspn(path, ":");
		/* An empty element means the working directory [environ(7)]: never what is meant.
		 */
		if (len > 0)
			strv_add(a, &plan->candidates,
				arena_printf(a, "%.*s/%s", (int)len, path, program));
		if (!path[len])
			return;
		path += len + 1;
	}
}

void plan_set_program(struct plan *plan)
{
	const struct process_spec *process = &plan->spec->process;
	struct arena *a = plan->spec->arena;
	if (process->args.n) {
		add_candidates(plan, process->args.v[0]);
	} else {
		plan->name_by_candidate = true;
		strv_add(a, &plan->candidates, "/bin/bash");
		strv_add(a, &plan->candidates, "/bin/sh");
	}
	plan->has_home = strv_env(&process->env, "HOME") != NULL;
	plan->envp = arena_array(a, process->env.n + 2, sizeof(char *));
	memcpy(plan->envp, process->env.v, process->env.n * sizeof(char *));
	plan->home_place = process->env.n;
}
