/* SPDX-License-Identifier: Apache-2.0 */
/* port_attach.h - guscio-port of a container that runs, started when there is none yet */
#ifndef APPLY_PORT_ATTACH_H
#define APPLY_PORT_ATTACH_H

#include "apply/ports.h"
#include "host/host.h"
#include "state/record.h"

struct port_service {
	struct state_record container;
	int control_fd; /* -1: nobody serves ports */
	bool was_lost;	/* somebody did, and is gone */
};

/*
 * port_service_open() - who serves the ports of a container
 * @name: its name or id
 * @start: start guscio-port when there is none; two that do so at once get one
 * Errors: ERR_STATE it does not run, or its network is not its own.
 */
bool port_service_open(const struct host *host, const char *name, bool start,
	struct port_service *ret, struct notes *notes, struct err *e);
/* Only a look, by the whole id: the control socket, or -1 when nobody serves ports. */
int port_service_peek(const struct host *host, const char *id);
void port_service_close(struct port_service *service);

#endif
