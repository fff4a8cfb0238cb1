/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "base/text.h"
#include "plan/build.h"

#include <sched.h>
#include <string.h>
#include <sys/socket.h>

/* As slirp4netns and libslirp number them: whoever knows those finds everything in place. */
#define NTH_GATEWAY 2
#define NTH_DNS	    3
#define NTH_GUEST   100
#define NTH_GUEST6  256 /* fd00::100 */

static const struct address_net default_net4 = {{AF_INET, {10, 0, 2, 0}}, 24};
static const struct address_net default_net6 = {{AF_INET6, {0xfd}}, 64};

static bool is_taken(const struct address *a, const struct net_plan *net,
	const struct address_net *range, uint32_t room)
{
	struct address first = address_nth(range, 0), last = address_nth(range, room - 1);
	return address_equal(a, &net->gateway4) || address_equal(a, &net->dns4) ||
	       address_equal(a, &net->gateway6) || address_equal(a, &net->dns6) ||
	       address_equal(a, &first) || (a->family == AF_INET && address_equal(a, &last));
}

static bool check_own(const struct address *own, const struct address_net *range,
	const struct net_plan *net, struct err *e)
{
	char buf[ADDRESS_TEXT_SIZE], first[ADDRESS_TEXT_SIZE];
	if (!own->family)
		return true;
	if (!address_in(own, range)) {
		struct address start = address_nth(range, 0);
		err_what(e, ERR_USAGE, "address '%s' is not in the container's network",
			address_print(own, buf));
		return err_hint(e, "that is %s/%u: choose another one with --network slirp:cidr=",
			address_print(&start, first), range->prefix);
	}
	if (is_taken(own, net, range, address_room(range)))
		return err_what(e, ERR_USAGE, "address '%s' is taken by the network itself",
			address_print(own, buf));
	return true;
}

bool plan_set_addresses(struct plan *plan, struct err *e)
{
	const struct net_spec *spec = &plan->spec->net;
	struct net_plan *net = &plan->net;
	const struct address_net *net4 = spec->net4.address.family ? &spec->net4 : &default_net4;
	const struct address_net *net6 = spec->net6.address.family ? &spec->net6 : &default_net6;
	net->mtu = spec->mtu ? spec->mtu : NET_MTU_DEFAULT;
	net->prefix4 = net4->prefix;
	net->gateway4 = address_nth(net4, NTH_GATEWAY);
	net->dns4 = address_nth(net4, NTH_DNS);
	net->guest4 =
		address_nth(net4, address_room(net4) > NTH_GUEST + 1 ? NTH_GUEST : NTH_DNS + 1);
	if (!spec->no_ipv6) {
		net->prefix6 = net6->prefix;
		net->gateway6 = address_nth(net6, NTH_GATEWAY);
		net->dns6 = address_nth(net6, NTH_DNS);
		net->guest6 = address_nth(net6, NTH_GUEST6);
	}
	if (!check_own(&spec->ip4, net4, net, e) || !check_own(&spec->ip6, net6, net, e))
		return false;
	if (spec->ip4.family)
		net->guest4 = spec->ip4;
	if (spec->ip6.family)
		net->guest6 = spec->ip6;
	return true;
}

static void add_setting(struct plan *plan, struct strv *argv, const char *key,
	const struct address *a, unsigned prefix)
{
	char buf[ADDRESS_TEXT_SIZE];
	struct arena *arena = plan->spec->arena;
	if (!a->family)
		return;
	strv_add(arena, argv,
		prefix ? arena_printf(arena, "%s=%s/%u", key, address_print(a, buf), prefix)
		       : arena_printf(arena, "%s=%s", key, address_print(a, buf)));
}

static void add_host_names(struct plan *plan, struct strv *argv)
{
	static const char *const names[] = {"host.containers.internal", "host.docker.internal"};
	struct arena *a = plan->spec->arena;
	char buf[ADDRESS_TEXT_SIZE];
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		strv_add(a, argv,
			arena_printf(a, "host-name=%s:%s", names[i],
				address_print(&plan->net.gateway4, buf)));
}

