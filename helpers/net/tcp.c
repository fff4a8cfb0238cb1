/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp.c - connections: how they begin and end, and who finds them
 *
 * Stages: inside asks (SYN); the host's socket is dialled; when it is connected inside is
 * told so (SYN and ACK), and not earlier, so that a connection that is refused outside is refused
 * inside; inside confirms. What nobody confirms is forgotten after some time.
 */
#include "net/tcp.h"
#include "base/own.h"
#include "net/tcp_own.h"

#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#define DIAL_MS	 75000
#define PORT_DNS 53

static const uint8_t no_address[16];

static bool is_before(int64_t a, int64_t b)
{
	return a != 0 && (b == 0 || a < b);
}

static struct connection **bucket_of(struct tcp *tcp, const struct tcp_ends *ends)
{
	uint64_t hash = tcp->seed;
	uint32_t words[sizeof(*ends) / 4];
	memcpy(words, ends, sizeof(*ends));
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 29;
	}
	return &tcp->buckets[hash % TCP_BUCKETS];
}

static struct connection *find(struct tcp *tcp, const struct tcp_ends *ends)
{
	struct connection *c = *bucket_of(tcp, ends);
	while (c && memcmp(&c->ends, ends, sizeof(*ends)) != 0)
		c = c->next;
	return c;
}

struct tcp *tcp_new(const struct net_settings *settings, struct loop *loop,
	const struct tcp_ways *ways, struct err *e)
{
	_Static_assert(sizeof(struct tcp_ends) == 44, "compared as bytes");
	struct tcp *tcp = calloc(1, sizeof(*tcp));
	if (!tcp)
		return err_sys(e, "allocate"), NULL;
	tcp->settings = settings;
	tcp->loop = loop;
	tcp->ways = *ways;
	if (getrandom(&tcp->seed, sizeof(tcp->seed), 0) != sizeof(tcp->seed)) {
		free(tcp);
		return err_sys(e, "get a random number"), NULL;
	}
	return tcp;
}

static bool is_told(const struct connection *c)
{
	return c->stage != OPEN || c->is_outside_told_end;
}

bool tcp_is_told(const struct tcp *tcp)
{
	for (size_t i = 0; i < tcp->n; i++)
		if (!is_told(tcp->all[i]))
			return false;
	return true;
}

void tcp_free(struct tcp *tcp)
{
	while (tcp->n > 0) {
		struct connection *c = tcp->all[tcp->n - 1];
		if (is_told(c))
			connection_end(c);
		else
			connection_cut(c);
	}
	buffers_free(&tcp->buffers);
	free(tcp);
}

void tcp_set_segment(struct tcp *tcp, size_t mss, size_t payload_max)
{
	tcp->mss = mss;
	tcp->payload_max = payload_max < TCP_SEGMENT_MAX ? payload_max : TCP_SEGMENT_MAX;
}

size_t tcp_count(const struct tcp *tcp)
{
	return tcp->n;
}

static void forget(struct connection *c)
{
	struct tcp *tcp = c->tcp;
	struct connection **place = bucket_of(tcp, &c->ends);
	while (*place != c)
		place = &(*place)->next;
	*place = c->next;
	tcp->all[c->nth] = tcp->all[--tcp->n];
	tcp->all[c->nth]->nth = c->nth;
	for (size_t i = 0; c->is_noted && i < tcp->n_noted; i++)
		if (tcp->noted[i] == c)
			tcp->noted[i] = tcp->noted[--tcp->n_noted];
	buffer_free(&tcp->buffers, &c->up);
	buffer_free(&tcp->buffers, &c->down);
	free(c);
}

void connection_end(struct connection *c)
{
	if (c->fd >= 0) {
		loop_remove(c->tcp->loop, c->fd);
		close(c->fd);
	}
	forget(c);
}

void connection_cut(struct connection *c)
{
	static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	if (c->fd >= 0)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	connection_end(c);
}

void connection_reset(struct connection *c)
{
	flow_say(c, TCP_RST | TCP_ACK, c->said_most);
	connection_cut(c);
}

static void say_noted(struct tcp *tcp)
{
	while (tcp->n_noted > 0) {
		struct connection *c = tcp->noted[--tcp->n_noted];
		c->is_noted = false;
		if (c->must_tell)
			flow_say(c, TCP_ACK, c->said);
	}
}

void connection_note(struct connection *c)
{
	c->must_tell = true;
	if (c->is_noted)
		return;
	if (c->tcp->n_noted == TCP_NOTED_MAX)
		say_noted(c->tcp);
	c->is_noted = true;
	c->tcp->noted[c->tcp->n_noted++] = c;
}

