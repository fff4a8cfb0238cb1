/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.h - the caller's terminal in raw mode, and back again whatever happens */
#ifndef APPLY_TERMINAL_H
#define APPLY_TERMINAL_H

#include "base/err.h"

#include <sys/types.h>
#include <termios.h>

struct held_terminal {
	bool is_raw;
	struct termios before;
	pid_t guard; /* gives the mode back should this process be killed */
	int guard_fd;
};

#define HELD_TERMINAL_INIT                                                                         \
	{                                                                                          \
		.guard_fd = -1                                                                     \
	}

/* Does nothing when standard input is no terminal. All signals are blocked. */
bool terminal_take(struct held_terminal *held, struct err *e);
void terminal_give_back(struct held_terminal *held);

#endif
