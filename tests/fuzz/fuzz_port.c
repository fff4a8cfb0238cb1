/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "spec/port_text.h"
#include "wire/port_msg.h"

#include <string.h>

/* What was read is written in a way that reads the same. */
static void read_again(const struct port_spec *port, struct arena *arena)
{
	struct port_spec again;
	struct err e = ERR_INIT;
	const char *text = port_to_text(port, arena);
	bool ok = port->fd >= 0 ? port_from_fd_text(text, &again, &e)
				: port_from_text(text, arena, &again, &e);
	if (!ok || again.container_port != port->container_port || again.count != port->count ||
		again.host_port != port->host_port || again.protocol != port->protocol)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct err e = ERR_INIT;
	struct port_spec port;
	struct port_line line;
	char again[PORT_LINE_SIZE];
	if (size < 1 || size > 4096 || !arena_init(&arena, &e))
		return 0;
	const char *text = arena_strndup(&arena, (const char *)data + 1, size - 1);
	if (data[0] % 4 == 0 && port_from_text(text, &arena, &port, &e))
		read_again(&port, &arena);
	if (data[0] % 4 == 1 && port_from_fd_text(text, &port, &e))
		read_again(&port, &arena);
	if (data[0] % 4 == 2)
		port_exposed_from_text(text, &port, &e);
	if (data[0] % 4 == 3 && port_line_read(text, &line)) {
		port_line_write(&line, again);
		if (!port_line_read(again, &line))
			__builtin_trap();
	}
	arena_done(&arena);
	return 0;
}
