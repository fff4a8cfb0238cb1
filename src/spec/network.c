/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/network.h"
#include "base/text.h"
#include "spec/options.h"
#include "spec/spec.h"

#include <net/if.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

bool spec_is_name(const char *text)
{
	size_t len =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");
	return text[0] && !text[len] && len < 128 && !strchr("_.-", text[0]);
}

/* Both are words in files and arguments, where blanks and signs would mean something. */
static bool is_domain(const char *text)
{
	size_t len = strlen(text);
	return len && len < 254 &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
		       len;
}

typedef bool net_setter(struct net_spec *net, const char *value);

static bool set_mtu(struct net_spec *net, const char *value)
{
	uint64_t mtu;
	if (!text_to_u64(value, NET_MTU_MAX, &mtu) || mtu < NET_MTU_MIN)
		return false;
	net->mtu = (uint32_t)mtu;
	return true;
}

static bool set_cidr(struct net_spec *net, const char *value)
{
	return address_parse_net(value, &net->net4) && net->net4.address.family == AF_INET;
}

static bool set_cidr6(struct net_spec *net, const char *value)
{
	return address_parse_net(value, &net->net6) && net->net6.address.family == AF_INET6;
}

static bool to_bool(const char *value, bool *ret)
{
	static const struct name_value words[] = {
		{"true", 1}, {"yes", 1}, {"1", 1}, {"false", 0}, {"no", 0}, {"0", 0}, {NULL, 0}};
	const struct name_value *word = name_find(words, value);
	if (word)
		*ret = word->value;
	return word;
}

static bool set_ipv6(struct net_spec *net, const char *value)
{
	bool has_ipv6;
	if (!to_bool(value, &has_ipv6))
		return false;
	net->no_ipv6 = !has_ipv6;
	return true;
}

static bool set_host_loopback(struct net_spec *net, const char *value)
{
	return to_bool(value, &net->host_loopback);
}

static bool is_outbound(const char *value, int family)
{
	struct address a;
	return address_parse(value, &a) ? a.family == family
					: is_domain(value) && strlen(value) < IF_NAMESIZE;
}

static bool set_outbound4(struct net_spec *net, const char *value)
{
	net->outbound4 = value;
	return is_outbound(value, AF_INET);
}

static bool set_outbound6(struct net_spec *net, const char *value)
{
	net->outbound6 = value;
	return is_outbound(value, AF_INET6);
}

static bool set_ip4(struct net_spec *net, const char *value)
{
	return address_parse(value, &net->ip4) && net->ip4.family == AF_INET;
}

static bool set_ip6(struct net_spec *net, const char *value)
{
	return address_parse(value, &net->ip6) && net->ip6.family == AF_INET6;
}

static bool set_mac(struct net_spec *net, const char *value)
{
	net->has_mac = true;
	return address_parse_mac(value, net->mac);
}

/* lint: table */
static const struct net_option {
	const char *name;
	net_setter *set;
	bool is_slirps; /* a named network has its own, from guscio network create */
} net_options[] = {{"mtu", set_mtu, true}, {"cidr", set_cidr, true}, {"cidr6", set_cidr6, true},
	{"ipv6", set_ipv6, true}, {"enable_ipv6", set_ipv6, true},
	{"host-loopback", set_host_loopback, true},
	{"allow_host_loopback", set_host_loopback, true}, {"outbound", set_outbound4, true},
	{"outbound_addr", set_outbound4, true}, {"outbound6", set_outbound6, true},
	{"outbound_addr6", set_outbound6, true}, {"ip", set_ip4, false}, {"ip6", set_ip6, false},
	{"mac", set_mac, false}, {"alias", NULL, false}};

static const struct net_option *find_option(const char *name, enum net_kind kind)
{
	for (size_t i = 0; i < sizeof(net_options) / sizeof(net_options[0]); i++)
		if (!strcmp(net_options[i].name, name))
			return kind == NET_NAMED && net_options[i].is_slirps ? NULL
									     : &net_options[i];
	return NULL;
}

static bool set_one(struct spec *spec, const char *word, struct err *e)
{
	size_t len = strcspn(word, "=");
	const char *name = arena_strndup(spec->arena, word, len);
	const struct net_option *option = find_option(name, spec->net.kind);
	if (!option) {
		err_what(e, ERR_USAGE, "network option '%s' is not known here", name);
		return err_hint(e, "%s",
			spec->net.kind == NET_NAMED
				? "a named network takes ip, ip6, mac and alias"
				: "mtu, cidr, cidr6, ipv6, host-loopback, outbound, outbound6, "
				  "ip, ip6, mac");
	}
	const char *value = word[len] ? word + len + 1 : "";
	if (!option->set)
		return spec_add_network_alias(spec, value, e);
	if (option->set(&spec->net, value))
		return true;
	err_what(e, ERR_USAGE, "network option '%s' cannot be '%s'", name, value);
	if (option->set == set_mtu)
		err_hint(e, "an MTU is %d to %d", NET_MTU_MIN, NET_MTU_MAX);
	return false;
}

