/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
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

/* Here and not in the spec's environment, which is printed and written down. */
static size_t add_secrets(struct plan *plan, size_t n)
{
	const struct spec *spec = plan->spec;
	for (size_t i = 0; i < spec->n_secrets; i++) {
		const struct secret_spec *secret = &spec->secrets[i];
		if (!secret->is_env || !secret->data)
			continue;
		char *entry = arena_printf(spec->arena, "%s=%s", secret->target, secret->data);
		size_t at = 0, name = strlen(secret->target) + 1;
		while (at < n && strncmp(plan->envp[at], entry, name) != 0)
			at++;
		plan->envp[at] = entry;
		n += at == n;
	}
	return n;
}

/* Who logs in gets these anew. */
static bool is_of_the_user(const char *entry)
{
	return text_starts(entry, "HOME=") || text_starts(entry, "USER=") ||
	       text_starts(entry, "LOGNAME=") || text_starts(entry, "SHELL=");
}

void plan_set_program(struct plan *plan)
{
	const struct process_spec *process = &plan->spec->process;
	struct arena *a = plan->spec->arena;
	if (process->is_login) {
		/* Chosen when the user is known: child_settle_login(). */
	} else if (plan->spec->is_system && !strcmp(process->args.v[0], system_inits[0])) {
		for (const char *const *init = system_inits; *init; init++)
			strv_add(a, &plan->candidates, *init);
	} else if (process->args.n) {
		add_candidates(plan, process->args.v[0]);
	} else {
		plan->name_by_candidate = true;
		strv_add(a, &plan->candidates, "/bin/bash");
		strv_add(a, &plan->candidates, "/bin/sh");
	}
	size_t n = 0;
	plan->envp = arena_array(
		a, process->env.n + plan->spec->n_secrets + 5 + PLAN_LOGIN_ENV, sizeof(char *));
	for (size_t i = 0; i < process->env.n; i++)
		if (!process->is_login || !is_of_the_user(process->env.v[i]))
			plan->envp[n++] = process->env.v[i];
	n = add_secrets(plan, n);
	for (size_t i = 0; i < n; i++)
		plan->has_home |= text_starts(plan->envp[i], "HOME=");
	if (plan->spec->listen_fds)
		n = add_listen_fds(plan, n);
	plan->home_place = n;
}
