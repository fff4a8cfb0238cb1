/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/netif.h"
#include "base/own.h"

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

bool netif_up(const char *name, struct err *e)
{
	struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
	/* Any socket of this network will do [netdevice(7)]: the kind that is made fastest. */
	CLEAN(clean_fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, "open a socket");
	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return err_sys(e, "bring network interface '%s' up", name);
	return true;
}
