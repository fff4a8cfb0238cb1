/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine.h - what a helper that reads an attacker's bytes gives up first
 *
 * Each step is one kernel mechanism, and each holds alone: no new privileges, no core
 * file, Landlock over the file system where the kernel has it, seccomp over the calls.
 */
#ifndef CONFINE_CONFINE_H
#define CONFINE_CONFINE_H

#include "base/err.h"

#include <stddef.h>

/* no_new_privs, not dumpable, no core file. */
bool confine_process(struct err *e);

/*
 * confine_files() - from now on only these directories [landlock(7)]
 * @readable:  NULL-ended; what is missing is left out
 * @writable_fd: a directory that stays usable in every way, or -1
 * A kernel without Landlock is no error: *ret_applied says it.
 */
bool confine_files(const char *const *readable, int writable_fd, bool *ret_applied, struct err *e);

/* Only these system calls (NULL-ended names); any other one fails with EPERM. */
bool confine_calls_allow(const char *const *names, struct err *e);

/* The same, and socket(2) for IPv4 and IPv6: none through which another program is reached. */
bool confine_calls_allow_inet(const char *const *names, struct err *e);

/* Every call but these; they fail with EPERM. */
bool confine_calls_deny(const char *const *names, struct err *e);

extern const char *const confine_unpack_calls[];       /* to be allowed */
extern const char *const confine_net_calls[];	       /* to be allowed */
extern const char *const confine_fetch_denied_calls[]; /* to be denied */

#endif
