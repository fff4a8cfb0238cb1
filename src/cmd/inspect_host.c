/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/inspect_host.h"
#include "base/text.h"
#include "cmd/ports_shown.h"
#include "net/lease.h"
#include "spec/port_text.h"

#include <string.h>

static json_t *text(const char *s)
{
	json_t *value = json_string(s ? s : "");
	return value ? value : json_string("");
}

static json_t *words(const struct strv *list)
{
	json_t *array = json_array();
	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array, text(list->v[i]));
	return array;
}

static const char *port_key(struct arena *arena, const struct port_spec *port, unsigned nth)
{
	return arena_printf(arena, "%u/%s", port->container_port + nth,
		port->protocol == PORT_UDP ? "udp" : "tcp");
}

/* As it was asked for: an empty HostPort is one that the kernel chooses. */
static json_t *port_bindings(struct arena *arena, const struct spec *spec)
{
	json_t *object = json_object();
	for (size_t i = 0; i < spec->n_ports; i++) {
		const struct port_spec *port = &spec->ports[i];
		for (unsigned nth = 0; nth < port->count; nth++) {
			const char *key = port_key(arena, port, nth);
			json_t *list = json_object_get(object, key);
			const char *host =
				port->host_port ? arena_printf(arena, "%u", port->host_port + nth)
						: "";
			if (!list)
				json_object_set_new(object, key, list = json_array());
			json_array_append_new(list,
				json_pack("{s:s, s:s}", "HostIp",
					port->address ? port->address : "", "HostPort", host));
		}
	}
	return object;
}

json_t *inspect_exposed(struct arena *arena, const struct spec *spec)
{
	json_t *object = json_object();
	const char *image = strv_env(&spec->annotations, "org.opencontainers.image.exposedPorts");
	char *list = image ? arena_strdup(arena, image) : NULL, *word;
	while (list && (word = strsep(&list, ",")))
		if (word[0])
			json_object_set_new(object,
				strchr(word, '/') ? word : arena_printf(arena, "%s/tcp", word),
				json_object());
	for (size_t i = 0; i < spec->n_ports; i++)
		for (unsigned nth = 0; nth < spec->ports[i].count; nth++)
			json_object_set_new(
				object, port_key(arena, &spec->ports[i], nth), json_object());
	return object;
}

static const char *mode_of(struct arena *arena, const struct ns_spec *ns)
{
	switch (ns->mode) {
	case NS_HOST:
		return "host";
	case NS_JOIN_CONTAINER:
		return arena_printf(arena, "container:%s", ns->from);
	case NS_JOIN_PATH:
		return arena_printf(arena, "ns:%s", ns->from);
	default:
		return "private";
	}
}

static void add_limits(const struct limits_spec *l, json_t *config)
{
	const uint64_t period = l->cpu_period_us ? l->cpu_period_us : 100000;
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {{"Memory", l->memory}, {"MemorySwap", l->memory_swap},
		{"MemoryReservation", l->memory_low}, {"CpuQuota", l->cpu_quota_us},
		{"CpuPeriod", l->cpu_period_us},
		{"NanoCpus", l->cpu_quota_us * 1000000 / period * 1000}, {"PidsLimit", l->pids},
		{"BlkioWeight", l->io_weight}};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		json_object_set_new(
			config, numbers[i].key, json_integer((json_int_t)numbers[i].value));
	json_object_set_new(config, "CpusetCpus", text(l->cpus));
	json_object_set_new(config, "CpusetMems", text(l->mems));
	json_object_set_new(config, "OomScoreAdj", json_integer(l->oom_score_adj));
}

static json_t *devices(const struct spec *spec)
{
	json_t *array = json_array();
	for (size_t i = 0; i < spec->n_devices; i++)
		json_array_append_new(array,
			json_pack("{s:o, s:o, s:s}", "PathOnHost", text(spec->devices[i].source),
				"PathInContainer", text(spec->devices[i].destination),
				"CgroupPermissions", "rwm"));
	return array;
}

static json_t *tmpfs(struct arena *arena, const struct spec *spec)
{
	static const char *const usual[] = {"/dev", "/dev/shm"};
	json_t *object = json_object();
	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct mount_spec *m = &spec->mounts[i];
		const char *options = "";
		if (strcmp(m->type, "tmpfs") || !strcmp(m->destination, usual[0]) ||
			!strcmp(m->destination, usual[1]))
			continue;
		for (size_t k = 0; k < m->options.n; k++)
			options = arena_printf(
				arena, "%s%s%s", options, k ? "," : "", m->options.v[k]);
		json_object_set_new(object, m->destination, text(options));
	}
	return object;
}

