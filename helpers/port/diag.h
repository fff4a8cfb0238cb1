/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diag.h - the program's end of a connection that was reset [sock_diag(7)]
 *
 * A reset can get lost on its way into a socket that is busy. Elsewhere the kernel answers
 * whatever that socket sends next with another reset; for an address that is not its own it
 * does not, and the program would wait for many minutes.
 */
#ifndef PORT_DIAG_H
#define PORT_DIAG_H

#include "base/err.h"
#include "port/rules.h"

bool diag_open(int *ret_fd, struct err *e);

/*
 * diag_destroy() - end the connection from @peer to @guest, if it is still there
 * Does nothing on a kernel that cannot (without CONFIG_INET_DIAG_DESTROY).
 */
void diag_destroy(int diag_fd, const union peer *guest, const union peer *peer);

#endif
