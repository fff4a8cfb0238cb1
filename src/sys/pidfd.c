/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/pidfd.h"

#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Its first version, of 64 bytes; Debian 12's headers do not have it [linux/pidfd.h]. */
struct info {
	uint64_t mask, cgroup_id;
	uint32_t pid, tgid, ppid, ids[8];
	int32_t exit_code;
};

#define INFO_EXIT (1u << 3)
#define GET_INFO  _IOWR(0xff, 11, struct info)

bool pidfd_exit_status(int pid_fd, int *ret_status)
{
	struct info info = {.mask = INFO_EXIT};
	if (ioctl(pid_fd, GET_INFO, &info) < 0 || !(info.mask & INFO_EXIT))
		return false;
	*ret_status = info.exit_code;
	return true;
}

int pidfd_copy(int pid_fd, int number)
{
	return (int)syscall(SYS_pidfd_getfd, pid_fd, number, 0U);
}
