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

/* The program's pid is known when there is one: a place is set aside. */
static size_t add_listen_fds(struct plan *plan, size_t n)
{
	const struct spec *spec = plan->spec;
	plan->listen_pid = arena_alloc(spec->arena, PLAN_LISTEN_PID_SIZE);
	plan->envp[n++] = plan->listen_pid;
	plan->envp[n++] = arena_printf(spec->arena, "LISTEN_FDS=%u", spec->listen_fds);
	if (spec->listen_names)
		plan->envp[n++] =
			arena_printf(spec->arena, "LISTEN_FDNAMES=%s", spec->listen_names);
	return n;
}

void plan_set_program(struct plan *plan)
{
	const struct process_spec *process = &plan->spec->process;
	struct arena *a = plan->spec->arena;
	if (plan->spec->is_system && !strcmp(process->args.v[0], system_inits[0])) {
		for (const char *const *init = system_inits; *init; init++)
			strv_add(a, &plan->candidates, *init);
	} else if (process->args.n) {
		add_candidates(plan, process->args.v[0]);
	} else {
		plan->name_by_candidate = true;
		strv_add(a, &plan->candidates, "/bin/bash");
		strv_add(a, &plan->candidates, "/bin/sh");
	}
	plan->has_home = strv_env(&process->env, "HOME") != NULL;
	size_t n = process->env.n;
	plan->envp = arena_array(a, n + 5, sizeof(char *));
	memcpy(plan->envp, process->env.v, n * sizeof(char *));
	if (plan->spec->listen_fds)
		n = add_listen_fds(plan, n);
	plan->home_place = n;
}
