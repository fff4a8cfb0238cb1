/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow.c - UDP: who sent something is heard for a while
 *
 * A flow is a peer at a published port. It has a socket inside with the peer's address, bound
 * but not connected, since a program that listens on any address may answer from another one
 * than was asked. Flows end when they were quiet: soon while the program has never answered,
 * later when it has. When there are too many, the longest quiet one of those without an answer
 * goes first, so that senders with forged addresses push each other out and nobody else.
 */
#include "base/own.h"
#include "port/server.h"

#include <linux/errqueue.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define FLOWS_MAX	  1024
#define BUCKETS		  1024
#define BATCH		  32
#define TURNS		  8
#define DATAGRAM_MAX	  65536
#define QUIET_ASKED_MS	  30000
#define QUIET_ANSWERED_MS 180000

enum age { ASKED, ANSWERED, AGES };

struct control {
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct flow {
	struct watch watch; /* of the socket inside */
	struct inside_socket inside;
	struct entry *entry;
	union peer peer;  /* as the socket outside says it */
	union peer plain; /* the same, an IPv4 address in its own form */
	union peer guest;
	struct control from; /* which address of the host was spoken to: the answer comes from it */
	size_t from_size;
	uint64_t last_ms;
	enum age age;
	bool has_tried_other; /* family */
	bool is_dead;
	struct flow *older, *newer; /* of the same age; @newer also among the dead */
	struct flow *next;	    /* in the bucket */
};

struct flows {
	struct flow *bucket[BUCKETS];
	struct flow *oldest[AGES], *newest[AGES];
	struct flow *dead;
	size_t n;
	char *room; /* BATCH datagrams */
};

bool flows_init(struct server *s, struct err *e)
{
	s->flows = calloc(1, sizeof(*s->flows));
	return s->flows || err_sys(e, "allocate");
}

size_t flows_max(const struct server *s)
{
	return s->n_fds_max / 8 < FLOWS_MAX ? s->n_fds_max / 8 : FLOWS_MAX;
}

static size_t bucket_of(const union peer *p, const struct entry *entry)
{
	const unsigned char *bytes = (const unsigned char *)p;
	uint32_t h = 2166136261u ^ entry->line.host_port;
	for (size_t i = 0; i < sizeof(p->v6); i++)
		h = (h ^ bytes[i]) * 16777619u;
	return h % BUCKETS;
}

static void unlink_age(struct flows *t, struct flow *f)
{
	*(f->older ? &f->older->newer : &t->oldest[f->age]) = f->newer;
	*(f->newer ? &f->newer->older : &t->newest[f->age]) = f->older;
	f->older = f->newer = NULL;
}

static void link_newest(struct flows *t, struct flow *f, enum age age)
{
	f->age = age;
	f->older = t->newest[age];
	f->newer = NULL;
	*(f->older ? &f->older->newer : &t->oldest[age]) = f;
	t->newest[age] = f;
}

static void touch(struct flows *t, struct flow *f, enum age age, uint64_t now)
{
	f->last_ms = now;
	unlink_age(t, f);
	link_newest(t, f, age);
}

static void end(struct server *s, struct flow *f)
{
	struct flows *t = s->flows;
	struct flow **place = &t->bucket[bucket_of(&f->peer, f->entry)];
	while (*place != f)
		place = &(*place)->next;
	*place = f->next;
	unlink_age(t, f);
	inside_close(&s->inside, &f->inside);
	f->is_dead = true;
	f->newer = t->dead;
	t->dead = f;
	t->n--;
}

static void free_dead(struct flows *t)
{
	while (t->dead) {
		struct flow *f = t->dead;
		t->dead = f->newer;
		free(f);
	}
}

int flows_expire(struct server *s)
{
	static const uint64_t quiet_ms[AGES] = {QUIET_ASKED_MS, QUIET_ANSWERED_MS};
	struct flows *t = s->flows;
	uint64_t now = t->n ? now_ms() : 0;
	int64_t next = -1;
	for (int age = 0; age < AGES; age++) {
		while (t->oldest[age] && t->oldest[age]->last_ms + quiet_ms[age] <= now)
			end(s, t->oldest[age]);
		if (!t->oldest[age])
			continue;
		int64_t left = (int64_t)(t->oldest[age]->last_ms + quiet_ms[age] - now);
		if (next < 0 || left < next)
			next = left;
	}
	free_dead(t);
	return (int)next;
}

void flows_forget(struct server *s, const struct entry *entry)
{
	for (int age = 0; age < AGES; age++)
		for (struct flow *f = s->flows->oldest[age], *newer; f; f = newer) {
			newer = f->newer;
			if (f->entry == entry)
				end(s, f);
		}
}

static void answer(struct server *s, struct watch *w, uint32_t events);

/* The socket towards the program, of the peer's family or the other one. */
static bool open_inside(struct server *s, struct flow *f, bool other)
{
	int own = f->plain.sa.sa_family == AF_INET6 ? AF_INET6 : AF_INET;
	int family = !other ? own : own == AF_INET6 ? AF_INET : AF_INET6;
	f->has_tried_other = other;
	if (!inside_open(&s->inside, IPPROTO_UDP, family, &f->plain, f->entry->line.container_port,
		    &f->inside))
		return false;
	f->guest = inside_family(&s->inside, family)->guest;
	if (family == AF_INET6)
		f->guest.v6.sin6_port = htons(f->entry->line.container_port);
	else
		f->guest.v4.sin_port = htons(f->entry->line.container_port);
	f->watch.fd = f->inside.fd;
	if (server_watch(s, &f->watch, EPOLLIN))
		return true;
	inside_close(&s->inside, &f->inside);
	return false;
}

static struct flow *find(struct flows *t, const struct entry *entry, const union peer *peer)
{
	struct flow *f = t->bucket[bucket_of(peer, entry)];
	while (f && (f->entry != entry || memcmp(&f->peer, peer, sizeof(*peer)) != 0))
		f = f->next;
	return f;
}

/* The interface is left to the routes, except where an address means nothing without it. */
static void keep_own_address(struct flow *f, const struct msghdr *m)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);
	if (!c || (m->msg_flags & MSG_CTRUNC) || m->msg_controllen > sizeof(f->from))
		return;
	memcpy(&f->from, c, m->msg_controllen);
	f->from_size = m->msg_controllen;
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		((struct in_pktinfo *)CMSG_DATA((struct cmsghdr *)f->from.room))->ipi_ifindex = 0;
		return;
	}
	struct in6_pktinfo *info = (struct in6_pktinfo *)CMSG_DATA((struct cmsghdr *)f->from.room);
	if (IN6_IS_ADDR_MULTICAST(&info->ipi6_addr))
		f->from_size = 0;
	else if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
		info->ipi6_ifindex = 0;
}

