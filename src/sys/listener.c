/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/listener.h"
#include "base/own.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define BACKLOG 4096

union any_address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage room;
};

static socklen_t fill(const struct listen_address *from, uint16_t port, union any_address *to)
{
	*to = (union any_address){0};
	to->sa.sa_family = (sa_family_t)from->family;
	if (from->family == AF_INET) {
		to->v4.sin_addr = from->ip.v4;
		to->v4.sin_port = htons(port);
		return sizeof(to->v4);
	}
	to->v6.sin6_addr = from->ip.v6;
	to->v6.sin6_port = htons(port);
	return sizeof(to->v6);
}

/* Why the kernel does not give this port: the cause, and in the end what to do. */
static const char *explain_cause(int sys)
{
	switch (sys) {
	case EADDRINUSE:
		return "another program has it";
	case EACCES:
	case EPERM:
		return "the kernel keeps low ports for root";
	case EADDRNOTAVAIL:
		return "the address is not of this machine";
	default:
		return NULL;
	}
}

static bool explain(
	const struct listen_address *address, int protocol, uint16_t port, struct err *e)
{
	char text[INET6_ADDRSTRLEN] = "";
	int sys = errno;
	bool is_v6 = address->family == AF_INET6;
	const char *cause = explain_cause(sys);
	inet_ntop(address->family, &address->ip, text, sizeof(text));
	if (cause)
		err_msg(e, ERR_HOST, "%s", cause);
	else
		err_sys(e, "bind");
	/* For the caller, who may have another port to try. */
	e->sys = cause ? 0 : sys;
	err_what(e, ERR_HOST, "cannot publish port %s%s%s:%u/%s", is_v6 ? "[" : "", text,
		is_v6 ? "]" : "", port, protocol == IPPROTO_UDP ? "udp" : "tcp");
	if (sys == EADDRINUSE)
		return err_hint(e, "ss -lpn 'sport = :%u' shows which one", port);
	if (sys == EACCES || sys == EPERM)
		return err_hint(e,
			"root can allow it: sysctl net.ipv4.ip_unprivileged_port_start=%u; "
			"or let systemd open it and hand it over: --fd %u=3",
			port, port);
	if (sys == EADDRNOTAVAIL)
		return err_hint(e, "ip address shows those that are");
	return false;
}

static bool open_socket(
	const struct listen_address *address, int protocol, int *ret_fd, struct err *e)
{
	bool is_tcp = protocol == IPPROTO_TCP;
	int on = 1;
	CLEAN(clean_fd)
	int fd = socket(address->family,
		(is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
		err_sys(e, "open a socket");
		err_what(e, ERR_HOST, "cannot publish so many ports");
		return err_hint(e, "each takes a descriptor or two: raise ulimit -n");
	}
	if (fd < 0)
		return err_sys(e, "open a socket");
	/* A port whose last connections are still fading may be opened again; UDP has none. */
	if ((is_tcp && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0) ||
		(address->family == AF_INET6 &&
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0))
		return err_sys(e, "prepare a socket");
	*ret_fd = TAKE_FD(fd);
	return true;
}

static uint16_t port_of(const union any_address *address)
{
	return ntohs(
		address->sa.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
}

bool listener_open(const struct listen_address *address, int protocol, uint16_t port, int *ret_fd,
	uint16_t *ret_port, int *ret_why, struct err *e)
{
	CLEAN(clean_fd) int fd = -1;
	union any_address sa;
	*ret_why = 0;
	if (!open_socket(address, protocol, &fd, e))
		return *ret_why = e->sys, false;
	socklen_t len = fill(address, port, &sa);
	if (bind(fd, &sa.sa, len) < 0 || (protocol == IPPROTO_TCP && listen(fd, BACKLOG) < 0))
		return *ret_why = errno, explain(address, protocol, port, e);
	len = sizeof(sa);
	if (getsockname(fd, &sa.sa, &len) < 0)
		return err_sys(e, "read a socket's port");
	*ret_port = port_of(&sa);
	*ret_fd = TAKE_FD(fd);
	return true;
}

static int int_option(int fd, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);
	return getsockopt(fd, SOL_SOCKET, option, &value, &len) < 0 ? -1 : value;
}

static bool check(
	int fd, bool is_tcp, struct listen_address *ret, uint16_t *ret_port, struct err *e)
{
	union any_address sa = {0};
	socklen_t len = sizeof(sa);
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_msg(e, ERR_USAGE, "it is not open");
	if (!S_ISSOCK(st.st_mode) || getsockname(fd, &sa.sa, &len) < 0)
		return err_msg(e, ERR_USAGE, "it is no socket");
	if (int_option(fd, SO_TYPE) != (is_tcp ? SOCK_STREAM : SOCK_DGRAM))
		return err_msg(e, ERR_USAGE, "it is no %s socket", is_tcp ? "stream" : "datagram");
	if (is_tcp && int_option(fd, SO_ACCEPTCONN) != 1)
		return err_msg(e, ERR_USAGE, "it does not listen");
	ret->family = sa.sa.sa_family;
	*ret_port = 0;
	if (ret->family == AF_INET)
		ret->ip.v4 = sa.v4.sin_addr;
	else if (ret->family == AF_INET6)
		ret->ip.v6 = sa.v6.sin6_addr;
	else if (ret->family != AF_UNIX || !is_tcp)
		return err_msg(e, ERR_USAGE, "its kind of address is none of IP");
	if (ret->family != AF_UNIX)
		*ret_port = port_of(&sa);
	return true;
}

bool listener_check(
	int fd, int protocol, struct listen_address *ret, uint16_t *ret_port, struct err *e)
{
	return check(fd, protocol == IPPROTO_TCP, ret, ret_port, e) ||
	       err_what(e, ERR_USAGE, "descriptor %d cannot serve a port", fd);
}
