/* SPDX-License-Identifier: Apache-2.0 */
/* netif.h - network interfaces of this namespace [netdevice(7)] */
#ifndef SYS_NETIF_H
#define SYS_NETIF_H

#include "base/err.h"

/* Brings an interface up; "lo" gets its addresses from the kernel by that. */
bool netif_up(const char *name, struct err *e);

#endif