static bool set_options(struct spec *spec, const char *text, struct err *e)
{
	while (*text) {
		size_t len = strcspn(text, ",");
		if (len && !set_one(spec, arena_strndup(spec->arena, text, len), e))
			return false;
		text += len + (text[len] == ',');
	}
	return true;
}

bool spec_set_network(struct spec *spec, const char *text, struct err *e)
{
	static const struct name_value words[] = {{"slirp", NET_SLIRP}, {"slirp4netns", NET_SLIRP},
		{"pasta", NET_SLIRP}, {"bridge", NET_SLIRP}, {"default", NET_SLIRP},
		{"private", NET_SLIRP}, {"none", NET_NONE}, {NULL, 0}};
	struct net_spec *net = &spec->net;
	if (!strcmp(text, "host") || text_starts(text, "container:") || text_starts(text, "ns:"))
		return spec_set_namespace(spec, NS_NET, "network", text, e);
	size_t len = strcspn(text, ":");
	const char *name = arena_strndup(spec->arena, text, len);
	const struct name_value *word = name_find(words, name);
	if (!word && !spec_is_name(name)) {
		err_what(e, ERR_USAGE, "--network '%s' is not known", text);
		return err_hint(e, "slirp, none, host, container:NAME, ns:/PATH, or a network of "
				   "guscio network create");
	}
	spec->namespaces[NS_NET] = (struct ns_spec){.mode = NS_PRIVATE};
	net->kind = word ? (enum net_kind)word->value : NET_NAMED;
	net->name = word ? NULL : name;
	/* "default" is what comes without the option: then a machine without tun is forgiven. */
	net->is_wanted = strcmp(name, "default") != 0;
	if (text[len] && net->kind == NET_NONE)
		return err_what(e, ERR_USAGE, "--network none takes no options");
	return set_options(spec, text[len] ? text + len + 1 : "", e);
}

bool spec_add_dns(struct spec *spec, const char *text, struct err *e)
{
	struct address ignored;
	if (strcmp(text, "none") && !address_parse(text, &ignored))
		return err_what(e, ERR_USAGE, "--dns '%s' is no address", text);
	strv_add(spec->arena, &spec->net.dns, text);
	return true;
}

bool spec_add_dns_search(struct spec *spec, const char *text, struct err *e)
{
	/* docker's "." means no search list at all. */
	if (strcmp(text, ".") && !is_domain(text))
		return err_what(e, ERR_USAGE, "--dns-search '%s' is no domain", text);
	strv_add(spec->arena, &spec->net.dns_search, text);
	return true;
}

bool spec_add_dns_option(struct spec *spec, const char *text, struct err *e)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-:");
	if (!len || text[len])
		return err_what(
			e, ERR_USAGE, "--dns-option '%s' is no option of resolv.conf", text);
	strv_add(spec->arena, &spec->net.dns_options, text);
	return true;
}

bool spec_set_ip(struct spec *spec, const char *text, struct err *e)
{
	return set_ip4(&spec->net, text) ||
	       err_what(e, ERR_USAGE, "--ip '%s' is no IPv4 address", text);
}

bool spec_set_ip6(struct spec *spec, const char *text, struct err *e)
{
	return set_ip6(&spec->net, text) ||
	       err_what(e, ERR_USAGE, "--ip6 '%s' is no IPv6 address", text);
}

bool spec_set_mac(struct spec *spec, const char *text, struct err *e)
{
	if (set_mac(&spec->net, text))
		return true;
	err_what(e, ERR_USAGE, "--mac-address '%s' is none a device can have", text);
	return err_hint(e, "six bytes like 02:42:ac:11:00:02; the first one even");
}

bool spec_add_network_alias(struct spec *spec, const char *text, struct err *e)
{
	if (!is_domain(text))
		return err_what(e, ERR_USAGE, "'%s' is no name in a network", text);
	strv_add(spec->arena, &spec->net.aliases, text);
	return true;
}

static const char *add_pair(struct arena *a, const char *text, const char *key, const char *value)
{
	return arena_printf(a, "%s%s%s=%s", text, strchr(text, ':') ? "," : ":", key, value);
}

static const char *net_text(struct arena *a, const struct address_net *net)
{
	char buf[ADDRESS_TEXT_SIZE];
	return arena_printf(a, "%s/%u", address_print(&net->address, buf), net->prefix);
}

