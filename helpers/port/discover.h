/* SPDX-License-Identifier: Apache-2.0 */
/* discover.h - addresses of the container, where nobody has told them */
#ifndef PORT_DISCOVER_H
#define PORT_DISCOVER_H

#include "port/rules.h"

/* The first address of a device that is not the loopback; the loopback's without one. */
void discover_guest(int family, union peer *ret);
/* The way out; false when there is none. */
bool discover_gateway(int family, union peer *ret);

#endif
