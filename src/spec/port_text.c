/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/port_text.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <string.h>

#define PORT_MAX 65535
/* Each takes two listening sockets, and the check for overlaps looks at every pair. */
#define PUBLISHED_MAX 4096

struct range {
	uint16_t first, last;
};

/* "80" or "80-90", up to @end. */
static bool read_range(const char *text, size_t len, struct range *ret)
{
	char copy[16];
	uint64_t first, last;
	if (len == 0 || len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	char *dash = strchr(copy, '-');
	if (dash)
		*dash = '\0';
	if (!text_to_u64(copy, PORT_MAX, &first) ||
		!text_to_u64(dash ? dash + 1 : copy, PORT_MAX, &last) || !first || last < first)
		return false;
	*ret = (struct range){(uint16_t)first, (uint16_t)last};
	return true;
}

/* Splits "/udp" off; *ret_len is what stands before it. */
static bool read_protocol(const char *text, size_t *ret_len, enum port_protocol *ret, struct err *e)
{
	const char *slash = strchr(text, '/');
	*ret_len = slash ? (size_t)(slash - text) : strlen(text);
	*ret = PORT_TCP;
	if (!slash || !strcmp(slash + 1, "tcp"))
		return true;
	*ret = PORT_UDP;
	if (!strcmp(slash + 1, "udp"))
		return true;
	err_what(e, ERR_USAGE, "port '%s': protocol '%s' cannot be published", text, slash + 1);
	return err_hint(e, "tcp and udp can");
}

static bool refuse(const char *text, struct err *e)
{
	err_what(e, ERR_USAGE, "port '%s' is not [ADDRESS:][HOST:]CONTAINER[/PROTOCOL]", text);
	return err_hint(e, "8080:80, 127.0.0.1:8080:80, [::1]:8080:80, 53:53/udp, 8000-8009:80-89, "
			   "or 80 for any port of the host");
}

/* Takes "ADDRESS:" off the front; @ret NULL without one. */
static bool read_address(
	const char **text, size_t *len, struct arena *arena, const char **ret, struct err *e)
{
	const char *start = *text, *end = NULL;
	unsigned char bytes[sizeof(struct in6_addr)];
	int family = AF_INET;
	*ret = NULL;
	if (start[0] == '[') {
		family = AF_INET6;
		start++;
		end = memchr(start, ']', *len - 1);
		if (!end || (size_t)(end + 1 - *text) >= *len || end[1] != ':')
			return err_msg(e, ERR_USAGE, "']:' is missing after the address");
	} else {
		const char *first = memchr(start, ':', *len);
		size_t rest = first ? *len - (size_t)(first + 1 - start) : 0;
		if (!first || !memchr(first + 1, ':', rest))
			return true;
		end = first;
	}
	const char *address = arena_strndup(arena, start, (size_t)(end - start));
	if (inet_pton(family, address, bytes) != 1)
		return err_msg(e, ERR_USAGE, "'%s' is no address", address);
	const char *next = end + (family == AF_INET6 ? 2 : 1);
	*len -= (size_t)(next - *text);
	*text = next;
	*ret = address;
	return true;
}

bool port_from_text(const char *text, struct arena *arena, struct port_spec *ret, struct err *e)
{
	struct port_spec port = {.fd = -1};
	struct range host = {0, 0}, inside;
	const char *rest = text;
	size_t len;
	if (!read_protocol(text, &len, &port.protocol, e))
		return false;
	if (!read_address(&rest, &len, arena, &port.address, e))
		return refuse(text, e);
	const char *colon = memchr(rest, ':', len);
	size_t host_len = colon ? (size_t)(colon - rest) : 0;
	/* docker's other word for any. */
	bool is_any = host_len == 1 && rest[0] == '0';
	const char *last = colon ? colon + 1 : rest;
	if (!read_range(last, len - (size_t)(last - rest), &inside) ||
		(host_len && !is_any && !read_range(rest, host_len, &host)) ||
		(colon && !host_len && !port.address))
		return refuse(text, e);
	unsigned n = inside.last - inside.first + 1U, n_host = host.last - host.first + 1U;
	if (host.first && n > 1 && n_host != n)
		return err_what(e, ERR_USAGE, "port '%s': %u ports of the host for %u inside", text,
			n_host, n);
	port.host_port = host.first;
	port.host_last = host.last;
	port.container_port = inside.first;
	port.count = (uint16_t)n;
	*ret = port;
	return true;
}

bool port_exposed_from_text(const char *text, struct port_spec *ret, struct err *e)
{
	struct port_spec port = {.fd = -1};
	struct range inside;
	size_t len;
	if (!read_protocol(text, &len, &port.protocol, e))
		return false;
	if (!read_range(text, len, &inside))
		return err_what(e, ERR_USAGE, "port '%s' is not PORT[-LAST][/tcp|/udp]", text);
	port.container_port = inside.first;
	port.count = (uint16_t)(inside.last - inside.first + 1U);
	*ret = port;
	return true;
}

bool port_from_fd_text(const char *text, struct port_spec *ret, struct err *e)
{
	char before[32];
	struct port_spec port;
	uint64_t fd;
	size_t len = strcspn(text, "=");
	if (text[len] && len < sizeof(before)) {
		memcpy(before, text, len);
		before[len] = '\0';
		if (port_exposed_from_text(before, &port, e) && port.count == 1 &&
			text_to_u64(text + len + 1, INT16_MAX, &fd) && fd > 2) {
			port.fd = (int)fd;
			*ret = port;
			return true;
		}
	}
	err_what(e, ERR_USAGE, "--fd '%s' is not PORT[/PROTOCOL]=DESCRIPTOR", text);
	return err_hint(e, "80=3: the socket that is open as descriptor 3 leads to port 80 inside");
}

static const char *range_text(uint16_t first, uint16_t last, struct arena *arena)
{
	return last > first ? arena_printf(arena, "%u-%u", first, last)
			    : arena_printf(arena, "%u", first);
}

const char *port_to_text(const struct port_spec *port, struct arena *arena)
{
	const char *protocol = port->protocol == PORT_UDP ? "udp" : "tcp";
	const char *inside = range_text(
		port->container_port, (uint16_t)(port->container_port + port->count - 1), arena);
	if (port->fd >= 0)
		return arena_printf(arena, "%s/%s=%d", inside, protocol, port->fd);
	bool is_v6 = port->address && strchr(port->address, ':');
	const char *address = !port->address ? ""
			      : is_v6	     ? arena_printf(arena, "[%s]:", port->address)
					     : arena_printf(arena, "%s:", port->address);
	const char *host =
		port->host_port ? range_text(port->host_port, port->host_last, arena) : "";
	return arena_printf(arena, "%s%s%s%s/%s", address, host,
		port->host_port || port->address ? ":" : "", inside, protocol);
}

bool spec_add_port(struct spec *spec, const char *text, struct err *e)
{
	struct port_spec port;
	if (!port_from_text(text, spec->arena, &port, e))
		return false;
	*ARENA_APPEND(spec->arena, spec->ports, spec->n_ports) = port;
	return true;
}

bool spec_add_port_fd(struct spec *spec, const char *text, struct err *e)
{
	struct port_spec port;
	if (!port_from_fd_text(text, &port, e))
		return false;
	*ARENA_APPEND(spec->arena, spec->ports, spec->n_ports) = port;
	return true;
}

bool spec_add_exposed(struct spec *spec, const char *text, struct err *e)
{
	struct port_spec port;
	if (!port_exposed_from_text(text, &port, e))
		return false;
	*ARENA_APPEND(spec->arena, spec->exposed, spec->n_exposed) = port;
	return true;
}

static bool is_published(const struct spec *spec, enum port_protocol protocol, unsigned inside)
{
	for (size_t i = 0; i < spec->n_ports; i++) {
		const struct port_spec *p = &spec->ports[i];
		if (p->protocol == protocol && inside >= p->container_port &&
			inside < p->container_port + (unsigned)p->count)
			return true;
	}
	return false;
}

static bool publish_exposed(struct spec *spec, struct err *e)
{
	for (size_t i = 0; i < spec->n_exposed; i++) {
		const struct port_spec *all = &spec->exposed[i];
		for (unsigned n = 0; n < all->count; n++) {
			struct port_spec one = *all;
			one.container_port = (uint16_t)(all->container_port + n);
			one.count = 1;
			if (is_published(spec, one.protocol, one.container_port))
				continue;
			if (spec->n_ports >= PUBLISHED_MAX)
				return err_what(e, ERR_USAGE, "more than %d published ports",
					PUBLISHED_MAX);
			*ARENA_APPEND(spec->arena, spec->ports, spec->n_ports) = one;
		}
	}
	return true;
}

static bool share_an_address(const struct port_spec *a, const struct port_spec *b)
{
	static const char *const any[] = {"0.0.0.0", "::"};
	if (!a->address || !b->address || !strcmp(a->address, b->address))
		return true;
	if (!strchr(a->address, ':') != !strchr(b->address, ':'))
		return false;
	for (size_t i = 0; i < 2; i++)
		if (!strcmp(a->address, any[i]) || !strcmp(b->address, any[i]))
			return true;
	return false;
}

/* A choice among a range is settled when it is made: the taken ones are passed over. */
static bool is_choice(const struct port_spec *p)
{
	return !p->host_port || (p->count == 1 && p->host_last > p->host_port);
}

static bool check_overlap(const struct spec *spec, const struct port_spec *a,
	const struct port_spec *b, struct err *e)
{
	if (a->fd >= 0 && a->fd == b->fd)
		return err_what(e, ERR_USAGE, "descriptor %d cannot serve two ports", a->fd);
	if (a->fd >= 0 || b->fd >= 0 || a->protocol != b->protocol || is_choice(a) ||
		is_choice(b) || !share_an_address(a, b))
		return true;
	if (a->host_port >= b->host_port + (unsigned)b->count ||
		b->host_port >= a->host_port + (unsigned)a->count)
		return true;
	return err_what(e, ERR_USAGE, "ports '%s' and '%s' overlap on the host",
		port_to_text(a, spec->arena), port_to_text(b, spec->arena));
}

bool ports_settle(struct spec *spec, struct notes *notes, struct err *e)
{
	enum ns_mode mode = spec->namespaces[NS_NET].mode;
	size_t total = 0;
	if (spec->publish_all && mode == NS_PRIVATE && !publish_exposed(spec, e))
		return false;
	spec->publish_all = false;
	if (!spec->n_ports)
		return true;
	if (mode == NS_HOST) {
		notes_add(notes, "published ports mean nothing with the host's network: the "
				 "program's own ports are the host's");
		spec->n_ports = 0;
		return true;
	}
	if (mode != NS_PRIVATE) {
		err_what(e, ERR_USAGE, "ports cannot be published from a network that is joined");
		return err_hint(e, "publish them where the network belongs: with the other "
				   "container's -p, or guscio port --add");
	}
	for (size_t i = 0; i < spec->n_ports; i++)
		total += spec->ports[i].count;
	if (total > PUBLISHED_MAX)
		return err_what(e, ERR_USAGE, "%zu published ports, at most %d can be", total,
			PUBLISHED_MAX);
	for (size_t i = 0; i < spec->n_ports; i++)
		for (size_t j = 0; j < i; j++)
			if (!check_overlap(spec, &spec->ports[j], &spec->ports[i], e))
				return false;
	return true;
}
