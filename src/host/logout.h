/* SPDX-License-Identifier: Apache-2.0 */
/* logout.h - what systemd does with a user's processes when the last session ends [logind.conf(5)]
 */
#ifndef HOST_LOGOUT_H
#define HOST_LOGOUT_H

#include "base/arena.h"

struct logout_facts {
	bool is_managed; /* systemd runs this machine */
	bool lingers;	 /* the user's own systemd runs from boot on, and past the last logout */
	bool in_session; /* this process is in a login session's scope */
	bool is_ended;	 /* … and such are ended with it: KillUserProcesses= */
};

/* @user: NULL when it is not known; @cgroup: this process's, NULL when unknown */
void logout_find(
	const char *user, const char *cgroup, struct arena *arena, struct logout_facts *ret);

/* The last KillUserProcesses= of a file of logind's; *ret stays when there is none. */
void logout_read_setting(char *text, bool *ret);

#endif
