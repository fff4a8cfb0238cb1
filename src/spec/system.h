/* SPDX-License-Identifier: Apache-2.0 */
/* system.h - a whole system: its own init as pid 1, and what that counts on */
#ifndef SPEC_SYSTEM_H
#define SPEC_SYSTEM_H

#include "base/arena.h"

#include <stdint.h>

struct spec;

/* --systemd, and "guscio boot". */
enum system_wish {
	SYSTEM_AUTO, /* when the program is an init */
	SYSTEM_NEVER,
	SYSTEM_ALWAYS,
	SYSTEM_BOOT, /* and the program is the root's init, whatever its image says */
};

/* Where the container finds the socket that it says "ready" on, as in systemd-nspawn. */
#define SYSTEM_NOTIFY_PATH "/run/host/notify"

/* The same for other programs: /dev is in memory, so that nothing of it stays in the root. */
#define PROGRAM_NOTIFY_PATH "/dev/guscio-notify"

/* What is tried when /sbin/init is not there; NULL-ended. */
extern const char *const system_inits[];

/* Is it the path of an init? */
bool system_is_init(const char *program);

/*
 * spec_settle_system() - make the container a whole system, when that is wished
 *
 * Its own pid 1, a terminal as its console, /run and /tmp in memory, a writable cgroup, the
 * capabilities of systemd-nspawn over its own namespaces, and the words of the container
 * interface [systemd.io/CONTAINER_INTERFACE]. What the user has said stays.
 * Errors: ERR_USAGE for options that contradict it.
 */
bool spec_settle_system(struct spec *spec, struct err *e);

#endif
