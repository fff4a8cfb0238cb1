/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confinement.h - what guscio-net gives up before the first frame
 *
 * Of the host's files it keeps the directories of resolv.conf, to read; of the calls those
 * that move packets. It stays in the host's network namespace: that is its job.
 */
#ifndef NET_CONFINEMENT_H
#define NET_CONFINEMENT_H

#include "base/err.h"

/*
 * confinement_leave_session() - what the caller's terminal sends is not for us
 * @keep_fds: descriptors below it stay open
 * @ret_files: how many we may have from now on; unchanged where that is not known
 */
bool confinement_leave_session(int keep_fds, unsigned *ret_files, struct err *e);

/*
 * confinement_enter() - an empty root, no capabilities, no new privileges, Landlock, seccomp
 *
 * Where no user namespace can be made there is no root of our own: Landlock and seccomp
 * hold all the same.
 * Context: single-threaded; everything that needs other files is open.
 */
bool confinement_enter(struct err *e);

#endif
