/* SPDX-License-Identifier: Apache-2.0 */
/* logout.h - a container that is to live on when its user logs out */
#ifndef CMD_LOGOUT_H
#define CMD_LOGOUT_H

#include "cmd/run_options.h"
#include "host/host.h"

/* A note when --restart promises what a logout or a reboot ends. */
void logout_note(struct invocation *to);

/*
 * logout_leave_session() - out of the login session, where that would end us with it
 *
 * In the starter, before there is a container: all that comes after is in the scope that the
 * user's own systemd makes. Where it cannot be, a note says so.
 */
void logout_leave_session(struct invocation *to, const struct host *host);

#endif
