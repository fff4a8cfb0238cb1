/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/ports_shown.h"
#include "apply/port_attach.h"
#include "base/own.h"

#include <string.h>

bool ports_shown_read(int control_fd, struct arena *arena, struct ports_shown *ret, struct err *e)
{
	const char *text = "";
	if (control_fd >= 0 && !ports_list(control_fd, arena, &text, e))
		return err_what(e, e->kind, "cannot list the published ports");
	while (*text) {
		struct port_line line;
		if (port_line_read(text, &line))
			*ARENA_APPEND(arena, ret->v, ret->n) = line;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return true;
}

struct ports_shown ports_shown_of(const struct host *host, const char *id, struct arena *arena)
{
	struct ports_shown ports = {0};
	struct err ignored = ERR_INIT;
	CLEAN(clean_fd) int control_fd = port_service_peek(host, id);
	ports_shown_read(control_fd, arena, &ports, &ignored);
	return ports;
}

const char *ports_shown_host(const struct port_line *line, struct arena *arena)
{
	/* An inherited socket of another kind. */
	if (!strcmp(line->address, "-"))
		return "socket";
	return arena_printf(arena, strchr(line->address, ':') ? "[%s]:%u" : "%s:%u", line->address,
		line->host_port);
}

const char *ports_shown_text(const struct ports_shown *ports, struct arena *arena)
{
	const char *text = "";
	for (size_t i = 0; i < ports->n; i++)
		text = arena_printf(arena, "%s%s%s->%u/%s", text, i ? ", " : "",
			ports_shown_host(&ports->v[i], arena), ports->v[i].container_port,
			port_protocol_name(ports->v[i].protocol));
	return text;
}

json_t *ports_shown_json(const struct ports_shown *ports, struct arena *arena)
{
	json_t *object = json_object();
	for (size_t i = 0; i < ports->n; i++) {
		const struct port_line *line = &ports->v[i];
		const char *key = arena_printf(
			arena, "%u/%s", line->container_port, port_protocol_name(line->protocol));
		json_t *list = json_object_get(object, key);
		if (!list) {
			list = json_array();
			json_object_set_new(object, key, list);
		}
		json_array_append_new(
			list, json_pack("{s:s, s:s}", "HostIp",
				      strcmp(line->address, "-") ? line->address : "", "HostPort",
				      arena_printf(arena, "%u", line->host_port)));
	}
	return object;
}
