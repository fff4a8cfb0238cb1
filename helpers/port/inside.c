/* SPDX-License-Identifier: Apache-2.0 */
#include "port/inside.h"
#include "base/own.h"
#include "port/diag.h"
#include "port/discover.h"
#include "sys/netif.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

bool inside_enter(int user_fd, int net_fd, struct err *e)
{
	/* The user namespace gives the right to enter what it owns. */
	if (setns(user_fd, CLONE_NEWUSER) < 0 || setns(net_fd, CLONE_NEWNET) < 0)
		return err_sys(e, "enter the container's network");
	return true;
}

const struct inside_family *inside_family(const struct inside *in, int family)
{
	return family == AF_INET6 ? &in->v6 : &in->v4;
}

static socklen_t size_of(const union peer *p)
{
	return p->sa.sa_family == AF_INET6 ? sizeof(p->v6) : sizeof(p->v4);
}

static void set_port(union peer *p, uint16_t port)
{
	if (p->sa.sa_family == AF_INET6)
		p->v6.sin6_port = htons(port);
	else
		p->v4.sin_port = htons(port);
}

/* /proc/sys/net is that of the reader's network namespace, whoever mounted it. */
static bool set_sysctl(const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	CLEAN(clean_fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, "1", 1) == 1;
}

static bool can_be_foreign(int family)
{
	int on = 1;
	CLEAN(clean_fd) int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd >= 0 && setsockopt(fd, family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP,
				  family == AF_INET6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, &on,
				  sizeof(on)) == 0;
}

static void prepare_family(const struct inside *in, struct inside_family *f, int family)
{
	struct err ignored;
	CLEAN(clean_fd) int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	f->is_there = fd >= 0 && f->guest.sa.sa_family == family;
	if (!f->is_there)
		return;
	f->lacks_source = family == AF_INET;
	f->is_transparent = can_be_foreign(family) &&
			    rules_route(in->rules_fd, family, NULL, &ignored) &&
			    rules_mark(in->rules_fd, family, &ignored);
	f->has_marks =
		set_sysctl("ipv4/tcp_fwmark_accept") &&
		set_sysctl(family == AF_INET6 ? "ipv6/fwmark_reflect" : "ipv4/fwmark_reflect");
}

static bool parse(const char *text, int family, union peer *ret)
{
	*ret = (union peer){0};
	void *bytes = family == AF_INET6 ? (void *)&ret->v6.sin6_addr : (void *)&ret->v4.sin_addr;
	if (inet_pton(family, text, bytes) != 1)
		return false;
	ret->sa.sa_family = (sa_family_t)family;
	return true;
}

static void set_family(struct inside_family *f, int family, const char *guest, const char *gateway)
{
	bool is_unknown = !strcmp(guest, "-");
	if (is_unknown)
		discover_guest(family, &f->guest);
	else
		parse(guest, family, &f->guest);
	if (!parse(gateway, family, &f->gateway) &&
		!(is_unknown && discover_gateway(family, &f->gateway)))
		parse(family == AF_INET6 ? "fd00::2" : "10.0.2.2", family, &f->gateway);
}

static bool is_loopback(const union peer *p)
{
	if (p->sa.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&p->v6.sin6_addr);
	return (ntohl(p->v4.sin_addr.s_addr) >> 24) == IN_LOOPBACKNET;
}

bool inside_prepare(struct inside *in, const char *guest4, const char *guest6, const char *gateway4,
	const char *gateway6, char *ret_note, size_t note_size, struct err *e)
{
	ret_note[0] = '\0';
	/* The container brings it up too, but not in step with us. */
	if (!netif_up("lo", e) || !rules_open(&in->rules_fd, e) || !diag_open(&in->diag_fd, e))
		return false;
	set_family(&in->v4, AF_INET, guest4, gateway4);
	set_family(&in->v6, AF_INET6, guest6, gateway6);
	prepare_family(in, &in->v4, AF_INET);
	prepare_family(in, &in->v6, AF_INET6);
	/* With its own loopback for an address every peer would look like one of its own. */
	if (!in->v6.is_transparent && is_loopback(&in->v6.guest))
		in->v6.is_there = false;
	if (in->v4.is_transparent)
		return true;
	if (is_loopback(&in->v4.guest)) {
		err_msg(e, ERR_HOST, "the kernel has no policy routing");
		return err_hint(e, "without it ports can be published with --network=slirp only");
	}
	snprintf(ret_note, note_size,
		"the kernel has no policy routing: the program sees the container's own address "
		"in place of its peers'");
	return true;
}

void peer_unmap(union peer *p)
{
	struct in_addr v4;
	uint16_t port = p->v6.sin6_port;
	if (p->sa.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&p->v6.sin6_addr))
		return;
	memcpy(&v4, &p->v6.sin6_addr.s6_addr[12], sizeof(v4));
	/* All of it: peers are compared byte by byte, and not every compiler clears a whole union.
	 */
	memset(p, 0, sizeof(*p));
	p->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port, .sin_addr = v4};
}

static bool is_link_local(const union peer *p)
{
	return p->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&p->v6.sin6_addr);
}

static bool set_foreign(const struct inside_family *f, int fd, int family)
{
	int on = 1;
	uint32_t mark = RULES_MARK;
	int level = family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
	int option = family == AF_INET6 ? IPV6_TRANSPARENT : IP_TRANSPARENT;
	return setsockopt(fd, level, option, &on, sizeof(on)) == 0 &&
	       (!f->has_marks || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0);
}

