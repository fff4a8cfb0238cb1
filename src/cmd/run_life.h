/* SPDX-License-Identifier: Apache-2.0 */
/* run_life.h - what "guscio run" and "guscio create" need of containers that stay */
#ifndef CMD_RUN_LIFE_H
#define CMD_RUN_LIFE_H

#include "cmd/life.h"

/*
 * life_run() - make it, and unless it is only to be made start it
 * @to: frozen, with its tarball unpacked
 * Returns the exit status, -1 with @e filled.
 */
int life_run(struct invocation *to, const struct host *host, struct err *e);

/* A name that a container on disk has is not for one in the foreground. */
bool life_check_name(const struct invocation *to, const struct host *host, struct err *e);

/* --cidfile, --pidfile. Errors: ERR_USAGE it exists, or cannot be written. */
bool life_write_cidfile(const struct invocation *to, struct err *e);
bool life_write_pidfile(const struct invocation *to, pid_t pid, struct err *e);

#endif
