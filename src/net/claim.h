/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claim.h - a named network runs once, whatever became of its runtime directory
 *
 * The helper holds a lock on <data_dir>/networks/.<name>.<boot id> as long as it lives; in the file
 * is its process number. A logout without lingering takes runtime directories away, and not every
 * session has the same one: the data directory stays. Machines that share it have boots of their
 * own.
 */
#ifndef NET_CLAIM_H
#define NET_CLAIM_H

#include "base/err.h"

#include <sys/types.h>

/*
 * net_claim() - nobody else runs this network
 * @ret_fd: locked as long as it, or a copy in another process, is open
 * Errors: ERR_STATE somebody does, with a hint who. One that is just about to end is waited for.
 */
bool net_claim(const char *data_dir, const char *name, int *ret_fd, struct err *e);

/* Who has it from now on. */
void net_claim_sign(int fd, pid_t helper);

/* The network is removed: so is the file. */
void net_claim_remove(int take_fd, const char *data_dir, const char *name);

#endif
