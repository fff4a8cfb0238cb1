/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adopt.h - another monitor for a container whose monitor was killed
 *
 * Whatever command meets such a container starts one. What it needs is there still: the
 * program's pipes, which the program itself keeps open at both ends (life_start.c), copied from
 * pid 1's descriptors and known by their inode numbers; the locks, which fell with the monitor; a
 * pidfd, which tells the end, and from Linux 6.15 on the exit code too. What is not: a terminal,
 * and the way to the program's input.
 */
#ifndef CMD_ADOPT_H
#define CMD_ADOPT_H

#include "cmd/container_command.h"

/* Of one that container_is_unwatched(): a note says what was done. *record becomes what it is now.
 */
void container_adopt(struct container_command *c, struct container *record);

#endif
