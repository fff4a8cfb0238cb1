/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/filecaps.h"

#include <sys/capability.h>

static bool has(cap_t set, int cap)
{
	cap_flag_value_t permitted = CAP_CLEAR, effective = CAP_CLEAR;
	if (!set)
		return false;
	cap_get_flag(set, cap, CAP_PERMITTED, &permitted);
	cap_get_flag(set, cap, CAP_EFFECTIVE, &effective);
	cap_free(set);
	return permitted == CAP_SET && effective == CAP_SET;
}

bool filecaps_has(const char *path, int cap)
{
	return has(cap_get_file(path), cap);
}

bool filecaps_process_has(int cap)
{
	return has(cap_get_proc(), cap);
}
