/* SPDX-License-Identifier: Apache-2.0 */
/* caps.h - capabilities of this process [capabilities(7)]; no allocation after clone */
#ifndef SYS_CAPS_H
#define SYS_CAPS_H

#include "base/err.h"

/* Takes everything that is not in @keep (bit N: capability N) out of the bounding set. */
bool caps_limit_bounding(uint64_t keep, int last_cap, struct err *e);

/* Keep permitted capabilities over the next change of uids (PR_SET_KEEPCAPS). */
bool caps_keep_over_setuid(struct err *e);

/* Sets permitted, effective and inheritable; permitted may only shrink. */
bool caps_set(uint64_t permitted, uint64_t effective, uint64_t inheritable, struct err *e);

/* Raises every capability of @set in the ambient set; it must be permitted and inheritable. */
bool caps_raise_ambient(uint64_t set, int last_cap, struct err *e);

#endif