const char *spec_network_text(const struct spec *spec)
{
	static const char *const words[] = {"slirp", "none"};
	const struct net_spec *net = &spec->net;
	struct arena *a = spec->arena;
	char buf[ADDRESS_TEXT_SIZE];
	const char *text = net->kind == NET_NAMED		       ? net->name
			   : net->kind == NET_SLIRP && !net->is_wanted ? "default"
								       : words[net->kind];
	if (net->mtu)
		text = add_pair(a, text, "mtu", arena_printf(a, "%u", net->mtu));
	if (net->net4.address.family)
		text = add_pair(a, text, "cidr", net_text(a, &net->net4));
	if (net->net6.address.family)
		text = add_pair(a, text, "cidr6", net_text(a, &net->net6));
	if (net->no_ipv6)
		text = add_pair(a, text, "ipv6", "false");
	if (net->host_loopback)
		text = add_pair(a, text, "host-loopback", "true");
	if (net->outbound4)
		text = add_pair(a, text, "outbound", net->outbound4);
	if (net->outbound6)
		text = add_pair(a, text, "outbound6", net->outbound6);
	if (net->ip4.family)
		text = add_pair(a, text, "ip", address_print(&net->ip4, buf));
	if (net->ip6.family)
		text = add_pair(a, text, "ip6", address_print(&net->ip6, buf));
	if (net->has_mac)
		text = add_pair(a, text, "mac",
			arena_printf(a, "%02x:%02x:%02x:%02x:%02x:%02x", net->mac[0], net->mac[1],
				net->mac[2], net->mac[3], net->mac[4], net->mac[5]));
	for (size_t i = 0; i < net->aliases.n; i++)
		text = add_pair(a, text, "alias", net->aliases.v[i]);
	return text;
}

/* Room for the network itself, gateway, resolver, the container, and broadcast. */
static bool check_room(const struct address_net *net, unsigned longest, struct err *e)
{
	char buf[ADDRESS_TEXT_SIZE];
	if (!net->address.family || (net->prefix <= longest && net->prefix >= 8))
		return true;
	err_what(e, ERR_USAGE, "network '%s/%u' has not the right size",
		address_print(&net->address, buf), net->prefix);
	return err_hint(e, "a prefix of 8 to %u", longest);
}

/* A name for this machine where nothing leads to it. */
static bool check_hosts(const struct spec *spec, bool is_own, struct err *e)
{
	for (size_t i = 0; i < spec->extra_hosts.n; i++)
		if (text_ends(spec->extra_hosts.v[i], ":host-gateway") && !is_own &&
			spec->namespaces[NS_NET].mode != NS_HOST)
			return err_what(e, ERR_USAGE,
				"--add-host '%s': from this network nothing leads to the host",
				spec->extra_hosts.v[i]);
	return true;
}

static bool check_dns(const struct net_spec *net, struct err *e)
{
	for (size_t i = 0; i < net->dns.n; i++)
		if (!strcmp(net->dns.v[i], "none") && net->dns.n > 1)
			return err_what(e, ERR_USAGE, "--dns none goes with no other --dns");
	return true;
}

bool spec_check_network(const struct spec *spec, struct err *e)
{
	const struct net_spec *net = &spec->net;
	bool is_own = spec->namespaces[NS_NET].mode == NS_PRIVATE && net->kind != NET_NONE;
	if (!is_own && (net->ip4.family || net->ip6.family || net->has_mac)) {
		err_what(e, ERR_USAGE, "an address needs a network of the container's own");
		return err_hint(e, "leave --ip, --ip6 and --mac-address out, or --network");
	}
	if (net->kind != NET_NAMED && net->aliases.n) {
		err_what(e, ERR_USAGE, "--network-alias needs a named network");
		return err_hint(e, "make one: guscio network create NAME");
	}
	if (net->no_ipv6 && (net->ip6.family || net->net6.address.family))
		return err_what(e, ERR_USAGE, "an IPv6 address goes not with ipv6=false");
	if (net->mtu && net->mtu < NET_MTU6_MIN && !net->no_ipv6) {
		err_what(e, ERR_USAGE, "an MTU of %u is too small for IPv6", net->mtu);
		return err_hint(e, "at least %d, or add ipv6=false", NET_MTU6_MIN);
	}
	/* libslirp takes only /64: its addresses are made so. */
	if (net->net6.address.family && net->net6.prefix != 64)
		return err_what(e, ERR_USAGE, "an IPv6 network must be a /64");
	return check_room(&net->net4, 28, e) && check_hosts(spec, is_own, e) && check_dns(net, e);
}
