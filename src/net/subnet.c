/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "net/lease.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

bool net_overlaps(const struct address_net *a, const struct address_net *b)
{
	return a->prefix <= b->prefix ? address_in(&b->address, a) : address_in(&a->address, b);
}

static bool is_free(const struct address_net *net, const struct address_net *taken, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (net_overlaps(net, &taken[i]))
			return false;
	return true;
}

bool net_choose_subnet(
	const struct address_net *taken, size_t n_taken, int family, struct address_net *ret)
{
	for (unsigned i = 0; i < 256; i++) {
		/* podman's pool, so that nobody is surprised; fd89::/16 is ours of the unique
		 * local. */
		struct address_net net = {{AF_INET, {10, 89, (uint8_t)i}}, 24};
		if (family == AF_INET6)
			net = (struct address_net){{AF_INET6, {0xfd, 0x89, [7] = (uint8_t)i}}, 64};
		if (is_free(&net, taken, n_taken)) {
			*ret = net;
			return true;
		}
	}
	return false;
}

struct address net_resolver(const struct address_net *subnet, const struct address *gateway)
{
	struct address second = address_nth(subnet, 2);
	return address_equal(&second, gateway) ? address_nth(subnet, 1) : second;
}

static bool to_address(const struct sockaddr *from, struct address *ret)
{
	if (!from)
		return false;
	*ret = (struct address){.family = from->sa_family};
	if (from->sa_family == AF_INET)
		memcpy(ret->bytes, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
	else if (from->sa_family == AF_INET6)
		memcpy(ret->bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr,
			16);
	else
		return false;
	return true;
}

static unsigned prefix_of(const struct address *mask)
{
	unsigned n = 0;
	while (n < address_size(mask) * 8 && (mask->bytes[n / 8] & (0x80u >> n % 8)))
		n++;
	return n;
}

bool net_host_networks(struct arena *arena, struct address_net **ret, size_t *ret_n, struct err *e)
{
	struct ifaddrs *list;
	struct address_net *found = NULL;
	size_t n = 0;
	if (getifaddrs(&list) < 0)
		return err_sys(e, "list the network devices");
	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		struct address_net net;
		struct address mask;
		if (!to_address(i->ifa_addr, &net.address) || !to_address(i->ifa_netmask, &mask))
			continue;
		net.prefix = prefix_of(&mask);
		*ARENA_APPEND(arena, found, n) = net;
	}
	freeifaddrs(list);
	*ret = found;
	*ret_n = n;
	return true;
}
