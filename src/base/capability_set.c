/* SPDX-License-Identifier: Apache-2.0 */
#include "base/capability_set.h"

#include <stddef.h>
#include <strings.h>

/* lint: table */
static const char *const names[CAPS_KNOWN + 1] = {"CAP_CHOWN", "CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
	"CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",
	"CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE",
	"CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN",
	"CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP",
	"CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE", NULL};

const char *capability_name(int cap)
{
	return cap >= 0 && cap < CAPS_KNOWN ? names[cap] : NULL;
}

bool capability_find(const char *name, int *ret)
{
	if (!strncasecmp(name, "cap_", 4))
		name += 4;
	for (int cap = 0; cap < CAPS_KNOWN; cap++) {
		if (strcasecmp(names[cap] + 4, name))
			continue;
		*ret = cap;
		return true;
	}
	return false;
}

const char *const *capability_names(void)
{
	return names;
}
