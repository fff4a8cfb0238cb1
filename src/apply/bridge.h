/* SPDX-License-Identifier: Apache-2.0 */
/* bridge.h - named networks: a place in one that runs, or is started for it */
#ifndef APPLY_BRIDGE_H
#define APPLY_BRIDGE_H

#include "host/host.h"
#include "net/lease.h"
#include "spec/spec.h"

/*
 * bridge_join() - a place for a container, in a network that is started when it does not run
 * @host:  with ranges and tun
 * @lease: made NET_LEASE_INIT; keep it until the container is bound to its place
 * Errors: ERR_STATE an address or name is taken; of every step of the network's start.
 */
bool bridge_join(const struct spec *spec, const struct host *host, const struct net_record *network,
	struct net_lease *lease, struct err *e);

#endif