void connection_await(struct connection *c, int64_t ms)
{
	c->due_ms = c->tcp->ways.now_ms() + ms;
	if (is_before(c->due_ms, c->tcp->next_ms))
		c->tcp->next_ms = c->due_ms;
}

/* The network itself is a container's neighbours, whom it reaches without us. */
static int find_way4(const struct net_settings *s, const struct tcp_ends *ends, union endpoint *ret)
{
	struct in_addr to;
	memcpy(&to, &ends->outside, sizeof(to));
	ret->v4 = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = ends->outside_port, .sin_addr = to};
	if (to.s_addr == s->gateway4.s_addr) {
		ret->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return s->is_host_loopback ? 0 : ENETUNREACH;
	}
	uint32_t number = ntohl(to.s_addr), first = number >> 24;
	if (first == 0 || first == IN_LOOPBACKNET || first >= 224)
		return ENETUNREACH;
	return (to.s_addr & s->mask4.s_addr) == (s->guest4.s_addr & s->mask4.s_addr) ? EHOSTUNREACH
										     : 0;
}

static bool is_in_network6(const struct net_settings *s, const struct in6_addr *address)
{
	unsigned whole = s->prefix6 / 8, rest = s->prefix6 % 8;
	unsigned mask = rest ? 0xffu << (8 - rest) & 0xff : 0;
	return !memcmp(address, &s->guest6, whole) &&
	       ((address->s6_addr[whole] ^ s->guest6.s6_addr[whole]) & mask) == 0;
}

static int find_way6(const struct net_settings *s, const struct tcp_ends *ends, union endpoint *ret)
{
	const struct in6_addr *to = &ends->outside;
	ret->v6 = (struct sockaddr_in6){
		.sin6_family = AF_INET6, .sin6_port = ends->outside_port, .sin6_addr = *to};
	if (s->has_v6 && IN6_ARE_ADDR_EQUAL(to, &s->gateway6)) {
		ret->v6.sin6_addr = in6addr_loopback;
		return s->is_host_loopback ? 0 : ENETUNREACH;
	}
	/* ::1, ::127.0.0.1, ::ffff:127.0.0.1 and their like; and one's own link. */
	if (!s->has_v6 || !memcmp(to, no_address, 10) || IN6_IS_ADDR_MULTICAST(to) ||
		IN6_IS_ADDR_LINKLOCAL(to))
		return ENETUNREACH;
	return is_in_network6(s, to) ? EHOSTUNREACH : 0;
}

static bool is_resolver(const struct net_settings *s, const struct tcp_ends *ends)
{
	if (ends->is_v6)
		return s->has_v6 && IN6_ARE_ADDR_EQUAL(&ends->outside, &s->dns6);
	return !memcmp(&ends->outside, &s->dns4, sizeof(s->dns4));
}

/* Returns 0, or why there is no way, as connect(2) would say it. */
static int find_way(const struct net_settings *s, const struct tcp_ends *ends, union endpoint *ret)
{
	if (is_resolver(s, ends)) {
		ret->any.sa_family = AF_UNIX;
		return ends->outside_port == htons(PORT_DNS) ? 0 : ECONNREFUSED;
	}
	if (s->is_internal)
		return ENETUNREACH;
	return ends->is_v6 ? find_way6(s, ends, ret) : find_way4(s, ends, ret);
}

int tcp_dial(const struct net_settings *settings, const union endpoint *to)
{
	int on = 1, family = to->any.sa_family;
	const union endpoint *from =
		family == AF_INET6 ? &settings->outbound6 : &settings->outbound4;
	CLEAN(clean_fd) int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	/* A peer that vanished without a word: inside nobody else would find out. */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (from->any.sa_family && bind(fd, &from->any, endpoint_size(from)) < 0)
		return -1;
	if (connect(fd, &to->any, endpoint_size(to)) < 0 && errno != EINPROGRESS)
		return -1;
	return TAKE_FD(fd);
}

static void refuse(struct connection *c, int reason)
{
	switch (reason) {
	case ECONNREFUSED:
	case ECONNRESET:
		flow_say(c, TCP_RST | TCP_ACK, 0);
		break;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
	case ETIMEDOUT:
		break; /* inside asks again, and has its own patience */
	default:
		c->tcp->ways.refuse(c->tcp->ways.opaque, c->asked, c->n_asked, reason);
		break;
	}
	connection_end(c);
}

static void ready(void *opaque, int fd, uint32_t events)
{
	struct connection *c = opaque;
	int reason = 0;
	socklen_t len = sizeof(reason);
	if (c->stage != DIALLING) {
		flow_ready(c, events);
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &len) < 0)
		reason = errno;
	if (reason)
		refuse(c, reason);
	else
		flow_grant(c);
}

