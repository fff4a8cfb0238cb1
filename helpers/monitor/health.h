/* SPDX-License-Identifier: Apache-2.0 */
/* health.h - runs a check inside the container from time to time */
#ifndef MONITOR_HEALTH_H
#define MONITOR_HEALTH_H

#include "monitor/monitor.h"

/* Plans the first check, if the record asks for checks. */
void health_start(struct monitor *m);
/* When something is to be done next; 0: never. */
uint64_t health_deadline(const struct monitor *m);
/* Begins a check that is due, ends one that takes too long. */
void health_turn(struct monitor *m);
/* A child that is not the container has ended. */
void health_take_child(struct monitor *m, pid_t pid, int status);
void health_stop(struct monitor *m);

#endif
