/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/bridge.h"
#include "base/text.h"
#include "cmd/run_options.h"
#include "wire/notify.h"

#include <string.h>

unsigned invocation_host_wants(const struct spec *spec)
{
	unsigned want = 0;
	if ((spec->userns != USERNS_SINGLE && spec->userns != USERNS_JOIN) ||
		spec->net.kind == NET_NAMED)
		want |= HOST_WANT_RANGES;
	if (spec->root.kind == ROOT_HOST)
		want |= HOST_WANT_USER;
	if ((spec->namespaces[NS_NET].mode == NS_PRIVATE && spec->net.kind != NET_NONE) ||
		spec->nest)
		want |= HOST_WANT_NETWORK;
	return want;
}

/* A word that is no mode is taken for a network's name: a typo ends here. */
static bool suggest_mode(const char *name, struct err *e)
{
	static const char *const modes[] = {"slirp", "none", "host", "bridge", "default", NULL};
	const char *nearest = text_nearest(name, modes);
	return nearest ? err_hint(e, "did you mean --network %s?", nearest) : false;
}

static bool join_network(struct invocation *to, struct host *host, struct err *e)
{
	struct spec *spec = &to->spec;
	if (spec->namespaces[NS_NET].mode != NS_PRIVATE || spec->net.kind != NET_NAMED)
		return true;
	if (!net_record_read(host->data_dir, spec->net.name, &to->arena, &to->network, e))
		return suggest_mode(spec->net.name, e);
	spec->net.name = to->network.name;
	if (to->explain)
		return true;
	host->lease = &to->place;
	return bridge_join(spec, host, &to->network, &to->place, e);
}

bool invocation_tells(const struct invocation *to, const char *mode)
{
	return notify_is_wanted() &&
	       !strcmp(to->life.sdnotify ? to->life.sdnotify : "container", mode);
}

bool invocation_find_cgroups(struct invocation *to, struct host *host)
{
	const struct limits_spec *limits = &to->spec.limits;
	/* A unit that waits for our word ends when its main process leaves it, for a scope. */
	bool is_ours = limits->cgroup == CGROUP_SPLIT ||
		       (notify_is_wanted() && !invocation_tells(to, "ignore"));
	return host_find_cgroups(host, limits_want_cgroup(limits), is_ours, &to->arena);
}

/* A socket of the program's own, when somebody out here waits for its word. */
static bool settle_notify(struct invocation *to, struct err *e)
{
	struct spec *spec = &to->spec;
	const char *type = "";
	spec->hands_on_ready = invocation_tells(to, "container");
	if (!spec->hands_on_ready || spec->is_system ||
		strv_env(&spec->process.env, "NOTIFY_SOCKET"))
		return true;
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (!strcmp(spec->mounts[i].destination, "/dev"))
			type = spec->mounts[i].type;
	if (strcmp(type, "tmpfs")) {
		err_what(e, ERR_USAGE, "--sdnotify=container needs a /dev of the container's own");
		return err_hint(e, "--sdnotify=conmon says ready when the program starts");
	}
	spec->notify_path = PROGRAM_NOTIFY_PATH;
	strv_env_set(&to->arena, &spec->process.env, "NOTIFY_SOCKET=" PROGRAM_NOTIFY_PATH);
	return true;
}

bool invocation_plan(
	struct invocation *to, const struct host *host, struct plan *ret, struct err *e)
{
	/* The plan keeps it: it must live as long as the spec. */
	struct host *copy = arena_alloc(&to->arena, sizeof(*copy));
	*copy = *host;
	return settle_notify(to, e) && join_network(to, copy, e) &&
	       plan_build(&to->spec, copy, ret, to->notes, e);
}
