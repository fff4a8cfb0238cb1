/* SPDX-License-Identifier: Apache-2.0 */
/* capability_set.h - capability names and sets as bits [capabilities(7)] */
#ifndef BASE_CAPABILITY_SET_H
#define BASE_CAPABILITY_SET_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>

#define CAPS_BIT(cap) (1ull << (cap))

/* What docker gives a container. */
#define CAPS_DEFAULT                                                                               \
	(CAPS_BIT(CAP_CHOWN) | CAPS_BIT(CAP_DAC_OVERRIDE) | CAPS_BIT(CAP_FSETID) |                 \
		CAPS_BIT(CAP_FOWNER) | CAPS_BIT(CAP_MKNOD) | CAPS_BIT(CAP_NET_RAW) |               \
		CAPS_BIT(CAP_SETGID) | CAPS_BIT(CAP_SETUID) | CAPS_BIT(CAP_SETFCAP) |              \
		CAPS_BIT(CAP_SETPCAP) | CAPS_BIT(CAP_NET_BIND_SERVICE) |                           \
		CAPS_BIT(CAP_SYS_CHROOT) | CAPS_BIT(CAP_KILL) | CAPS_BIT(CAP_AUDIT_WRITE))

#define CAPS_KNOWN 41
#define CAPS_ALL   ((1ull << CAPS_KNOWN) - 1)

/* "CAP_NET_ADMIN" of a number, NULL when unknown. */
const char *capability_name(int cap);
/* Number of "net_admin", "CAP_NET_ADMIN", in any case; false when unknown. */
bool capability_find(const char *name, int *ret);
/* All names, NULL-ended, for hints. */
const char *const *capability_names(void);

#endif
