/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret.h - secrets of a container to come, and of one that stays
 *
 * A container that stays is given copies when it is made, in its own directory, as podman
 * does: it starts again with what it was made with, whatever becomes of the secret.
 */
#ifndef CMD_SECRET_H
#define CMD_SECRET_H

#include "cmd/run_options.h"
#include "host/host.h"

/* Reads what the spec asks for from the store. Errors: ERR_STATE there is no such secret. */
bool secrets_settle(struct invocation *to, const struct host *host, struct err *e);

/* Copies of what was read go into the directory of a container. */
bool secrets_keep(const struct invocation *to, int dir_fd, struct err *e);

/* Takes the copies away again. */
void secrets_forget(int dir_fd);

/* Reads the copies of a container that stays; to->spec is its document. */
bool secrets_load(struct invocation *to, const struct host *host, struct err *e);

#endif
