/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/port_msg.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

const char *port_protocol_name(int protocol)
{
	return protocol == IPPROTO_UDP ? "udp" : "tcp";
}

void port_line_write(const struct port_line *line, char buf[PORT_LINE_SIZE])
{
	snprintf(buf, PORT_LINE_SIZE, "%s %u %u %s", port_protocol_name(line->protocol),
		line->host_port, line->container_port, line->address);
}

static bool is_address(const char *text)
{
	unsigned char ignored[sizeof(struct in6_addr)];
	return !strcmp(text, "-") || inet_pton(AF_INET, text, ignored) == 1 ||
	       inet_pton(AF_INET6, text, ignored) == 1;
}

bool port_line_read(const char *text, struct port_line *ret)
{
	struct port_line line = {0};
	char protocol[4];
	unsigned host_port, container_port;
	if (sscanf(text, "%3[a-z] %5u %5u %45[0-9a-fA-F.:-]", protocol, &host_port, &container_port,
		    line.address) != 4)
		return false;
	if (!strcmp(protocol, "tcp"))
		line.protocol = IPPROTO_TCP;
	else if (!strcmp(protocol, "udp"))
		line.protocol = IPPROTO_UDP;
	if (!line.protocol || host_port > UINT16_MAX || !container_port ||
		container_port > UINT16_MAX || !is_address(line.address))
		return false;
	line.host_port = (uint16_t)host_port;
	line.container_port = (uint16_t)container_port;
	*ret = line;
	return true;
}