static void dial(struct connection *c)
{
	struct tcp *tcp = c->tcp;
	union endpoint to;
	int reason = find_way(tcp->settings, &c->ends, &to);
	if (!reason) {
		c->fd = tcp->ways.dial(tcp->ways.opaque, &to);
		reason = c->fd < 0 ? errno : 0;
	}
	if (!reason && !loop_add(tcp->loop, c->fd, EPOLLOUT, ready, c))
		reason = ENOMEM;
	if (reason)
		refuse(c, reason);
	else
		connection_await(c, DIAL_MS);
}

/* What a SYN says; one that is sent again may say something else. */
static void set_asked(struct connection *c, const struct tcp_segment *s)
{
	c->heard = c->heard_edge = c->heard_told = s->sequence + 1;
	c->window = s->window;
	c->mss = s->mss;
	c->scale_inside = s->scale < 0 ? 0 : s->scale;
	c->scale_ours = s->scale < 0 ? -1 : 0;
	c->may_hold = s->may_hold;
}

static void begin(struct tcp *tcp, const struct tcp_segment *s, const uint8_t *frame, size_t size)
{
	struct connection *c = tcp->n < TCP_CONNECTIONS_MAX ? calloc(1, sizeof(*c)) : NULL;
	if (!c)
		return; /* put off, not refused */
	c->tcp = tcp;
	c->ends = s->ends;
	c->fd = -1;
	c->nth = tcp->n;
	tcp->all[tcp->n++] = c;
	struct connection **bucket = bucket_of(tcp, &c->ends);
	c->next = *bucket;
	*bucket = c;
	tcp_headers_make(frame, &c->ends, &c->headers);
	c->n_asked = size < sizeof(c->asked) ? size : sizeof(c->asked);
	memcpy(c->asked, frame, c->n_asked);
	set_asked(c, s);
	dial(c);
}

/* To one who talks of a connection that is none. */
static void reset_stray(struct tcp *tcp, const struct tcp_segment *s, const uint8_t *frame)
{
	struct tcp_headers h;
	struct tcp_words words = {.flags = TCP_RST};
	if (s->flags & TCP_ACK) {
		words.sequence = s->acknowledged;
	} else {
		words.flags |= TCP_ACK;
		words.acknowledged = s->sequence + (uint32_t)s->size + !!(s->flags & TCP_SYN) +
				     !!(s->flags & TCP_FIN);
	}
	tcp_headers_make(frame, &s->ends, &h);
	size_t n = tcp_headers_set(&h, &words, 0);
	tcp->ways.send(tcp->ways.opaque, h.bytes, n, NULL, 0);
}

void tcp_take_stray(struct tcp *tcp, const uint8_t *frame, size_t size)
{
	struct tcp_segment s;
	if (!tcp_segment_read(frame, size, &s) || (s.flags & TCP_RST))
		return;
	if ((s.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && s.ends.outside_port != 0)
		begin(tcp, &s, frame, size);
	else
		reset_stray(tcp, &s, frame);
}

bool tcp_take(struct tcp *tcp, const uint8_t *frame, size_t size)
{
	struct tcp_segment s;
	if (!tcp_segment_read(frame, size, &s))
		return false;
	struct connection *c = find(tcp, &s.ends);
	if (!c)
		return false;
	if (c->stage != DIALLING)
		flow_segment(c, &s);
	else if ((s.flags & TCP_RST) && s.sequence == c->heard)
		connection_end(c);
	else if ((s.flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN)
		set_asked(c, &s);
	return true;
}

static void expire_all(struct tcp *tcp, int64_t now_ms)
{
	tcp->next_ms = 0;
	/* From the last on: the place of one that ends is taken by one that had its turn. */
	for (size_t i = tcp->n; i-- > 0;) {
		struct connection *c = tcp->all[i];
		if (c->due_ms && c->due_ms <= now_ms) {
			c->due_ms = 0;
			if (c->stage == DIALLING) {
				connection_end(c);
				continue;
			}
			if (!flow_due(c))
				continue;
		}
		if (is_before(c->due_ms, tcp->next_ms))
			tcp->next_ms = c->due_ms;
	}
}

void tcp_expire(struct tcp *tcp, int64_t now_ms)
{
	if (tcp->next_ms && tcp->next_ms <= now_ms)
		expire_all(tcp, now_ms);
}

int tcp_prepare(struct tcp *tcp, int64_t now_ms)
{
	say_noted(tcp);
	if (!tcp->next_ms)
		return -1;
	return tcp->next_ms > now_ms ? (int)(tcp->next_ms - now_ms) : 0;
}
