/* SPDX-License-Identifier: Apache-2.0 */
/* relay.h - between the container's device and who takes its frames: TCP, libslirp, the resolver */
#ifndef NET_RELAY_H
#define NET_RELAY_H

#include "net/settings.h"

struct relay;

/* libslirp is made here, which opens files of its own: before the confinement. */
struct relay *relay_new(struct net_settings *settings, struct err *e);

bool relay_resolve(struct relay *relay, struct err *e);

bool relay_connect(struct relay *relay, int take_tap_fd, int take_pid_fd, struct err *e);

/*
 * relay_host() - for a named network instead of relay_connect(): containers come and go
 * @take_userns_fd, @take_netns_fd: the network's namespaces, kept and given to its members
 */
bool relay_host(
	struct relay *relay, int take_tap_fd, int take_userns_fd, int take_netns_fd, struct err *e);

/* Until the container, or the last one of the network, has ended, and what it said has gone out. */
void relay_run(struct relay *relay);

#endif
