/* SPDX-License-Identifier: Apache-2.0 */
/* tty.h - terminals [ioctl_tty(2), termios(3)] */
#ifndef SYS_TTY_H
#define SYS_TTY_H

#include "base/err.h"

#include <sys/ioctl.h>
#include <termios.h>

/* The size of a terminal; false when @fd is none. */
bool tty_size(int fd, struct winsize *ret);
bool tty_set_size(int fd, const struct winsize *size, struct err *e);

/* Raw mode; @ret_before is what to restore. */
bool tty_make_raw(int fd, struct termios *ret_before, struct err *e);
/* Restores, also from a background process group (SIGTTOU must be blocked or ignored). */
void tty_restore(int fd, const struct termios *before);

/*
 * tty_open_pair() - a terminal from the devpts instance that @dev_fd/ptmx belongs to
 * The slave is opened through the master (TIOCGPTPEER): no path that somebody could
 * have replaced. Neither becomes a controlling terminal.
 */
bool tty_open_pair(
	int dev_fd, const char *ptmx, int *ret_master_fd, int *ret_slave_fd, struct err *e);

#endif
