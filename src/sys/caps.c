/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/caps.h"

#include <linux/capability.h>
#include <sys/capability.h>
#include <sys/prctl.h>

bool caps_limit_bounding(uint64_t keep, int last_cap, struct err *e)
{
	for (int cap = 0; cap <= last_cap; cap++)
		if (!(keep >> cap & 1) && cap_drop_bound(cap) < 0)
			return err_sys(e, "drop capability %d from the bounding set", cap);
	return true;
}

bool caps_keep_over_setuid(struct err *e)
{
	if (prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) < 0)
		return err_sys(e, "keep capabilities over setuid");
	return true;
}

bool caps_set(uint64_t permitted, uint64_t effective, uint64_t inheritable, struct err *e)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	for (int i = 0; i < 2; i++) {
		data[i].permitted = (uint32_t)(permitted >> (32 * i));
		data[i].effective = (uint32_t)(effective >> (32 * i));
		data[i].inheritable = (uint32_t)(inheritable >> (32 * i));
	}
	/* libcap's cap_set_proc() needs a heap object: here is the call below it. */
	if (capset(&header, data) < 0)
		return err_sys(e, "set capabilities");
	return true;
}

bool caps_raise_ambient(uint64_t set, int last_cap, struct err *e)
{
	for (int cap = 0; cap <= last_cap; cap++)
		if ((set >> cap & 1) && cap_set_ambient(cap, CAP_SET) < 0)
			return err_sys(e, "raise ambient capability %d", cap);
	return true;
}