void plan_network_helper(struct plan *plan, const char *title)
{
	const struct net_spec *spec = &plan->spec->net;
	struct net_plan *net = &plan->net;
	struct arena *a = plan->spec->arena;
	struct strv argv = {0};
	strv_add(a, &argv, arena_printf(a, "%s/guscio-net", plan->host->helper_dir));
	strv_add(a, &argv, arena_printf(a, "title=%s", title));
	strv_add(a, &argv, arena_printf(a, "mtu=%u", net->mtu));
	add_setting(plan, &argv, "guest4", &net->guest4, net->prefix4);
	add_setting(plan, &argv, "gateway4", &net->gateway4, 0);
	add_setting(plan, &argv, "dns4", &net->dns4, 0);
	add_setting(plan, &argv, "guest6", &net->guest6, net->prefix6);
	add_setting(plan, &argv, "gateway6", &net->gateway6, 0);
	add_setting(plan, &argv, "dns6", &net->dns6, 0);
	strv_add(a, &argv, net->has_host_loopback ? "host-loopback=1" : "host-loopback=0");
	if (spec->outbound4)
		strv_add(a, &argv, arena_printf(a, "outbound4=%s", spec->outbound4));
	if (spec->outbound6 && net->guest6.family)
		strv_add(a, &argv, arena_printf(a, "outbound6=%s", spec->outbound6));
	if (net->is_internal)
		strv_add(a, &argv, "internal=1");
	else /* as in /etc/hosts, for programs that ask the resolver only */
		add_host_names(plan, &argv);
	if (net->control_fd)
		strv_add(a, &argv, "control=4");
	net->helper_argv = argv.v;
}

/* What a network and its containers have in common. */
static void take_network(struct net_plan *net, const struct net_record *network)
{
	net->mtu = network->mtu ? network->mtu : NET_MTU_DEFAULT;
	net->prefix4 = network->subnet4.prefix;
	net->gateway4 = network->gateway4;
	net->dns4 = net_resolver(&network->subnet4, &network->gateway4);
	if (network->subnet6.address.family) {
		net->prefix6 = network->subnet6.prefix;
		net->gateway6 = network->gateway6;
		net->dns6 = net_resolver(&network->subnet6, &network->gateway6);
	}
	net->is_internal = network->is_internal;
	net->has_host_loopback = network->has_host_loopback;
}

void plan_set_network(struct plan *plan, const struct net_record *network, int control_fd)
{
	struct net_plan *net = &plan->net;
	take_network(net, network);
	/* The first that a container can have: the helper gives them out from there on. */
	net->guest4 = address_nth(&network->subnet4, NET_NTH_MEMBER);
	if (net->gateway6.family)
		net->guest6 = address_nth(&network->subnet6, NET_NTH_MEMBER);
	net->control_fd = control_fd;
	plan_network_helper(plan, network->name);
}

/* Which namespace is whose leaves no room for another one's. */
static bool check_joins(const struct spec *spec, struct err *e)
{
	for (int ns = 0; ns < NS_KINDS; ns++) {
		enum ns_mode mode = spec->namespaces[ns].mode;
		if (mode != NS_JOIN_PATH && mode != NS_JOIN_CONTAINER)
			continue;
		err_what(
			e, ERR_USAGE, "network '%s' goes with no joined namespace", spec->net.name);
		return err_hint(e, "join its network instead: --network container:NAME");
	}
	return true;
}

static bool plan_named(struct plan *plan, struct err *e)
{
	const struct net_lease *lease = plan->host->lease;
	struct net_plan *net = &plan->net;
	if (!check_joins(plan->spec, e))
		return false;
	/* --explain asks for no place: its addresses are not known then. */
	if (lease) {
		take_network(net, lease->network);
		net->guest4 = lease->ip4;
		net->guest6 = lease->ip6;
		net->lease = lease;
	}
	net->has_device = true;
	plan_add_between(plan);
	plan_add(plan, STEP_NETWORK_ENTER);
	plan_add(plan, STEP_NETWORK_CABLE);
	plan_add(plan, STEP_NETWORK_BIND);
	return true;
}

/*
 * The groups that may open ping sockets, as the container counts them. The kernel keeps the
 * ids outside, and wants the range to run forwards on both sides: it goes from the group that is
 * lowest outside to the highest one. The caller's own group may lie above the subordinate
 * ones but be 0 inside: then it is left out.
 */