void inspect_add_host_config(struct container_command *c, const struct spec *spec, json_t *config)
{
	struct arena *arena = &c->to.arena;
	static const char *const userns[] = {"", "keep-id", "single", "manual", "container"};
	json_object_set_new(config, "PortBindings", port_bindings(arena, spec));
	json_object_set_new(config, "PublishAllPorts", json_boolean(spec->publish_all));
	json_object_set_new(config, "PidMode", text(mode_of(arena, &spec->namespaces[NS_PID])));
	json_object_set_new(config, "IpcMode", text(mode_of(arena, &spec->namespaces[NS_IPC])));
	json_object_set_new(config, "UTSMode", text(mode_of(arena, &spec->namespaces[NS_UTS])));
	json_object_set_new(
		config, "CgroupnsMode", text(mode_of(arena, &spec->namespaces[NS_CGROUP])));
	json_object_set_new(config, "UsernsMode", text(userns[spec->userns]));
	json_object_set_new(config, "Init", json_boolean(spec->init));
	json_object_set_new(config, "Dns", words(&spec->net.dns));
	json_object_set_new(config, "DnsSearch", words(&spec->net.dns_search));
	json_object_set_new(config, "DnsOptions", words(&spec->net.dns_options));
	json_object_set_new(config, "ExtraHosts", words(&spec->extra_hosts));
	json_object_set_new(config, "Devices", devices(spec));
	json_object_set_new(config, "Tmpfs", tmpfs(arena, spec));
	add_limits(&spec->limits, config);
}

/* What is published is listed, what is only exposed is null, as docker has it. */
static json_t *ports(
	struct container_command *c, const struct container *record, const struct spec *spec)
{
	struct ports_shown shown;
	json_t *exposed, *value;
	const char *key;
	if (!container_is_up(record))
		return json_object();
	shown = ports_shown_of(&c->host, record->id, &c->to.arena);
	json_t *object = ports_shown_json(&shown, &c->to.arena);
	exposed = inspect_exposed(&c->to.arena, spec);
	json_object_foreach(exposed, key, value) if (!json_object_get(object, key))
		json_object_set_new(object, key, json_null());
	json_decref(exposed);
	return object;
}

struct addresses {
	const char *ip4, *gateway4, *ip6, *gateway6;
	unsigned prefix4, prefix6;
};

static const char *print(struct arena *arena, const struct address *a)
{
	char buf[ADDRESS_TEXT_SIZE];
	return a->family ? arena_strdup(arena, address_print(a, buf)) : "";
}

static void take_own(struct arena *arena, const struct spec *spec, struct addresses *ret)
{
	struct plan plan = {.spec = spec};
	struct err ignored = ERR_INIT;
	if (!plan_set_addresses(&plan, &ignored))
		return;
	ret->ip4 = print(arena, &plan.net.guest4);
	ret->gateway4 = print(arena, &plan.net.gateway4);
	ret->ip6 = print(arena, &plan.net.guest6);
	ret->gateway6 = print(arena, &plan.net.gateway6);
	ret->prefix4 = plan.net.prefix4;
	ret->prefix6 = plan.net.prefix6;
}

static void take_named(struct container_command *c, const struct container *record,
	const struct spec *spec, struct addresses *ret)
{
	struct net_members members = {0};
	struct net_record network;
	struct err ignored = ERR_INIT;
	if (!net_record_read(c->host.data_dir, spec->net.name, &c->to.arena, &network, &ignored) ||
		!net_list_members(
			c->host.runtime_dir, spec->net.name, &c->to.arena, &members, &ignored))
		return;
	for (size_t i = 0; i < members.n; i++) {
		const struct net_member *member = &members.v[i];
		if (!text_starts(record->id, member->id) || !member->id[0])
			continue;
		ret->ip4 = member->ip4;
		ret->ip6 = member->ip6 ? member->ip6 : "";
		ret->gateway4 = print(&c->to.arena, &network.gateway4);
		ret->gateway6 = print(&c->to.arena, &network.gateway6);
		ret->prefix4 = network.subnet4.prefix;
		ret->prefix6 = ret->ip6[0] ? network.subnet6.prefix : 0;
	}
}

static void add_addresses(json_t *object, const struct addresses *a)
{
	json_object_set_new(object, "IPAddress", text(a->ip4));
	json_object_set_new(object, "IPPrefixLen", json_integer(a->prefix4));
	json_object_set_new(object, "Gateway", text(a->gateway4));
	json_object_set_new(object, "GlobalIPv6Address", text(a->ip6));
	json_object_set_new(object, "GlobalIPv6PrefixLen", json_integer(a->prefix6));
	json_object_set_new(object, "IPv6Gateway", text(a->gateway6));
}

json_t *inspect_network_settings(
	struct container_command *c, const struct container *record, const struct spec *spec)
{
	struct addresses a = {.ip4 = "", .gateway4 = "", .ip6 = "", .gateway6 = ""};
	bool has_own = spec->namespaces[NS_NET].mode == NS_PRIVATE && container_is_up(record);
	if (has_own && spec->net.kind == NET_NAMED)
		take_named(c, record, spec, &a);
	else if (has_own && spec->net.kind == NET_SLIRP)
		take_own(&c->to.arena, spec, &a);
	json_t *network = json_pack("{s:o, s:o}", "NetworkID", text(record->network), "Aliases",
		words(&spec->net.aliases));
	add_addresses(network, &a);
	json_t *settings = json_pack("{s:o, s:s}", "Ports", ports(c, record, spec), "SandboxKey",
		container_is_up(record) && record->first.pid > 0
			? arena_printf(&c->to.arena, "/proc/%d/ns/net", (int)record->first.pid)
			: "");
	add_addresses(settings, &a);
	json_t *networks = json_object();
	json_object_set_new(networks, record->network[0] ? record->network : "none", network);
	json_object_set_new(settings, "Networks", networks);
	return settings;
}
