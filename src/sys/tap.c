/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/tap.h"
#include "base/own.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

#define TUN_PATH "/dev/net/tun"

bool tap_is_usable(void)
{
	return faccessat(AT_FDCWD, TUN_PATH, R_OK | W_OK, AT_EACCESS) == 0;
}

bool tap_make(const char *name, int *ret_fd, struct err *e)
{
	/* A header before each frame lets both sides leave out checksums and large segments whole.
	 */
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	CLEAN(clean_fd) int fd = open(TUN_PATH, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		err_sys(e, "open '%s'", TUN_PATH);
		return err_hint(e, "sudo modprobe tun; sudo chmod 666 /dev/net/tun");
	}
	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	if (ioctl(fd, TUNSETIFF, &request) < 0 || ioctl(fd, TUNSETPERSIST, 1) < 0)
		return err_sys(e, "make network device '%s'", name);
	*ret_fd = TAKE_FD(fd);
	return true;
}