static const char *ping_groups(const struct plan *plan)
{
	const struct id_map *map = &plan->ids.gid;
	uint32_t low = 0, high = 0, low_out = UINT32_MAX, high_out = 0;
	for (size_t i = 0; i < map->n; i++) {
		const struct id_range *r = &map->v[i];
		if (r->outside < low_out) {
			low = r->inside;
			low_out = r->outside;
		}
		bool is_backwards = r->inside + (r->count - 1) < low;
		if (r->outside + (r->count - 1) >= high_out && !is_backwards) {
			high = r->inside + (r->count - 1);
			high_out = r->outside + (r->count - 1);
		}
	}
	/* Nothing is known of a namespace that is joined, but its first group is there. */
	return arena_printf(plan->spec->arena, "%u %u", map->n ? low : 0, map->n ? high : 0);
}

/* Without a word from the user a machine without tun is no reason not to start. */
static bool has_tun(struct plan *plan, struct notes *notes, struct err *e)
{
	if (plan->host->has_tun)
		return true;
	if (!plan->spec->net.is_wanted) {
		notes_add(notes, "the container has no network: /dev/net/tun cannot be opened "
				 "(sudo modprobe tun; sudo chmod 666 /dev/net/tun)");
		return false;
	}
	err_what(e, ERR_HOST, "cannot make a network: /dev/net/tun cannot be opened");
	return err_hint(e, "sudo modprobe tun; sudo chmod 666 /dev/net/tun");
}

static bool lies_in(const char *target, const char *directory)
{
	size_t n = strlen(directory);
	return !strncmp(target, directory, n) && (target[n] == '/' || !target[n]);
}

/* /sys, and what comes after it in the user's order and lies in it; the rest need not wait. */
static void mount_late(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_steps; i++) {
		struct step *sys = &plan->steps[i];
		if (sys->kind != STEP_MOUNT ||
			(sys->mount.role != ROLE_SYS &&
				(sys->mount.from != MOUNT_FROM_FS ||
					strcmp(sys->mount.source, "sysfs") != 0)))
			continue;
		for (struct step *step = sys; step < plan->steps + plan->n_steps; step++)
			if (step->kind == STEP_MOUNT &&
				lies_in(step->mount.target, sys->mount.target))
				step->kind = STEP_MOUNT_LATE;
	}
}

/* After plan_add_mounts(). */
static void add_empty(struct plan *plan)
{
	/* The parent enters it for its ports while the child builds its tree. */
	if (plan->spec->n_ports || !plan_has_thread(plan)) {
		plan_add(plan, STEP_LOOPBACK);
		return;
	}
	plan->clone_flags &= ~(uint64_t)CLONE_NEWNET;
	plan_add(
		plan, plan->ids.rung == MAP_HELPERS ? STEP_NETWORK_BEGIN_LATE : STEP_NETWORK_BEGIN);
	plan_add(plan, STEP_NETWORK_ADOPT)->text = ping_groups(plan);
	mount_late(plan);
}

static bool add_device(struct plan *plan, struct err *e)
{
	const struct spec *spec = plan->spec;
	if (!plan_set_addresses(plan, e))
		return false;
	plan->net.has_device = true;
	plan->net.has_host_loopback = spec->net.host_loopback;
	plan_network_helper(plan, arena_printf(spec->arena, "%.12s", spec->id));
	plan_add(plan, STEP_NETWORK_HELPER);
	/* In the clone: a thread beside the helper's own start would want a third processor. */
	plan_add(plan, STEP_LOOPBACK);
	plan_add(plan, STEP_NETWORK_DEVICE);
	plan_add(plan, STEP_NETWORK_READY);
	return true;
}

bool plan_add_network(struct plan *plan, struct notes *notes, struct err *e)
{
	const struct spec *spec = plan->spec;
	if (spec->namespaces[NS_NET].mode != NS_PRIVATE)
		return true;
	plan_add(plan, STEP_NETWORK_DEFAULTS)->text = ping_groups(plan);
	if (spec->net.kind == NET_NAMED) {
		plan_add(plan, STEP_LOOPBACK);
		return plan_named(plan, e);
	}
	if (spec->net.kind == NET_SLIRP && has_tun(plan, notes, e))
		return add_device(plan, e);
	if (e->what[0])
		return false;
	add_empty(plan);
	return true;
}