static struct flow *begin(
	struct server *s, struct entry *entry, const union peer *peer, const struct msghdr *m)
{
	struct flows *t = s->flows;
	if (t->n >= flows_max(s))
		end(s, t->oldest[ASKED] ? t->oldest[ASKED] : t->oldest[ANSWERED]);
	struct flow *f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->watch.ready = answer;
	f->entry = entry;
	f->peer = *peer;
	f->plain = *peer;
	peer_unmap(&f->plain);
	keep_own_address(f, m);
	f->inside.fd = -1;
	if (!open_inside(s, f, false) && !open_inside(s, f, true)) {
		free(f);
		return NULL;
	}
	struct flow **bucket = &t->bucket[bucket_of(peer, entry)];
	f->next = *bucket;
	*bucket = f;
	f->last_ms = now_ms();
	link_newest(t, f, ASKED);
	t->n++;
	return f;
}

/* Has the kernel said that nobody listens there? Takes the word off the socket. */
static bool is_refused(int fd)
{
	char byte;
	union {
		struct cmsghdr header;
		char room[512];
	} control;
	bool refused = false;
	for (;;) {
		struct iovec iov = {&byte, 1};
		struct msghdr m = {.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control)};
		if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			return refused;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			struct sock_extended_err error;
			if ((c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR) &&
				(c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_RECVERR))
				continue;
			memcpy(&error, CMSG_DATA(c), sizeof(error));
			refused |= error.ee_errno == ECONNREFUSED;
		}
	}
}

