/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - what guscio-net is told on its command line: KEY=VALUE words */
#ifndef NET_SETTINGS_H
#define NET_SETTINGS_H

#include "base/err.h"
#include "net/names.h"
#include "net/resolv_conf.h"

struct net_settings {
	uint32_t mtu;
	struct in_addr guest4, mask4, gateway4, dns4;
	bool has_v6;
	unsigned prefix6;
	struct in6_addr guest6, gateway6, dns6;
	bool is_host_loopback;
	union endpoint outbound4, outbound6; /* family 0: as the host routes */
	struct resolvers upstream;	     /* none: the host's resolv.conf is followed */
	struct names names;
	char title[64];
	uid_t uid;	  /* ours */
	unsigned files;	  /* descriptors that we may have */
	int control_fd;	  /* a listening socket for the members of a named network, or -1 */
	bool is_internal; /* nothing but the resolver can be reached, and that knows only names of
			     ours */
};

/*
 * settings_read() - the words of the command line
 * Errors: ERR_USAGE a key or value that is not known, or one that is missing.
 *         ERR_HOST an outbound interface without address.
 */
bool settings_read(char *const *words, struct net_settings *ret, struct err *e);

#endif
