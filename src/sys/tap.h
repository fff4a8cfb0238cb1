/* SPDX-License-Identifier: Apache-2.0 */
/* tap.h - a network device whose other end is a descriptor [kernel: networking/tuntap.rst] */
#ifndef SYS_TAP_H
#define SYS_TAP_H

#include "base/err.h"

/*
 * tap_make() - an Ethernet device in the namespace we are in
 * It stays when its descriptor closes, without carrier: whoever uses it then sees a link
 * that is down instead of an address that is gone. It ends with its namespace.
 * Errors: with a hint where /dev/net/tun cannot be used.
 */
bool tap_make(const char *name, int *ret_fd, struct err *e);

/* Can it be opened at all? No more than that: a device is made only in a new namespace. */
bool tap_is_usable(void);

#endif
