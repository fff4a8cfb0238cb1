/* SPDX-License-Identifier: Apache-2.0 */
/*
 * foreground.h - commands for containers of "guscio run" in somebody's foreground
 *
 * They have a starter that waits for them, and no record on disk: what a monitor or a
 * lock does for others is done through the starter here.
 */
#ifndef CMD_FOREGROUND_H
#define CMD_FOREGROUND_H

#include "cmd/container_command.h"

/* The stop signal, after a while SIGKILL, until its starter is gone too (life_stop()). */
bool foreground_stop(const struct container *c, uint64_t timeout_ms, struct err *e);

/* Until it has ended; its exit code as the starter says it. */
bool foreground_wait(
	const struct host *host, const struct container *c, int *ret_code, struct err *e);

bool foreground_rename(struct container_command *c, const struct container *record,
	const char *name, struct err *e);

/* "cannot WHAT container 'web': it runs in the foreground …"; always false. */
bool foreground_refuse(const struct container *c, const char *what, const char *why, struct err *e);

#endif
