/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/ports.h"
#include "base/own.h"
#include "sys/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* How often a port that the kernel chose for IPv4 may turn out to be taken for IPv6. */
#define CHOICES_MAX 16

struct request {
	int protocol;
	uint16_t host_port, container_port;
	bool is_inherited;
	int why; /* errno of the last refusal */
};

static void add(struct open_ports *to, struct arena *arena, const struct request *r,
	const struct listen_address *address, int fd)
{
	struct open_port *port = ARENA_APPEND(arena, to->v, to->n);
	port->fd = fd;
	port->is_inherited = r->is_inherited;
	port->line = (struct port_line){.protocol = r->protocol,
		.host_port = r->host_port,
		.container_port = r->container_port,
		.address = "-"};
	if (address->family != AF_UNIX)
		inet_ntop(address->family, &address->ip, port->line.address,
			sizeof(port->line.address));
}

static bool has_ipv6(void)
{
	return access("/proc/net/if_inet6", F_OK) == 0;
}

static bool open_one(struct request *r, const struct listen_address *address, struct arena *arena,
	struct open_ports *ret, struct err *e)
{
	int fd;
	if (!listener_open(address, r->protocol, r->host_port, &fd, &r->host_port, &r->why, e))
		return false;
	add(ret, arena, r, address, fd);
	return true;
}

/* Both families, one port. A host without IPv6 has the one. */
static bool open_both(struct request *r, struct arena *arena, struct open_ports *ret, struct err *e)
{
	const struct listen_address v4 = {.family = AF_INET}, v6 = {.family = AF_INET6};
	const uint16_t wanted = r->host_port;
	for (int i = 0; i < CHOICES_MAX; i++) {
		*e = (struct err)ERR_INIT;
		r->host_port = wanted;
		if (!open_one(r, &v4, arena, ret, e))
			return false;
		if (!has_ipv6() || open_one(r, &v6, arena, ret, e))
			return true;
		/* Switched off by a sysctl, or not compiled in. */
		if (r->why == EADDRNOTAVAIL || r->why == EAFNOSUPPORT) {
			*e = (struct err)ERR_INIT;
			return true;
		}
		if (wanted || r->why != EADDRINUSE)
			return false;
		clean_fd(&ret->v[--ret->n].fd);
	}
	return false;
}

static bool open_request(struct request *r, const char *text, struct arena *arena,
	struct open_ports *ret, struct err *e)
{
	struct listen_address address = {.family = AF_INET};
	if (!text)
		return open_both(r, arena, ret, e);
	if (inet_pton(AF_INET, text, &address.ip) != 1) {
		address.family = AF_INET6;
		if (inet_pton(AF_INET6, text, &address.ip) != 1)
			return err_what(e, ERR_USAGE, "'%s' is no address", text);
	}
	return open_one(r, &address, arena, ret, e);
}

/* The first free port of a range of the host. */
static bool open_choice(const struct port_spec *port, struct request r, struct arena *arena,
	struct open_ports *ret, struct err *e)
{
	for (unsigned host = port->host_port; host <= port->host_last; host++) {
		size_t before = ret->n;
		*e = (struct err)ERR_INIT;
		r.host_port = (uint16_t)host;
		if (open_request(&r, port->address, arena, ret, e))
			return true;
		while (ret->n > before)
			clean_fd(&ret->v[--ret->n].fd);
		if (r.why != EADDRINUSE)
			return false;
	}
	*e = (struct err)ERR_INIT;
	return err_what(e, ERR_HOST, "none of the ports %u to %u is free", port->host_port,
		port->host_last);
}

static bool open_inherited(const struct port_spec *port, struct request r, struct arena *arena,
	struct open_ports *ret, struct err *e)
{
	struct listen_address address;
	if (!listener_check(port->fd, r.protocol, &address, &r.host_port, e))
		return false;
	int fd = fcntl(port->fd, F_DUPFD_CLOEXEC, 3);
	/* Shared with whoever opened it, and so may the callers be: accept must never wait. */
	if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(e, "duplicate descriptor %d", port->fd);
	r.is_inherited = true;
	add(ret, arena, &r, &address, fd);
	return true;
}

/* Every socket needs a descriptor for the moment in which all are open here. */
static bool raise_limit(size_t n, struct err *e)
{
	struct rlimit files;
	const size_t reserve = 64;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= n + reserve)
		return true;
	if (files.rlim_max < n + reserve) {
		err_what(e, ERR_HOST, "%zu published ports need more descriptors than %llu", n / 2,
			(unsigned long long)files.rlim_max);
		return err_hint(e, "raise the hard limit of open files: ulimit -Hn");
	}
	files.rlim_cur = files.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &files) == 0 || err_sys(e, "raise the limit of open files");
}

static bool open_all(const struct port_spec *port, struct request *r, struct arena *arena,
	struct open_ports *ret, struct err *e)
{
	if (port->fd >= 0)
		return open_inherited(port, *r, arena, ret, e);
	if (port->count == 1 && port->host_last > port->host_port)
		return open_choice(port, *r, arena, ret, e);
	for (unsigned i = 0; i < port->count; i++) {
		r->host_port = (uint16_t)(port->host_port ? port->host_port + i : 0);
		r->container_port = (uint16_t)(port->container_port + i);
		if (!open_request(r, port->address, arena, ret, e))
			return false;
	}
	return true;
}

bool ports_open(
	const struct port_spec *port, struct arena *arena, struct open_ports *ret, struct err *e)
{
	struct request r = {.protocol = port->protocol == PORT_UDP ? IPPROTO_UDP : IPPROTO_TCP,
		.container_port = port->container_port};
	if (!raise_limit(ret->n + 2 * (size_t)port->count, e))
		return false;
	bool ok = open_all(port, &r, arena, ret, e);
	ret->why = ok ? 0 : r.why;
	return ok;
}

void ports_close(struct open_ports *ports)
{
	for (size_t i = 0; i < ports->n; i++)
		clean_fd(&ports->v[i].fd);
	ports->n = 0;
}
