/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.h - places where a test has us killed
 *
 * GUSCIO_FAULT=PLACE kills the process that gets to that place, as kill -9 would: it can harm
 * nobody but who sets it. Tests then look whether what is left is consistent.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* @who and @place: "start" and "clone" for GUSCIO_FAULT=start:clone */
static inline void fault_point(const char *who, const char *place)
{
	const char *wanted = getenv("GUSCIO_FAULT");
	size_t n = strlen(who);
	if (wanted && !strncmp(wanted, who, n) && wanted[n] == ':' &&
		!strcmp(wanted + n + 1, place))
		kill(getpid(), SIGKILL);
}

#endif
