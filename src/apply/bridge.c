/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/bridge.h"
#include "apply/proc.h"
#include "base/own.h"
#include "net/claim.h"
#include "plan/plan.h"
#include "spec/document.h"
#include "sys/spawn.h"

#include <string.h>

/* Between the last container's end and its helper's there is a moment: then once more. */
#define TRIES 8

/*
 * The helper is there for others too, when its starter's unit is stopped or its session ends: it
 * gets a scope of its own, where there is somebody to give one. Else it stays where it is.
 */
static void leave_unit(const struct host *host, const struct net_record *network, pid_t helper,
	struct arena *arena)
{
	char pid[16], answer[256];
	struct err ignored = ERR_INIT;
	struct host facts = *host; /* a container without limits did not ask for these */
	host_find_cgroups(&facts, true, false, arena);
	if (!facts.cgroups.manager)
		return;
	snprintf(pid, sizeof(pid), "%d", (int)helper);
	char *const argv[] = {arena_printf(arena, "%s/guscio-scope", host->helper_dir),
		(char *)facts.cgroups.manager,
		arena_printf(arena, "guscio-net-%.12s-%s.scope", network->id, pid), (char *)"",
		arena_printf(arena, "guscio network %s", network->name), pid, NULL};
	spawn_filter(argv, "", answer, sizeof(answer), &ignored);
}

/*
 * The network's ids are the caller's and all subordinate ones, whatever the containers in
 * it want: they take theirs from these.
 */
static bool start_network(const struct host *host, const struct net_record *network, int dir_fd,
	struct arena *arena, struct err *e)
{
	CLEAN(clean_fd) int listen_fd = -1;
	CLEAN(clean_fd) int claim_fd = -1;
	struct proc proc = PROC_INIT;
	struct notes ignored = {0}; /* the container's own plan says the same */
	struct spec spec;
	struct plan plan;
	if (!host->has_tun) {
		err_msg(e, ERR_HOST, "/dev/net/tun cannot be opened");
		return err_hint(e, "sudo modprobe tun; sudo chmod 666 /dev/net/tun");
	}
	spec_init(&spec, arena);
	spec.id = network->id;
	if (!net_claim(host->data_dir, network->name, &claim_fd, e) ||
		!net_listen(dir_fd, &listen_fd, e) ||
		!plan_build_network(&spec, host, network, listen_fd, &plan, &ignored, e))
		return false;
	plan.net.claim_fd = claim_fd;
	if (!start(&plan, &proc, &ignored, e))
		return false;
	net_claim_sign(claim_fd, proc.net_pid);
	leave_unit(host, network, proc.net_pid, arena);
	/* It stays when we are gone; the process that made the namespaces has ended. */
	proc.net_pid = 0;
	proc_drop(&plan, &proc);
	return true;
}

static void add_names(const struct spec *spec, struct strv *names)
{
	strv_add(spec->arena, names,
		spec->name ? spec->name : arena_strndup(spec->arena, spec->id, 12));
	/* A blank is between two names; the helper leaves out what else cannot be one. */
	if (spec->hostname && !strchr(spec->hostname, ' ') && !strv_has(names, spec->hostname))
		strv_add(spec->arena, names, spec->hostname);
	for (size_t i = 0; i < spec->net.aliases.n; i++)
		strv_add(spec->arena, names, spec->net.aliases.v[i]);
}

static bool try_to_join(const struct spec *spec, const struct host *host,
	const struct net_record *network, struct net_lease *lease, struct err *e)
{
	struct strv names = {0};
	CLEAN(clean_fd) int dir_fd = -1;
	add_names(spec, &names);
	const struct net_wish wish = {.ip4 = spec->net.ip4,
		.ip6 = spec->net.ip6,
		.mac = spec->net.has_mac ? spec->net.mac : NULL,
		.id = arena_strndup(spec->arena, spec->id, 12),
		.names = &names};
	if (!net_open(host->runtime_dir, network->name, &dir_fd, e))
		return false;
	/* Removed while we came here: with the lock in our hands that cannot happen any more. */
	if (!net_record_exists(host->data_dir, network->name)) {
		net_forget(TAKE_FD(dir_fd), host->runtime_dir, network->name);
		return err_msg(e, ERR_STATE, "it has just been removed");
	}
	for (int i = 0; i < TRIES; i++) {
		if (net_connect(dir_fd, &lease->control_fd, e)) {
			if (net_join(lease, &wish, e) || e->kind != ERR_NONE)
				return e->kind == ERR_NONE;
			/* Started anew only when nobody listens: there must not be two. */
			clean_fd(&lease->control_fd);
		} else if (e->kind != ERR_NONE ||
			   !start_network(host, network, dir_fd, spec->arena, e)) {
			return false;
		}
	}
	return err_msg(e, ERR_STATE, "its helper ends again and again");
}

bool bridge_join(const struct spec *spec, const struct host *host, const struct net_record *network,
	struct net_lease *lease, struct err *e)
{
	lease->network = network;
	if (try_to_join(spec, host, network, lease, e))
		return true;
	return e->what[0] ? false : err_what(e, e->kind, "cannot join network '%s'", network->name);
}
