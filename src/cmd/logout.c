/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/logout.h"
#include "host/logout.h"
#include "sys/cgroup.h"
#include "sys/spawn.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void logout_note(struct invocation *to)
{
	struct host host;
	struct logout_facts facts;
	struct err ignored = ERR_INIT;
	const char *policy = to->life.restart;
	if (!policy || (strcmp(policy, "always") && strcmp(policy, "unless-stopped")) ||
		!host_probe(HOST_WANT_USER, &to->arena, &host, &ignored) || host.in_user_namespace)
		return;
	logout_find(host.user_name, NULL, &to->arena, &facts);
	if (facts.is_managed && !facts.lingers)
		notes_add(to->notes,
			"--restart %s ends with your last session: "
			"loginctl enable-linger lets your containers live on",
			policy);
}

void logout_leave_session(struct invocation *to, const struct host *host)
{
	char own[CGROUP_PATH_MAX], pid[16], answer[256] = "";
	struct logout_facts facts;
	struct err e = ERR_INIT;
	struct arena *a = &to->arena;
	const char *base_end = strrchr(host->runtime_dir, '/');
	if (host->in_user_namespace || !cgroup_of(getpid(), own, sizeof(own)))
		return;
	logout_find(NULL, own, a, &facts);
	if (!facts.is_ended)
		return;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	char *const argv[] = {arena_printf(a, "%s/guscio-scope", host->helper_dir),
		arena_printf(a, "%.*s/systemd/private", (int)(base_end - host->runtime_dir),
			host->runtime_dir),
		arena_printf(a, "container-%.12s-%s.scope", to->spec.id, pid), (char *)"",
		arena_printf(a, "Container %s and its monitor",
			to->spec.name ? to->spec.name : to->spec.id),
		pid, NULL};
	if (spawn_filter(argv, "", answer, sizeof(answer), &e) == 0)
		return;
	answer[strcspn(answer, "\n")] = '\0';
	notes_add(to->notes, "the container ends with this session (KillUserProcesses): %s",
		answer[0] ? answer : "your systemd does not take it");
}
