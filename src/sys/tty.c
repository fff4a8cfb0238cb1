/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/tty.h"
#include "base/own.h"

#include <fcntl.h>
#include <stdlib.h>

bool tty_size(int fd, struct winsize *ret)
{
	return ioctl(fd, TIOCGWINSZ, ret) == 0;
}

bool tty_set_size(int fd, const struct winsize *size, struct err *e)
{
	if (ioctl(fd, TIOCSWINSZ, size) < 0)
		return err_sys(e, "set the size of the terminal");
	return true;
}

bool tty_make_raw(int fd, struct termios *ret_before, struct err *e)
{
	struct termios before, raw;
	if (tcgetattr(fd, &before) < 0)
		return err_sys(e, "read the terminal's mode");
	raw = before;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSADRAIN, &raw) < 0)
		return err_sys(e, "set the terminal to raw mode");
	*ret_before = before;
	return true;
}

void tty_restore(int fd, const struct termios *before)
{
	int saved = errno;
	tcsetattr(fd, TCSADRAIN, before);
	errno = saved;
}

bool tty_open_pair(
	int dev_fd, const char *ptmx, int *ret_master_fd, int *ret_slave_fd, struct err *e)
{
	CLEAN(clean_fd) int master_fd = openat(dev_fd, ptmx, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master_fd < 0)
		return err_sys(e, "open a terminal in the container's devpts");
	if (unlockpt(master_fd) < 0)
		return err_sys(e, "unlock the terminal");
	int slave_fd = ioctl(master_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave_fd < 0)
		return err_sys(e, "open the terminal's other side");
	*ret_master_fd = TAKE_FD(master_fd);
	*ret_slave_fd = slave_fd;
	return true;
}
