/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tap.h"
#include "base/own.h"

#include <fcntl.h>

bool tap_use(struct tap *tap, int take_fd, size_t mtu, struct err *e)
{
	tap->fd = take_fd;
	tap->mtu = mtu;
	int flags = fcntl(take_fd, F_GETFL);
	if (flags < 0 || fcntl(take_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_sys(e, "use the network device");
	return true;
}

const uint8_t *tap_read(struct tap *tap, size_t *ret_size)
{
	ssize_t got = read(tap->fd, tap->buffer, sizeof(tap->buffer));
	if (got <= 0)
		return NULL;
	*ret_size = (size_t)got;
	return tap->buffer;
}

void tap_write(const struct tap *tap, const void *frame, size_t size)
{
	while (write(tap->fd, frame, size) < 0 && errno == EINTR)
		;
}
