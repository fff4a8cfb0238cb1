/* SPDX-License-Identifier: Apache-2.0 */
/* port.c - "guscio port": published ports of a container that runs, shown and changed */
#include "apply/port_attach.h"
#include "base/own.h"
#include "cmd/commands.h"
#include "cmd/ports_shown.h"
#include "cmd/table.h"
#include "spec/port_text.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

struct invocation {
	struct arena arena;
	struct strv add, remove;
	const char *format;
};

static void clean_invocation(struct invocation *to)
{
	arena_done(&to->arena);
}

static bool set_add(struct invocation *to, const char *value, struct err *e)
{
	(void)e;
	strv_add(&to->arena, &to->add, value);
	return true;
}

static bool set_remove(struct invocation *to, const char *value, struct err *e)
{
	(void)e;
	strv_add(&to->arena, &to->remove, value);
	return true;
}

static bool set_port_format(struct invocation *to, const char *value, struct err *e)
{
	(void)e;
	to->format = strcmp(value, "table") ? value : NULL;
	return true;
}

static const struct option_def port_options[] = {
	{"add", 0, "HOST:PORT", "publish one more port", set_add},
	{"format", 0, "FORMAT", "json, or a template as {{.HostPort}}", set_port_format},
	{"rm", 0, "HOST:PORT", "no longer publish it", set_remove}, {0}};

/* Both families of one port, in one line each, as docker has it. */
static const char *line_text(const struct port_line *line, bool with_inside, struct arena *arena)
{
	if (!with_inside)
		return arena_printf(arena, "%s\n", ports_shown_host(line, arena));
	return arena_printf(arena, "%u/%s -> %s\n", line->container_port,
		port_protocol_name(line->protocol), ports_shown_host(line, arena));
}

/* Without a port of the host the spec means every one that leads to the container's. */
static bool is_meant(const struct port_line *line, const struct port_spec *port)
{
	unsigned host = line->host_port, inside = line->container_port;
	int protocol = port->protocol == PORT_UDP ? IPPROTO_UDP : IPPROTO_TCP;
	return line->protocol == protocol && inside >= port->container_port &&
	       inside < port->container_port + (unsigned)port->count &&
	       (!port->address || !strcmp(port->address, line->address)) &&
	       (!port->host_port || host - port->host_port == inside - port->container_port);
}

static bool remove_ports(
	struct invocation *to, const struct port_service *service, const char *name, struct err *e)
{
	struct ports_shown lines = {0};
	if (!ports_shown_read(service->control_fd, &to->arena, &lines, e))
		return false;
	for (size_t i = 0; i < to->remove.n; i++) {
		struct port_spec port;
		bool found = false;
		if (!port_from_text(to->remove.v[i], &to->arena, &port, e))
			return false;
		for (size_t j = 0; j < lines.n; j++) {
			if (!is_meant(&lines.v[j], &port))
				continue;
			found = true;
			if (!ports_remove(service->control_fd, &lines.v[j], e))
				return err_what(
					e, e->kind, "cannot remove port '%s'", to->remove.v[i]);
		}
		if (!found) {
			err_what(e, ERR_STATE, "container '%s' has not published '%s'", name,
				to->remove.v[i]);
			return err_hint(e, "guscio port %s shows what is", name);
		}
	}
	return true;
}

static bool add_ports(struct invocation *to, const struct port_service *service, struct err *e)
{
	const char *text = "";
	for (size_t i = 0; i < to->add.n; i++) {
		struct port_spec port;
		struct open_ports opened = {0};
		bool ok = port_from_text(to->add.v[i], &to->arena, &port, e) &&
			  ports_open(&port, &to->arena, &opened, e);
		for (size_t j = 0; ok && j < opened.n; j++) {
			ok = ports_add(service->control_fd, &opened.v[j], e) ||
			     err_what(e, e->kind, "cannot publish '%s'", to->add.v[i]);
			text = arena_printf(&to->arena, "%s%s", text,
				line_text(&opened.v[j].line, true, &to->arena));
		}
		ports_close(&opened);
		if (!ok)
			return false;
	}
	return print_out(text, e);
}

static json_t *as_rows(const struct ports_shown *lines)
{
	json_t *rows = json_array();
	for (size_t i = 0; i < lines->n; i++) {
		const struct port_line *line = &lines->v[i];
		json_array_append_new(rows,
			json_pack("{s:i, s:s, s:s, s:i}", "ContainerPort", line->container_port,
				"Protocol", port_protocol_name(line->protocol), "HostIp",
				strcmp(line->address, "-") ? line->address : "", "HostPort",
				line->host_port));
	}
	return rows;
}

static bool show(struct invocation *to, const struct port_service *service, const char *name,
	const char *wanted, struct err *e)
{
	struct ports_shown lines = {0}, meant = {0};
	struct port_spec port;
	const char *text = "";
	if (service->was_lost) {
		err_what(e, ERR_STATE, "the ports of container '%s' are no longer served", name);
		err_msg(e, ERR_STATE, "guscio-port was ended");
		return err_hint(e, "guscio port --add publishes them anew");
	}
	if (wanted && !port_exposed_from_text(wanted, &port, e))
		return false;
	if (!ports_shown_read(service->control_fd, &to->arena, &lines, e))
		return false;
	for (size_t i = 0; i < lines.n; i++)
		if (!wanted || is_meant(&lines.v[i], &port))
			*ARENA_APPEND(&to->arena, meant.v, meant.n) = lines.v[i];
	if (wanted && !meant.n)
		return err_what(
			e, ERR_STATE, "container '%s' has not published port '%s'", name, wanted);
	if (to->format) {
		json_t *rows = as_rows(&meant);
		bool ok = table_print(rows, NULL, to->format, true, &to->arena, e);
		json_decref(rows);
		return ok;
	}
	for (size_t i = 0; i < meant.n; i++)
		text = arena_printf(
			&to->arena, "%s%s", text, line_text(&meant.v[i], !wanted, &to->arena));
	return print_out(text, e);
}

static bool act(struct invocation *to, int argc, char **argv, struct notes *notes, struct err *e)
{
	struct host host;
	struct port_service service;
	bool changes = to->add.n || to->remove.n;
	if (argc < 1 || argc > (changes ? 1 : 2)) {
		err_what(e, ERR_USAGE, "guscio port %s",
			argc < 1 ? "needs a container" : "has too many arguments");
		return err_hint(e, "guscio port [--add PORT] [--rm PORT] CONTAINER [PORT]");
	}
	if (!host_probe(0, &to->arena, &host, e) ||
		!port_service_open(&host, argv[0], to->add.n > 0, &service, notes, e))
		return false;
	bool ok = true;
	if (to->remove.n)
		ok = remove_ports(to, &service, argv[0], e);
	if (ok && to->add.n)
		ok = add_ports(to, &service, e);
	if (ok && !changes)
		ok = show(to, &service, argv[0], argc > 1 ? argv[1] : NULL, e);
	port_service_close(&service);
	return ok;
}

static int run_port(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	CLEAN(clean_invocation) struct invocation to = {0};
	bool wants_help = false;
	if (!arena_init(&to.arena, e) ||
		!options_parse_mixed(self, &argc, argv, &to, &wants_help, e))
		return -1;
	if (wants_help)
		return print_out(options_help(self, &to.arena), e) ? 0 : -1;
	return act(&to, argc, argv, notes, e) ? 0 : -1;
}

const struct command command_port = {.name = "port",
	.arguments = "[OPTIONS] CONTAINER [PORT[/PROTOCOL]]",
	.summary = "Show and change the published ports of a container",
	.details = "",
	.options = port_options,
	.run = run_port};