static int new_socket(int protocol, int family)
{
	int on = 1;
	bool is_stream = protocol == IPPROTO_TCP;
	int fd = socket(
		family, (is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && is_stream) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	/* What comes back when nobody listens tells that the other family is worth a try. */
	if (fd >= 0 && !is_stream)
		setsockopt(fd, family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP,
			family == AF_INET6 ? IPV6_RECVERR : IP_RECVERR, &on, sizeof(on));
	return fd;
}

/* Can the program be shown this peer's address as it is? */
static bool is_presentable(const union peer *peer, int family)
{
	return peer->sa.sa_family == family && !is_loopback(peer) && !is_link_local(peer);
}

/* Without the privilege of being foreign the kernel takes only addresses of the container. */
static bool is_own(int protocol, const union peer *p)
{
	CLEAN(clean_fd) int fd = new_socket(protocol, p->sa.sa_family);
	return fd >= 0 && bind(fd, &p->sa, size_of(p)) == 0;
}

static void choose_source(const struct inside_family *f, int protocol, int family,
	const union peer *peer, union peer *ret)
{
	union peer any_port = *peer;
	uint16_t port = 0;
	if (peer->sa.sa_family == AF_INET6)
		port = ntohs(peer->v6.sin6_port);
	else if (peer->sa.sa_family == AF_INET)
		port = ntohs(peer->v4.sin_port);
	if (is_presentable(peer, family)) {
		set_port(&any_port, 0);
		if (!is_own(protocol, &any_port)) {
			*ret = *peer;
			return;
		}
	}
	*ret = f->gateway;
	set_port(ret, port);
}

static bool bind_source(int fd, bool may_choose_late, union peer *source)
{
	int on = 1;
	socklen_t len = size_of(source);
	if (bind(fd, &source->sa, len) == 0)
		return true;
	if (errno != EADDRINUSE && errno != EACCES)
		return false;
	/* Another flow of the same peer has the port: the address at least is right. */
	set_port(source, 0);
	if (may_choose_late)
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	return bind(fd, &source->sa, len) == 0;
}

static bool start_stream(const struct inside_family *f, int fd, uint16_t port)
{
	union peer guest = f->guest;
	set_port(&guest, port);
	return connect(fd, &guest.sa, size_of(&guest)) == 0 || errno == EINPROGRESS;
}

/* Before the first packet, or its answer would take the wrong way. */
static bool add_rule(const struct inside *in, struct inside_socket *s)
{
	struct err ignored;
	socklen_t len = sizeof(s->source);
	getsockname(s->fd, &s->source.sa, &len);
	s->has_rule = rules_flow(in->rules_fd, true, s->protocol, &s->source, s->port, &ignored);
	errno = EHOSTUNREACH;
	return s->has_rule;
}

static bool open_with(const struct inside *in, const struct inside_family *f,
	const union peer *source, struct inside_socket *ret)
{
	struct inside_socket s = *ret;
	bool is_stream = s.protocol == IPPROTO_TCP;
	bool is_led_by_mark = is_stream && f->has_marks;
	int family = f->guest.sa.sa_family;
	s.fd = new_socket(s.protocol, family);
	if (s.fd < 0)
		return false;
	bool ok = true;
	if (f->is_transparent) {
		s.source = *source;
		ok = set_foreign(f, s.fd, family) && bind_source(s.fd, is_led_by_mark, &s.source) &&
		     (is_led_by_mark || add_rule(in, &s));
	}
	if (ok && is_stream)
		ok = start_stream(f, s.fd, s.port);
	if (ok)
		*ret = s;
	else
		inside_close(in, &s);
	return ok;
}

bool inside_open(struct inside *in, int protocol, int family, const union peer *peer, uint16_t port,
	struct inside_socket *ret)
{
	struct inside_family *f = family == AF_INET6 ? &in->v6 : &in->v4;
	struct err ignored;
	struct inside_socket s = {.fd = -1, .port = port, .protocol = protocol};
	union peer source = {0};
	errno = EAFNOSUPPORT;
	if (!f->is_there)
		return false;
	/* The container sets its address when it is ready to, not in step with us. */
	if (protocol == IPPROTO_UDP && f->is_transparent && f->lacks_source)
		f->lacks_source = !rules_route(in->rules_fd, family, &f->guest, &ignored);
	if (f->is_transparent)
		choose_source(f, protocol, family, peer, &source);
	bool ok = open_with(in, f, &source, &s);
	/* A connection of the same two ends is still fading away. */
	if (!ok && errno == EADDRNOTAVAIL && f->is_transparent) {
		set_port(&source, 0);
		ok = open_with(in, f, &source, &s);
	}
	if (ok)
		*ret = s;
	return ok;
}

void inside_close(const struct inside *in, struct inside_socket *s)
{
	struct err ignored;
	int saved = errno;
	if (s->has_rule)
		rules_flow(in->rules_fd, false, s->protocol, &s->source, s->port, &ignored);
	s->has_rule = false;
	clean_fd(&s->fd);
	errno = saved;
}

void inside_reset(const struct inside *in, struct inside_socket *s)
{
	union peer source = {0}, guest = inside_family(in, s->source.sa.sa_family)->guest;
	socklen_t len = sizeof(source);
	static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	bool is_foreign = s->source.sa.sa_family && getsockname(s->fd, &source.sa, &len) == 0;
	setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	inside_close(in, s);
	set_port(&guest, s->port);
	if (is_foreign)
		diag_destroy(in->diag_fd, &guest, &source);
}
