/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/bridge.h"
#include "base/text.h"
#include "cmd/run_options.h"

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

bool invocation_plan(
	struct invocation *to, const struct host *host, struct plan *ret, struct err *e)
{
	/* The plan keeps it: it must live as long as the spec. */
	struct host *copy = arena_alloc(&to->arena, sizeof(*copy));
	*copy = *host;
	return join_network(to, copy, e) && plan_build(&to->spec, copy, ret, to->notes, e);
}
