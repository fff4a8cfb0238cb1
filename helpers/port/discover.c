/* SPDX-License-Identifier: Apache-2.0 */
#include "port/discover.h"
#include "base/own.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

static bool is_link_local(const union peer *p)
{
	return p->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&p->v6.sin6_addr);
}

void discover_guest(int family, union peer *ret)
{
	struct ifaddrs *all = NULL;
	*ret = (union peer){.sa.sa_family = (sa_family_t)family};
	if (family == AF_INET6)
		ret->v6.sin6_addr = in6addr_loopback;
	else
		ret->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		const union peer *p = (const union peer *)i->ifa_addr;
		if (!p || p->sa.sa_family != family || (i->ifa_flags & IFF_LOOPBACK) ||
			is_link_local(p))
			continue;
		memcpy(ret, p, family == AF_INET6 ? sizeof(p->v6) : sizeof(p->v4));
		break;
	}
	freeifaddrs(all);
}

/* Device, destination and gateway, as the kernel's own byte order writes them. */
static bool gateway4(const char *line, union peer *ret)
{
	unsigned destination, gateway;
	if (sscanf(line, "%*s %8x %8x", &destination, &gateway) != 2 || destination || !gateway)
		return false;
	ret->v4.sin_addr.s_addr = gateway;
	return true;
}

/* Destination, its prefix, source, its prefix, gateway: 32 hexadecimal digits an address. */
static bool gateway6(const char *line, union peer *ret)
{
	char destination[33], gateway[33];
	unsigned prefix;
	if (sscanf(line, "%32[0-9a-f] %2x %*s %*s %32[0-9a-f]", destination, &prefix, gateway) !=
			3 ||
		prefix || strspn(destination, "0") != 32 || strspn(gateway, "0") == 32)
		return false;
	for (size_t i = 0; i < 16; i++) {
		unsigned byte;
		sscanf(gateway + 2 * i, "%2x", &byte);
		ret->v6.sin6_addr.s6_addr[i] = (uint8_t)byte;
	}
	return !is_link_local(ret);
}

bool discover_gateway(int family, union peer *ret)
{
	char line[512];
	/* That of the reader's network namespace, whoever mounted it. */
	CLEAN(clean_file)
	FILE *f = fopen(family == AF_INET6 ? "/proc/net/ipv6_route" : "/proc/net/route", "re");
	union peer found = {.sa.sa_family = (sa_family_t)family};
	while (f && fgets(line, sizeof(line), f))
		if (family == AF_INET6 ? gateway6(line, &found) : gateway4(line, &found)) {
			*ret = found;
			return true;
		}
	return false;
}
