/* SPDX-License-Identifier: Apache-2.0 */
/* network.c - guscio network create, ls, inspect, rm, prune */
#include "cmd/network.h"
#include "base/own.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/run_options.h"
#include "cmd/table.h"
#include "host/host.h"
#include "net/claim.h"
#include "net/lease.h"
#include "spec/document.h"
#include "state/event.h"

#include <string.h>
#include <sys/socket.h>

extern char **environ;

struct network_command {
	struct invocation to;
	struct host host;
	int argc;
	char **argv;
};

typedef bool network_action(struct network_command *c, struct err *e);

static void clean_json(json_t **value)
{
	json_decref(*value);
}

static void clean_command(struct network_command *c)
{
	arena_done(&c->to.arena);
}

static int run_command(const struct command *self, int argc, char **argv, struct notes *notes,
	int min, network_action *action, struct err *e)
{
	CLEAN(clean_command)
	struct network_command c = {.to = INVOCATION_INIT(notes, environ)};
	bool wants_help = false;
	if (!arena_init(&c.to.arena, e))
		return -1;
	spec_init(&c.to.spec, &c.to.arena);
	if (!options_parse_mixed(self, &argc, argv, &c.to, &wants_help, e))
		return -1;
	if (wants_help)
		return print_out(options_help(self, &c.to.arena), e) ? 0 : -1;
	if (argc < min || (!min && argc)) {
		err_what(e, ERR_USAGE, "guscio %s %s", self->name,
			argc < min ? "needs more arguments" : "has too many arguments");
		err_hint(e, "guscio %s %s", self->name, self->arguments);
		return -1;
	}
	c.argc = argc;
	c.argv = argv;
	return host_probe(0, &c.to.arena, &c.host, e) && action(&c, e) ? 0 : -1;
}

static void tell(struct network_command *c, const struct net_record *record, const char *action)
{
	char *attributes[] = {arena_printf(&c->to.arena, "name=%s", record->name),
		arena_strdup(&c->to.arena, "type=bridge")};
	const struct event event = {.type = "network",
		.action = action,
		.id = record->id,
		.attributes = {.v = attributes, .n = ARRAY_LEN(attributes)}};
	event_write(c->host.data_dir, &event);
}