/* One socket, several datagrams: those that cannot be sent are lost, as UDP has it. */
static void send_all(int fd, struct mmsghdr *messages, unsigned n)
{
	bool is_again = false;
	for (unsigned done = 0; done < n;) {
		int sent = sendmmsg(fd, messages + done, n - done, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			return;
		/* What an earlier datagram met is told once, in place of sending this one. */
		if (sent <= 0 && !is_again) {
			is_again = true;
			continue;
		}
		is_again = false;
		done += sent > 0 ? (unsigned)sent : 1;
	}
}

static void send_inside(struct server *s, struct flow *f, struct mmsghdr *messages, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct msghdr *m = &messages[i].msg_hdr;
		m->msg_iov->iov_len = messages[i].msg_len;
		m->msg_name = &f->guest;
		m->msg_namelen = f->guest.sa.sa_family == AF_INET6 ? sizeof(f->guest.v6)
								   : sizeof(f->guest.v4);
		m->msg_control = NULL;
		m->msg_controllen = 0;
	}
	send_all(f->inside.fd, messages, n);
	/* On one machine the refusal is there when the call returns. */
	if (f->age == ANSWERED || f->has_tried_other || !is_refused(f->inside.fd))
		return;
	inside_close(&s->inside, &f->inside);
	if (!open_inside(s, f, true)) {
		end(s, f);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		messages[i].msg_hdr.msg_name = &f->guest;
		messages[i].msg_hdr.msg_namelen = f->guest.sa.sa_family == AF_INET6
							  ? sizeof(f->guest.v6)
							  : sizeof(f->guest.v4);
	}
	send_all(f->inside.fd, messages, n);
}

struct batch {
	struct mmsghdr message[BATCH];
	struct iovec iov[BATCH];
	union peer peer[BATCH];
	struct control control[BATCH];
};

static int receive(struct server *s, int fd, struct batch *b)
{
	struct flows *t = s->flows;
	if (!t->room) {
		void *room = mmap(NULL, (size_t)BATCH * DATAGRAM_MAX, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (room == MAP_FAILED)
			return -1;
		t->room = room;
	}
	memset(b, 0, sizeof(*b));
	for (size_t i = 0; i < BATCH; i++) {
		b->iov[i] = (struct iovec){t->room + i * DATAGRAM_MAX, DATAGRAM_MAX};
		b->message[i].msg_hdr = (struct msghdr){.msg_iov = &b->iov[i],
			.msg_iovlen = 1,
			.msg_name = &b->peer[i],
			.msg_namelen = sizeof(b->peer[i]),
			.msg_control = &b->control[i],
			.msg_controllen = sizeof(b->control[i])};
	}
	return recvmmsg(fd, b->message, BATCH, MSG_DONTWAIT, NULL);
}

static bool is_same(const union peer *a, const union peer *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

void flow_receive(struct server *s, struct watch *w, uint32_t events)
{
	struct entry *entry = WATCH_OWNER(w, struct entry, watch);
	struct batch b;
	int n = BATCH;
	(void)events;
	for (int turn = 0; turn < TURNS && n == BATCH; turn++) {
		n = receive(s, w->fd, &b);
		for (int i = 0, next; i < n; i = next) {
			for (next = i + 1; next < n && is_same(&b.peer[i], &b.peer[next]); next++)
				;
			struct flow *f = find(s->flows, entry, &b.peer[i]);
			if (!f)
				f = begin(s, entry, &b.peer[i], &b.message[i].msg_hdr);
			if (!f)
				continue;
			touch(s->flows, f, f->age, now_ms());
			send_inside(s, f, &b.message[i], (unsigned)(next - i));
		}
	}
}

/* From the program to the peer. */
static void answer(struct server *s, struct watch *w, uint32_t events)
{
	struct flow *f = WATCH_OWNER(w, struct flow, watch);
	struct batch b;
	int n = BATCH;
	if (f->is_dead)
		return;
	if (events & EPOLLERR)
		is_refused(w->fd);
	for (int turn = 0; turn < TURNS && n == BATCH; turn++) {
		n = receive(s, w->fd, &b);
		if (n <= 0)
			return;
		touch(s->flows, f, ANSWERED, now_ms());
		for (int i = 0; i < n; i++) {
			struct msghdr *m = &b.message[i].msg_hdr;
			b.iov[i].iov_len = b.message[i].msg_len;
			m->msg_name = &f->peer;
			m->msg_namelen = f->peer.sa.sa_family == AF_INET6 ? sizeof(f->peer.v6)
									  : sizeof(f->peer.v4);
			m->msg_control = f->from_size ? &f->from : NULL;
			m->msg_controllen = f->from_size;
		}
		send_all(f->entry->watch.fd, b.message, (unsigned)n);
	}
}
