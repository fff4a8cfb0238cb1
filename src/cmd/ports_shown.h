/* SPDX-License-Identifier: Apache-2.0 */
/* ports_shown.h - published ports of containers, as docker's commands print them */
#ifndef CMD_PORTS_SHOWN_H
#define CMD_PORTS_SHOWN_H

#include "host/host.h"
#include "wire/port_msg.h"

#include <jansson.h>

struct ports_shown {
	struct port_line *v; /* in the arena */
	size_t n;
};

/*
 * ports_shown_read() - what guscio-port serves at this moment
 * @control_fd: to it; -1: nobody serves anything
 */
bool ports_shown_read(int control_fd, struct arena *arena, struct ports_shown *ret, struct err *e);

/* The same of a container that runs, by its whole id; none when nobody answers. */
struct ports_shown ports_shown_of(const struct host *host, const char *id, struct arena *arena);

/* "127.0.0.1:8080", "[::]:8080" */
const char *ports_shown_host(const struct port_line *line, struct arena *arena);
/* "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp", as in docker ps */
const char *ports_shown_text(const struct ports_shown *ports, struct arena *arena);
/* {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}, as in docker inspect */
json_t *ports_shown_json(const struct ports_shown *ports, struct arena *arena);

#endif
