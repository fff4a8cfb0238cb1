/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port_msg.h - a published port, as one line: what guscio and guscio-port tell each other
 *
 * "tcp 8080 80 127.0.0.1": protocol, port of the host, port of the container, address of the
 * host; "-" for a socket that has none. The same line is in the list that guscio-port gives.
 */
#ifndef WIRE_PORT_MSG_H
#define WIRE_PORT_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORT_LINE_SIZE	  80
#define PORT_ADDRESS_SIZE 46 /* INET6_ADDRSTRLEN */

struct port_line {
	int protocol; /* IPPROTO_TCP, IPPROTO_UDP [netinet/in.h] */
	uint16_t host_port;
	uint16_t container_port;
	char address[PORT_ADDRESS_SIZE]; /* "0.0.0.0", "::", "-" */
};

void port_line_write(const struct port_line *line, char buf[PORT_LINE_SIZE]);
/* The first line of @text; false when it is none. */
bool port_line_read(const char *text, struct port_line *ret);

const char *port_protocol_name(int protocol);

#endif
