/* SPDX-License-Identifier: Apache-2.0 */
/* system.h - staying with a container that is a whole system */
#ifndef APPLY_SYSTEM_H
#define APPLY_SYSTEM_H

#include "apply/proc.h"

/* What foreground() returns when the system has asked for a reboot: no program's status. */
#define SYSTEM_STATUS_REBOOT 512

/* Makes the socket on which the program says that it is ready, as @dir/notify. */
bool system_open_notify(const char *dir, int *ret_fd, struct err *e);

/* Takes one message, remembers "ready", and hands it on where the spec says so (wire/notify.h). */
void system_take_notify(const struct plan *plan, struct proc *proc);

/* The signal that pid 1 gets for one of ours: those that end a program end the system in order. */
int system_signal(const struct plan *plan, int sig);
/* Is this signal to us the wish that the system ends? */
bool system_signal_stops(const struct plan *plan, int sig);

/* reboot(2) in a PID namespace ends its pid 1 with SIGHUP for a restart, SIGINT for an end. */
int system_status(const struct plan *plan, int status);

/* A note when it ended before it was up. */
void system_report(
	const struct plan *plan, const struct proc *proc, int status, struct notes *notes);

#endif
