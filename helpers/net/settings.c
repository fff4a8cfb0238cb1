/* SPDX-License-Identifier: Apache-2.0 */
#include "net/settings.h"
#include "base/own.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#define MTU_MIN	 68
#define MTU6_MIN 1280
#define MTU_MAX	 65521 /* libslirp's */

static bool read_v4(const char *value, struct in_addr *ret)
{
	return inet_pton(AF_INET, value, ret) == 1;
}

static bool read_v6(const char *value, struct in6_addr *ret)
{
	return inet_pton(AF_INET6, value, ret) == 1;
}

/* Cuts ADDRESS/PREFIX in two. */
static bool read_prefix(char *value, unsigned max, unsigned *ret)
{
	uint64_t prefix;
	char *slash = strchr(value, '/');
	if (!slash || !text_to_u64(slash + 1, max, &prefix))
		return false;
	*slash = '\0';
	*ret = (unsigned)prefix;
	return true;
}

static bool read_guest4(char *value, struct net_settings *ret)
{
	unsigned prefix;
	if (!read_prefix(value, 30, &prefix) || prefix == 0 || !read_v4(value, &ret->guest4))
		return false;
	ret->mask4.s_addr = htonl(UINT32_MAX << (32 - prefix));
	return true;
}

static bool read_guest6(char *value, struct net_settings *ret)
{
	ret->has_v6 = true;
	return read_prefix(value, 126, &ret->prefix6) && read_v6(value, &ret->guest6);
}

/* An interface's first address of a family that is of use in the wide world. */
static bool address_of_interface(const char *name, int family, union endpoint *ret)
{
	struct ifaddrs *all;
	bool found = false;
	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
		if (!i->ifa_addr || i->ifa_addr->sa_family != family || strcmp(i->ifa_name, name))
			continue;
		union endpoint at = {0};
		memcpy(&at, i->ifa_addr, family == AF_INET ? sizeof(at.v4) : sizeof(at.v6));
		if (family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&at.v6.sin6_addr))
			continue;
		*ret = at;
		found = true;
	}
	freeifaddrs(all);
	return found;
}

static bool read_outbound(const char *value, int family, union endpoint *ret, struct err *e)
{
	union endpoint at;
	if (endpoint_parse(value, 0, &at) && at.any.sa_family == family) {
		*ret = at;
		return true;
	}
	if (if_nametoindex(value) == 0)
		return err_msg(e, ERR_USAGE, "'%s' is no %s address and no interface", value,
			family == AF_INET ? "IPv4" : "IPv6");
	if (!address_of_interface(value, family, ret))
		return err_msg(e, ERR_HOST, "interface '%s' has no %s address", value,
			family == AF_INET ? "IPv4" : "IPv6");
	ret->any.sa_family = (sa_family_t)family;
	return true;
}

/* ADDRESS or ADDRESS#PORT. */
static bool read_upstream(char *value, struct resolvers *ret)
{
	uint64_t port = 53;
	char *hash = strchr(value, '#');
	if (hash && (!text_to_u64(hash + 1, 65535, &port) || port == 0))
		return false;
	if (hash)
		*hash = '\0';
	return ret->n < RESOLVERS_MAX && endpoint_parse(value, (uint16_t)port, &ret->at[ret->n++]);
}

static bool read_host_name(char *value, struct names *names, struct err *e)
{
	union endpoint at;
	char *colon = strchr(value, ':');
	if (!colon)
		return err_msg(e, ERR_USAGE, "'%s' is not NAME:ADDRESS", value);
	*colon = '\0';
	if (!endpoint_parse(colon + 1, 0, &at))
		return err_msg(e, ERR_USAGE, "'%s' is no address", colon + 1);
	return names_add(names, value, &at, 0, e);
}

static bool read_number(const char *value, uint64_t max, uint64_t *ret)
{
	return text_to_u64(value, max, ret);
}

static bool read_plain(const char *key, char *value, struct net_settings *ret)
{
	uint64_t number = 0;
	if (!strcmp(key, "guest4"))
		return read_guest4(value, ret);
	if (!strcmp(key, "gateway4"))
		return read_v4(value, &ret->gateway4);
	if (!strcmp(key, "dns4"))
		return read_v4(value, &ret->dns4);
	if (!strcmp(key, "guest6"))
		return read_guest6(value, ret);
	if (!strcmp(key, "gateway6"))
		return read_v6(value, &ret->gateway6);
	if (!strcmp(key, "dns6"))
		return read_v6(value, &ret->dns6);
	if (!strcmp(key, "upstream"))
		return read_upstream(value, &ret->upstream);
	if (!strcmp(key, "title"))
		return text_fit(ret->title, sizeof(ret->title), value), true;
	bool ok = false;
	if (!strcmp(key, "mtu")) {
		ok = read_number(value, MTU_MAX, &number) && number >= MTU_MIN;
		ret->mtu = (uint32_t)number;
	} else if (!strcmp(key, "host-loopback")) {
		ok = read_number(value, 1, &number);
		ret->is_host_loopback = number;
	} else if (!strcmp(key, "internal")) {
		ok = read_number(value, 1, &number);
		ret->is_internal = number;
	} else if (!strcmp(key, "control")) {
		ok = read_number(value, 4, &number) && number == 4;
		ret->control_fd = (int)number;
	}
	return ok;
}

static bool read_word(const char *word, struct net_settings *ret, struct err *e)
{
	CLEAN(clean_free) char *key = strdup(word);
	char *value = key ? strchr(key, '=') : NULL;
	if (!value)
		return err_msg(e, ERR_USAGE, "'%s' is not KEY=VALUE", word);
	*value++ = '\0';
	if (!strcmp(key, "outbound4"))
		return read_outbound(value, AF_INET, &ret->outbound4, e);
	if (!strcmp(key, "outbound6"))
		return read_outbound(value, AF_INET6, &ret->outbound6, e);
	if (!strcmp(key, "host-name"))
		return read_host_name(value, &ret->names, e);
	return read_plain(key, value, ret) ||
	       err_msg(e, ERR_USAGE, "a key or value that is not known: '%s'", word);
}

static bool is_in_network4(const struct net_settings *s, struct in_addr address)
{
	return (address.s_addr & s->mask4.s_addr) == (s->guest4.s_addr & s->mask4.s_addr);
}

static bool check(const struct net_settings *s, struct err *e)
{
	if (!s->mtu || !s->guest4.s_addr || !is_in_network4(s, s->gateway4) ||
		!is_in_network4(s, s->dns4))
		return err_msg(
			e, ERR_USAGE, "mtu, guest4, gateway4 and dns4 in one network are needed");
	if (s->has_v6 &&
		(IN6_IS_ADDR_UNSPECIFIED(&s->gateway6) || IN6_IS_ADDR_UNSPECIFIED(&s->dns6)))
		return err_msg(e, ERR_USAGE, "guest6 needs gateway6 and dns6");
	if (s->has_v6 && s->mtu < MTU6_MIN)
		return err_msg(e, ERR_USAGE, "IPv6 needs an MTU of %d at least", MTU6_MIN);
	return true;
}

bool settings_read(char *const *words, struct net_settings *ret, struct err *e)
{
	*ret = (struct net_settings){.control_fd = -1, .uid = getuid(), .files = 1024};
	for (; *words; words++)
		if (!read_word(*words, ret, e))
			return false;
	return check(ret, e);
}
