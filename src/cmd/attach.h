/* SPDX-License-Identifier: Apache-2.0 */
/* attach.h - the caller's terminal or pipes, connected to a container that a monitor holds */
#ifndef CMD_ATTACH_H
#define CMD_ATTACH_H

#include "base/err.h"
#include "host/host.h"

struct attachment {
	int fd; /* connection to the monitor; borrowed */
	bool has_terminal, has_input, proxies_signals;
	const char *detach_keys; /* NULL: ctrl-p,ctrl-q */
};

/*
 * attach_stay() - until the container ends or the user leaves it
 * @ret_status: the container's exit code; 0 when it was left
 */
bool attach_stay(const struct attachment *a, const struct host *host, const char *id,
	int *ret_status, struct err *e);

#endif
