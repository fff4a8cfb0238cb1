/* SPDX-License-Identifier: Apache-2.0 */
/* listen_fds.h - socket activation: sockets that guscio was started with */
#ifndef CMD_LISTEN_FDS_H
#define CMD_LISTEN_FDS_H

#include "base/notes.h"
#include "spec/spec.h"

/*
 * listen_fds_settle() - which of them the program gets
 *
 * Those of LISTEN_FDS, when LISTEN_PID says that they are meant for this process, but for
 * those that --fd has taken for a port [sd_listen_fds(3)].
 * @stays: the container will be started again without them: it gets none, with a note
 */
bool listen_fds_settle(struct spec *spec, char *const *environment, bool stays, struct notes *notes,
	struct err *e);

#endif