/* create */
static bool add_taken(
	struct network_command *c, struct address_net **ret, size_t *ret_n, struct err *e)
{
	struct net_record *records;
	size_t n, damaged;
	if (!net_host_networks(&c->to.arena, ret, ret_n, e) ||
		!net_record_list(c->host.data_dir, &c->to.arena, &records, &n, &damaged, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		*ARENA_APPEND(&c->to.arena, *ret, *ret_n) = records[i].subnet4;
		if (records[i].subnet6.address.family)
			*ARENA_APPEND(&c->to.arena, *ret, *ret_n) = records[i].subnet6;
	}
	return true;
}

static bool check_free(const struct address_net *net, const struct address_net *taken,
	size_t n_taken, struct err *e)
{
	char buf[ADDRESS_TEXT_SIZE], other[ADDRESS_TEXT_SIZE];
	for (size_t i = 0; i < n_taken; i++) {
		if (!net_overlaps(net, &taken[i]))
			continue;
		err_what(e, ERR_STATE, "subnet '%s/%u' is in use",
			address_print(&net->address, buf), net->prefix);
		return err_hint(e, "another network or this machine has %s/%u",
			address_print(&taken[i].address, other), taken[i].prefix);
	}
	return true;
}

static bool choose(struct net_record *record, int family, const struct address_net *taken,
	size_t n_taken, struct err *e)
{
	bool is_6 = family == AF_INET6;
	struct address_net *net = is_6 ? &record->subnet6 : &record->subnet4;
	struct address *gateway = is_6 ? &record->gateway6 : &record->gateway4;
	if (net->address.family) {
		if (!check_free(net, taken, n_taken, e))
			return false;
	} else if (!net_choose_subnet(taken, n_taken, family, net)) {
		err_what(e, ERR_STATE, "no subnet is free");
		return err_hint(e, "name one with --subnet");
	}
	if (!gateway->family)
		*gateway = address_nth(net, 1);
	struct address first = address_nth(net, 0), last = address_nth(net, address_room(net) - 1);
	if (!address_in(gateway, net))
		return err_what(e, ERR_USAGE, "the gateway is not in the network's subnet");
	if (address_equal(gateway, &first) || (!is_6 && address_equal(gateway, &last)))
		return err_what(e, ERR_USAGE, "the gateway's address is the subnet's own");
	return true;
}

static bool create(struct network_command *c, struct err *e)
{
	struct net_record *record = &c->to.network;
	struct address_net *taken = NULL;
	size_t n_taken = 0;
	if (c->argc > 1)
		return err_what(e, ERR_USAGE, "guscio network create has too many arguments");
	record->name = c->argv[0];
	if (!spec_is_name(record->name) || strlen(record->name) > 100) {
		err_what(e, ERR_USAGE, "'%s' is no name for a network", record->name);
		return err_hint(e, "letters, digits, and after the first also _ . -");
	}
	if (c->to.force && net_record_exists(c->host.data_dir, record->name))
		return print_out(arena_printf(&c->to.arena, "%s\n", record->name), e);
	struct err ignored = ERR_INIT;
	struct spec probe = {.arena = &c->to.arena};
	if (!spec_set_network(&probe, record->name, &ignored) || probe.net.kind != NET_NAMED)
		return err_what(
			e, ERR_USAGE, "'%s' means something else to --network", record->name);
	if (record->gateway6.family && !c->to.wants_ipv6) {
		err_what(e, ERR_USAGE, "--gateway: the network has no IPv6");
		return err_hint(e, "add --ipv6, or --subnet with an IPv6 one");
	}
	if (!add_taken(c, &taken, &n_taken, e) || !choose(record, AF_INET, taken, n_taken, e) ||
		(c->to.wants_ipv6 && !choose(record, AF_INET6, taken, n_taken, e)))
		return false;
	record->id = invocation_new_id(&c->to.arena);
	record->created = time(NULL);
	if (!net_record_write(c->host.data_dir, record, true, e))
		return false;
	tell(c, record, "create");
	return print_out(arena_printf(&c->to.arena, "%s\n", record->name), e);
}

#define SETTER(name) static bool name(struct invocation *to, const char *value, struct err *e)

/* Not "this network", loopback, multicast and above; of IPv6 nor the link's own. */
static bool can_be_a_device_s(const struct address *a)
{
	const uint8_t *b = a->bytes;
	if (a->family == AF_INET)
		return b[0] != 0 && b[0] != 127 && b[0] < 224;
	return b[0] >= 0x20 && b[0] != 0xff && !(b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
}

SETTER(set_subnet)
{
	struct address_net net;
	bool ok = address_parse_net(value, &net);
	bool is_6 = ok && net.address.family == AF_INET6;
	if (!ok || (is_6 ? net.prefix != 64 : net.prefix < 8 || net.prefix > 28)) {
		err_what(e, ERR_USAGE, "--subnet '%s' is no subnet that can be used", value);
		return err_hint(e, "IPv4 with a prefix of 8 to 28, or IPv6 with 64");
	}
	struct address_net *to_net = is_6 ? &to->network.subnet6 : &to->network.subnet4;
	if (to_net->address.family)
		return err_what(e, ERR_USAGE, "--subnet '%s': there is one of that family", value);
	net.address = address_nth(&net, 0);
	if (!can_be_a_device_s(&net.address))
		return err_what(e, ERR_USAGE, "--subnet '%s': no device can have these", value);
	*to_net = net;
	to->wants_ipv6 |= is_6;
	return true;
}

SETTER(set_gateway)
{
	struct address a;
	if (!address_parse(value, &a))
		return err_what(e, ERR_USAGE, "--gateway '%s' is no address", value);
	*(a.family == AF_INET6 ? &to->network.gateway6 : &to->network.gateway4) = a;
	return true;
}

SETTER(set_ipv6)
{
	return option_bool(value, "ipv6", &to->wants_ipv6, e);
}

SETTER(set_internal)
{
	return option_bool(value, "internal", &to->network.is_internal, e);
}

SETTER(set_ignore)
{
	return option_bool(value, "ignore", &to->force, e);
}

SETTER(set_driver)
{
	(void)to;
	if (!strcmp(value, "bridge"))
		return true;
	err_what(e, ERR_USAGE, "network driver '%s' is not known", value);
	return err_hint(e, "there is one: bridge");
}

SETTER(set_network_label)
{
	if (value[0] == '=' || !value[0] || strcspn(value, "=") > 200)
		return err_what(e, ERR_USAGE, "label '%s' is not KEY=VALUE", value);
	strv_env_set(&to->arena, &to->network.labels,
		strchr(value, '=') ? value : arena_printf(&to->arena, "%s=", value));
	return true;
}

SETTER(set_opt)
{
	uint64_t mtu;
	if (text_starts(value, "mtu=") && text_to_u64(value + 4, NET_MTU_MAX, &mtu) &&
		mtu >= NET_MTU6_MIN) {
		to->network.mtu = (uint32_t)mtu;
		return true;
	}
	if (text_starts(value, "host-loopback="))
		return option_bool(
			value + 14, "opt host-loopback", &to->network.has_host_loopback, e);
	err_what(e, ERR_USAGE, "--opt '%s' is not known", value);
	return err_hint(e, "mtu=%d..%d, host-loopback=true", NET_MTU6_MIN, NET_MTU_MAX);
}

static const struct option_def create_options[] = {
	{"driver", 'd', "NAME", "bridge, the only one", set_driver},
	{"gateway", 0, "ADDRESS", "the way out's address in the subnet (its first)", set_gateway},
	{"ignore", 0, NULL, "one of that name is no error, and stays as it is", set_ignore},
	{"internal", 0, NULL, "no way out: only its containers reach each other", set_internal},
	{"ipv6", 0, NULL, "give it an IPv6 subnet too", set_ipv6},
	{"label", 0, "KEY=VALUE", "a label", set_network_label},
	{"opt", 'o', "KEY=VALUE", "mtu=N, or host-loopback=true", set_opt},
	{"subnet", 0, "ADDRESS/PREFIX", "its addresses; once for each family", set_subnet}, {0}};

/* ls */
static const struct column network_columns[] = {{"NETWORK ID", "ID"}, {"NAME", "Name"},
	{"DRIVER", "Driver"}, {"SUBNET", "Subnet"}, {"CONTAINERS", "Containers"}, {NULL, NULL}};

static const char *net_text(struct arena *a, const struct address_net *net)
{
	char buf[ADDRESS_TEXT_SIZE];
	return net->address.family
		       ? arena_printf(a, "%s/%u", address_print(&net->address, buf), net->prefix)
		       : "";
}

static bool matches(
	struct network_command *c, const struct net_record *record, bool *ret, struct err *e)
{
	*ret = true;
	for (size_t i = 0; i < c->to.filters.n; i++) {
		const char *filter = c->to.filters.v[i];
		if (text_starts(filter, "name="))
			*ret &= strstr(record->name, filter + 5) != NULL;
		else if (text_starts(filter, "id="))
			*ret &= text_starts(record->id, filter + 3);
		else if (text_starts(filter, "driver="))
			*ret &= !strcmp(filter + 7, "bridge");
		else if (text_starts(filter, "label=")) {
			const char *label = filter + 6;
			const char *key = arena_strndup(&c->to.arena, label, strcspn(label, "="));
			const char *value = strv_env(&record->labels, key);
			*ret &= value &&
				(!strchr(label, '=') || !strcmp(value, strchr(label, '=') + 1));
		} else {
			err_what(e, ERR_USAGE, "filter '%s' is not known", filter);
			return err_hint(e, "name=, id=, driver=bridge, label=KEY[=VALUE]");
		}
	}
	return true;
}

static json_t *row_of(struct network_command *c, const struct net_record *record)
{
	struct arena *a = &c->to.arena;
	struct net_members members;
	struct err e = ERR_INIT;
	bool is_known = net_list_members(c->host.runtime_dir, record->name, a, &members, &e);
	if (!is_known)
		notes_add(c->to.notes, "%s: %s", e.what, e.cause);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "ID",
		c->to.is_whole ? record->id : arena_printf(a, "%.12s", record->id), "Name",
		record->name, "Driver", "bridge", "Subnet", net_text(a, &record->subnet4),
		"Subnet6", net_text(a, &record->subnet6), "Containers",
		is_known ? arena_printf(a, "%zu", members.n) : "?");
}

/* Those that all filters want, by name; damaged records are a note. */
static bool read_wanted(
	struct network_command *c, struct net_record **ret, size_t *ret_n, struct err *e)
{
	struct net_record *records;
	size_t n, damaged, kept = 0;
	if (!net_record_list(c->host.data_dir, &c->to.arena, &records, &n, &damaged, e))
		return false;
	if (damaged)
		notes_add(c->to.notes, "%zu damaged in '%s/networks'", damaged, c->host.data_dir);
	for (size_t i = 0; i < n; i++) {
		bool is_wanted;
		if (!matches(c, &records[i], &is_wanted, e))
			return false;
		if (is_wanted)
			records[kept++] = records[i];
	}
	*ret = records;
	*ret_n = kept;
	return true;
}

static bool list(struct network_command *c, struct err *e)
{
	struct net_record *records;
	size_t n;
	CLEAN(clean_json) json_t *rows = json_array();
	if (!read_wanted(c, &records, &n, e))
		return false;
	for (size_t i = 0; i < n; i++)
		json_array_append_new(rows, row_of(c, &records[i]));
	const char *format = c->to.source.is_quiet && !c->to.format ? "{{.Name}}" : c->to.format;
	return table_print(rows, network_columns, format, c->to.has_no_header, &c->to.arena, e);
}

static const struct option_def list_options[] = {
	{"filter", 'f', "KEY=VALUE", "name=, id=, driver=, label=", set_filter},
	{"format", 0, "FORMAT", "table (the default), json, or a template", set_format},
	{"noheading", 'n', NULL, "no line with titles", set_noheading},
	{"no-trunc", 0, NULL, "whole ids", set_no_trunc},
	{"quiet", 'q', NULL, "only names", set_quiet}, {0}};

/* inspect */
static json_t *members_of(const struct net_members *members)
{
	json_t *object = json_object();
	for (size_t i = 0; i < members->n; i++) {
		const struct net_member *m = &members->v[i];
		json_object_set_new(object, m->id,
			json_pack("{s:s, s:s, s:s}", "name", m->name, "ipv4_address", m->ip4,
				"ipv6_address", m->ip6));
	}
	return object;
}

static bool inspect(struct network_command *c, struct err *e)
{
	static const struct column none[] = {{NULL, NULL}};
	CLEAN(clean_json) json_t *rows = json_array();
	for (int i = 0; i < c->argc; i++) {
		struct net_record record;
		struct net_members members;
		if (!net_record_read(c->host.data_dir, c->argv[i], &c->to.arena, &record, e) ||
			!net_list_members(
				c->host.runtime_dir, record.name, &c->to.arena, &members, e))
			return false;
		CLEAN(clean_free) char *text = net_record_print(&record);
		json_t *row = text ? json_loads(text, 0, NULL) : NULL;
		if (!row)
			return err_what(
				e, ERR_INTERNAL, "cannot inspect '%s': no memory", c->argv[i]);
		json_object_del(row, "version");
		json_object_set_new(row, "containers", members_of(&members));
		json_array_append_new(rows, row);
	}
	return table_print(rows, none, c->to.format ? c->to.format : "json", true, &c->to.arena, e);
}

static const struct option_def inspect_options[] = {
	{"format", 'f', "FORMAT", "json (the default) or a template", set_format}, {0}};

/* rm, prune */
static bool remove_one(struct network_command *c, const char *text, struct err *e)
{
	struct net_record record;
	if (!net_record_read(c->host.data_dir, text, &c->to.arena, &record, e)) {
		/* A damaged record is removed by its name all the same. */
		struct err first = *e;
		if (!spec_is_name(text) || !net_record_remove(c->host.data_dir, text, e))
			return *e = first, false;
		return print_out(arena_printf(&c->to.arena, "%s\n", text), e);
	}
	CLEAN(clean_fd) int dir_fd = -1;
	CLEAN(clean_fd) int claim_fd = -1;
	size_t places;
	if (!net_open(c->host.runtime_dir, record.name, &dir_fd, e) ||
		!net_count_places(dir_fd, &places, e))
		return err_what(e, ERR_STATE, "cannot remove network '%s'", text);
	if (places) {
		err_msg(e, ERR_STATE, "%zu container%s in it", places,
			places > 1 ? "s are" : " is");
		err_what(e, ERR_STATE, "cannot remove network '%s'", text);
		return err_hint(e, "end them first; who they are: guscio network inspect %s", text);
	}
	if (!net_claim(c->host.data_dir, record.name, &claim_fd, e))
		return err_what(e, ERR_STATE, "cannot remove network '%s'", text);
	/* Whoever waits to start it finds that it is not there any more. */
	if (!net_record_remove(c->host.data_dir, record.name, e))
		return false;
	net_claim_remove(TAKE_FD(claim_fd), c->host.data_dir, record.name);
	net_forget(TAKE_FD(dir_fd), c->host.runtime_dir, record.name);
	tell(c, &record, "destroy");
	return print_out(arena_printf(&c->to.arena, "%s\n", record.name), e);
}

static bool remove_all(struct network_command *c, struct err *e)
{
	bool ok = true;
	struct err first = ERR_INIT;
	/* Each is tried; the first failure is the answer. */
	for (int i = 0; i < c->argc; i++) {
		struct err own = ERR_INIT;
		if (remove_one(c, c->argv[i], &own) ||
			(c->to.force && text_starts(own.what, "there is no network")))
			continue;
		if (ok)
			first = own;
		ok = false;
	}
	if (!ok)
		*e = first;
	return ok;
}

static const struct option_def remove_options[] = {
	{"force", 'f', NULL, "no error for what is not there", set_force}, {0}};

static bool prune(struct network_command *c, struct err *e)
{
	struct net_record *records;
	size_t n;
	if (!read_wanted(c, &records, &n, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct net_members members;
		struct err unknown = ERR_INIT;
		bool is_known = net_list_members(
			c->host.runtime_dir, records[i].name, &c->to.arena, &members, &unknown);
		if (!is_known)
			notes_add(c->to.notes, "%s: %s", unknown.what, unknown.cause);
		if (!is_known || members.n)
			continue;
		if (!remove_one(c, records[i].name, e))
			return false;
	}
	return true;
}

static const struct option_def prune_options[] = {
	{"filter", 0, "KEY=VALUE", "only those: name=, label=", set_filter},
	{"force", 'f', NULL, "as in docker; nothing is asked anyway", set_force}, {0}};

#define RUN(function, min, action)                                                                 \
	static int function(const struct command *self, int argc, char **argv,                     \
		struct notes *notes, struct err *e)                                                \
	{                                                                                          \
		return run_command(self, argc, argv, notes, min, action, e);                       \
	}

RUN(run_create, 1, create)
RUN(run_list, 0, list)
RUN(run_inspect, 1, inspect)
RUN(run_remove, 1, remove_all)
RUN(run_prune, 0, prune)

const struct command command_network_create = {"network create", "[OPTIONS] NAME",
	"Make a network that containers share", "", create_options, run_create};
const struct command command_network_ls = {
	"network ls", "[OPTIONS]", "List networks", "", list_options, run_list};
const struct command command_network_inspect = {"network inspect", "[OPTIONS] NETWORK...",
	"Show networks with the containers in them", "", inspect_options, run_inspect};
const struct command command_network_rm = {
	"network rm", "[OPTIONS] NETWORK...", "Remove networks", "", remove_options, run_remove};
const struct command command_network_prune = {"network prune", "[OPTIONS]",
	"Remove networks without containers", "", prune_options, run_prune};
