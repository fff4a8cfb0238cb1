/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.c - TCP: what one side says, the other hears
 *
 * Actors: a connection has a side outside (accepted) and one inside (connected with the
 * peer's address); two halves, one for each direction. Stages of a half: it is open; its
 * source has ended, perhaps by a reset, and what is in its pipe still has to go out; it is done.
 * The data never comes up to us: splice(2) moves pages from socket to pipe to socket. A
 * pipe belongs to a half only while something is stuck in it, so that a connection that
 * waits holds two descriptors and no memory of ours. A half whose way out is blocked reads no
 * more: the sender's window closes, which is all the flow control there is.
 */
#include "base/own.h"
#include "port/server.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define ACCEPTS_A_TURN	16
#define CHUNK		((size_t)1 << 20)
#define BYTES_A_TURN	((size_t)4 << 20)
#define PIPE_SIZE	(256 * 1024)
#define SPARE_PIPES_MAX 8
/* Sockets of a connection and, at worst, both pipes. */
#define FDS_A_CONNECTION 6
#define FDS_RESERVED	 64
#define FDS_ENOUGH	 400000
#define RETRY_AFTER_MS	 50
#define PATIENCE_MS	 30000
#define RESUME_AFTER_MS	 100

enum side { OUTSIDE, INSIDE };

struct channel {
	int fds[2]; /* of a pipe; -1: none */
};

struct half {
	struct channel pipe;
	size_t in_pipe;
	bool can_read, can_write;
	enum { HALF_OPEN, HALF_ENDED, HALF_DONE } stage;
};

struct connection {
	struct watch side[2];
	struct half half[2]; /* by the side that speaks */
	struct inside_socket inside;
	union peer peer;
	uint16_t port;
	bool is_connecting;
	bool is_patient;
	bool has_tried_other; /* family */
	bool is_reset;	      /* one side broke off: the other is told so at the end */
	bool is_cut;	      /* … and did not get all that was said */
	bool is_queued;
	bool is_dead;
	struct connection *next; /* in the queue, or among the dead */
};

struct streams {
	size_t n;
	bool is_paused;
	uint64_t resume_ms; /* when the machine had no descriptor or memory for us: try again */
	struct channel spare[SPARE_PIPES_MAX];
	size_t n_spare;
	struct connection *queue, **queue_end;
	struct connection *starved; /* wait for a pipe */
	struct connection *early;   /* wait for the program to listen */
	uint64_t retry_ms;
	struct connection *dead; /* freed when no event can mean them any more */
};

bool streams_init(struct server *s, struct err *e)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return err_sys(e, "read the limit of open files");
	/* A connection takes two or more: what the caller may have at most is what we need. */
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		return err_sys(e, "raise the limit of open files");
	s->streams = calloc(1, sizeof(*s->streams));
	if (!s->streams)
		return err_sys(e, "allocate");
	s->streams->queue_end = &s->streams->queue;
	s->n_fds_max = files.rlim_cur > FDS_ENOUGH ? FDS_ENOUGH : (size_t)files.rlim_cur;
	return true;
}

/* So many that each can have its pipes, beside the ports and the flows of UDP. */
static size_t most_connections(const struct server *s)
{
	size_t others = FDS_RESERVED + s->n_entries + flows_max(s);
	return s->n_fds_max > others + FDS_A_CONNECTION ? (s->n_fds_max - others) / FDS_A_CONNECTION
							: 1;
}

size_t streams_count(const struct server *s)
{
	return s->streams->n;
}

/* All published ports together: while paused, callers wait in the kernel's queues. */
static void pause_all(struct server *s, bool pause)
{
	if (s->streams->is_paused == pause)
		return;
	s->streams->is_paused = pause;
	for (struct entry *entry = s->entries; entry; entry = entry->next) {
		struct epoll_event event = {
			.events = pause ? 0 : EPOLLIN, .data.ptr = &entry->watch};
		if (entry->line.protocol == IPPROTO_TCP)
			epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, entry->watch.fd, &event);
	}
}

static void append(struct streams *t, struct connection *c)
{
	c->is_queued = true;
	c->next = NULL;
	*t->queue_end = c;
	t->queue_end = &c->next;
}

static void queue(struct server *s, struct connection *c)
{
	if (!c->is_queued && !c->is_dead)
		append(s->streams, c);
}

static void feed_starved(struct server *s)
{
	while (s->streams->starved) {
		struct connection *c = s->streams->starved;
		s->streams->starved = c->next;
		append(s->streams, c);
	}
}

static bool take_pipe(struct streams *t, struct channel *ret)
{
	if (t->n_spare) {
		*ret = t->spare[--t->n_spare];
		return true;
	}
	if (pipe2(ret->fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return ret->fds[0] = ret->fds[1] = -1, false;
	/* More than the usual 64 KiB in one go; what the user's quota refuses stays small. */
	fcntl(ret->fds[0], F_SETPIPE_SZ, PIPE_SIZE);
	return true;
}

static void give_pipe(struct server *s, struct half *h)
{
	struct streams *t = s->streams;
	if (h->pipe.fds[0] < 0)
		return;
	if (h->in_pipe == 0 && t->n_spare < SPARE_PIPES_MAX) {
		t->spare[t->n_spare++] = h->pipe;
	} else {
		close(h->pipe.fds[0]);
		close(h->pipe.fds[1]);
	}
	h->pipe.fds[0] = h->pipe.fds[1] = -1;
	h->in_pipe = 0;
	feed_starved(s);
}

/* A reset destroys what is still under way: outside that may be the last of what was said. */
static bool may_reset_outside(const struct connection *c)
{
	int unsent = 0;
	return c->is_cut || ioctl(c->side[OUTSIDE].fd, SIOCOUTQ, &unsent) < 0 || unsent == 0;
}

static void close_sides(struct server *s, struct connection *c, bool with_reset)
{
	static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	bool is_connected = c->side[INSIDE].fd >= 0;
	if (with_reset && may_reset_outside(c))
		setsockopt(c->side[OUTSIDE].fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	clean_fd(&c->side[OUTSIDE].fd);
	c->inside.fd = c->side[INSIDE].fd;
	if (with_reset && is_connected)
		inside_reset(&s->inside, &c->inside);
	else
		inside_close(&s->inside, &c->inside);
	c->side[INSIDE].fd = -1;
}

static void end(struct server *s, struct connection *c, bool with_reset)
{
	if (c->is_dead)
		return;
	close_sides(s, c, with_reset);
	c->is_dead = true;
	give_pipe(s, &c->half[OUTSIDE]);
	give_pipe(s, &c->half[INSIDE]);
	s->streams->n--;
	if (!c->is_queued) {
		c->next = s->streams->dead;
		s->streams->dead = c;
	}
	pause_all(s, false);
	feed_starved(s);
}

/* @side can neither be read nor written any more: what it said last is delivered as far as it fits.
 */
static void break_side(struct server *s, struct connection *c, enum side side)
{
	struct half *to = &c->half[!side], *from = &c->half[side];
	c->is_reset = true;
	to->stage = HALF_DONE;
	give_pipe(s, to);
	if (from->stage == HALF_OPEN)
		from->can_read = true;
	queue(s, c);
}

/* Socket to pipe. True when something moved or changed. */
static bool fill(struct server *s, struct connection *c, enum side from)
{
	struct half *h = &c->half[from];
	if (h->pipe.fds[0] < 0 && !take_pipe(s->streams, &h->pipe)) {
		if (!c->is_queued) {
			c->is_queued = true;
			c->next = s->streams->starved;
			s->streams->starved = c;
		}
		return false;
	}
	ssize_t n = splice(c->side[from].fd, NULL, h->pipe.fds[1], NULL, CHUNK,
		SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n > 0) {
		h->in_pipe += (size_t)n;
		return true;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		h->can_read = errno == EINTR;
		return errno == EINTR;
	}
	h->stage = HALF_ENDED;
	if (n < 0)
		break_side(s, c, from);
	return true;
}

/* Pipe to socket. */
static bool drain(struct server *s, struct connection *c, enum side from)
{
	struct half *h = &c->half[from];
	ssize_t n = splice(h->pipe.fds[0], NULL, c->side[!from].fd, NULL, h->in_pipe,
		SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n > 0) {
		h->in_pipe -= (size_t)n;
		return true;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		h->can_write = errno == EINTR;
		return errno == EINTR;
	}
	break_side(s, c, !from);
	return true;
}

/* One step of one direction; false when it cannot go on. */
static bool step(struct server *s, struct connection *c, enum side from)
{
	struct half *h = &c->half[from];
	if (h->stage == HALF_DONE)
		return false;
	if (h->in_pipe > 0 && h->can_write)
		return drain(s, c, from);
	if (h->in_pipe > 0) {
		/*
		 * After a reset nobody waits for a reader: it may itself be waiting, to write to
		 * the side that is gone, and only the reset will tell it.
		 */
		c->is_cut = c->is_reset;
		h->stage = c->is_reset ? HALF_DONE : h->stage;
		return false;
	}
	if (h->stage == HALF_OPEN)
		return h->can_read && fill(s, c, from);
	if (!c->is_reset)
		shutdown(c->side[!from].fd, SHUT_WR);
	h->stage = HALF_DONE;
	return false;
}

static void pump(struct server *s, struct connection *c)
{
	for (int from = 0; from < 2; from++) {
		struct half *h = &c->half[from];
		size_t steps = 0;
		/* Two steps move at least a page, at most a pipe. */
		while (steps < 2 * (BYTES_A_TURN / PIPE_SIZE) && step(s, c, (enum side)from))
			steps++;
		if (h->in_pipe == 0)
			give_pipe(s, h);
		bool has_more = h->in_pipe ? h->can_write : h->stage == HALF_OPEN && h->can_read;
		if (has_more && h->stage != HALF_DONE)
			queue(s, c);
	}
	/* The first may have been ended by what the second found. */
	if (c->half[0].stage == HALF_ENDED && !c->half[0].in_pipe)
		step(s, c, OUTSIDE);
	if (c->half[0].stage == HALF_DONE && c->half[1].stage == HALF_DONE)
		end(s, c, c->is_reset);
}

bool streams_turn(struct server *s)
{
	struct streams *t = s->streams;
	struct connection *c = t->queue;
	t->queue = NULL;
	t->queue_end = &t->queue;
	while (c) {
		struct connection *next = c->next;
		c->is_queued = false;
		if (c->is_dead) {
			c->next = t->dead;
			t->dead = c;
		} else {
			pump(s, c);
		}
		c = next;
	}
	while (t->dead) {
		c = t->dead;
		t->dead = c->next;
		free(c);
	}
	return t->queue != NULL;
}

static bool watch_side(struct server *s, struct connection *c, enum side side)
{
	return server_watch(s, &c->side[side], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

/* Towards the program: as the peer speaks, and when nobody listens there the other family. */
static bool try_inside(struct server *s, struct connection *c)
{
	int family = c->peer.sa.sa_family == AF_INET6 ? AF_INET6 : AF_INET;
	int other = family == AF_INET6 ? AF_INET : AF_INET6;
	for (;;) {
		if (inside_open(&s->inside, IPPROTO_TCP, c->has_tried_other ? other : family,
			    &c->peer, c->port, &c->inside))
			break;
		if (c->has_tried_other || errno == EMFILE || errno == ENFILE)
			return false;
		c->has_tried_other = true;
	}
	c->side[INSIDE].fd = c->inside.fd;
	return watch_side(s, c, INSIDE);
}

/* A socket that was open before the container may have callers before there is a program. */
static void give_up(struct server *s, struct connection *c)
{
	struct streams *t = s->streams;
	uint64_t now = now_ms();
	if (!c->is_patient || s->is_ending || now >= s->start_ms + PATIENCE_MS) {
		end(s, c, true);
		return;
	}
	c->next = t->early;
	t->early = c;
	if (!t->retry_ms)
		t->retry_ms = now + RETRY_AFTER_MS;
}

static void retry(struct server *s)
{
	struct connection *c = s->streams->early;
	s->streams->early = NULL;
	s->streams->retry_ms = 0;
	while (c) {
		struct connection *next = c->next;
		c->has_tried_other = false;
		if (!try_inside(s, c))
			give_up(s, c);
		c = next;
	}
}

static void finish_connecting(struct server *s, struct connection *c)
{
	int error = 0;
	socklen_t len = sizeof(error);
	getsockopt(c->side[INSIDE].fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error) {
		c->inside.fd = c->side[INSIDE].fd;
		inside_close(&s->inside, &c->inside);
		c->side[INSIDE].fd = -1;
		bool is_again = !c->has_tried_other;
		c->has_tried_other = true;
		if (!is_again || !try_inside(s, c))
			give_up(s, c);
		return;
	}
	c->is_connecting = false;
	for (int i = 0; i < 2; i++)
		c->half[i].can_read = c->half[i].can_write = true;
	if (watch_side(s, c, OUTSIDE))
		queue(s, c);
	else
		end(s, c, true);
}

static void ready(struct server *s, struct connection *c, enum side side, uint32_t events)
{
	if (c->is_dead)
		return;
	if (c->is_connecting) {
		if (side == INSIDE)
			finish_connecting(s, c);
		return;
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		c->half[side].can_read = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		c->half[!side].can_write = true;
	/* Nothing more is read from it: nobody else would find out. */
	if ((events & EPOLLERR) && c->half[side].stage != HALF_OPEN)
		break_side(s, c, side);
	pump(s, c);
}

static void outside_ready(struct server *s, struct watch *w, uint32_t events)
{
	ready(s, WATCH_OWNER(w, struct connection, side[OUTSIDE]), OUTSIDE, events);
}

static void inside_ready(struct server *s, struct watch *w, uint32_t events)
{
	ready(s, WATCH_OWNER(w, struct connection, side[INSIDE]), INSIDE, events);
}

static void begin(struct server *s, const struct entry *entry, int fd, const union peer *peer)
{
	int on = 1;
	struct connection *c = calloc(1, sizeof(*c));
	if (!c) {
		close(fd);
		return;
	}
	*c = (struct connection){.side = {{outside_ready, fd}, {inside_ready, -1}},
		.half = {{.pipe = {{-1, -1}}}, {.pipe = {{-1, -1}}}},
		.inside = {.fd = -1},
		.peer = *peer,
		.port = entry->line.container_port,
		.is_patient = entry->is_patient,
		.is_connecting = true};
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* A peer that vanished without a word does not stay for ever. */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	s->streams->n++;
	if (!try_inside(s, c))
		give_up(s, c);
}

void stream_accept(struct server *s, struct watch *w, uint32_t events)
{
	const struct entry *entry = WATCH_OWNER(w, struct entry, watch);
	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		union peer peer = {0};
		socklen_t len = sizeof(peer);
		if (s->streams->n >= most_connections(s)) {
			pause_all(s, true);
			return;
		}
		int fd = accept4(w->fd, &peer.sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
				      errno == ENOBUFS)) {
			pause_all(s, true);
			s->streams->resume_ms = now_ms() + RESUME_AFTER_MS;
		}
		if (fd < 0)
			return;
		if (entry->family == AF_UNIX)
			peer = (union peer){0};
		peer_unmap(&peer);
		begin(s, entry, fd, &peer);
	}
}

static int ms_until(uint64_t when, uint64_t now)
{
	return when <= now ? 0 : (int)(when - now);
}

int streams_resume(struct server *s)
{
	struct streams *t = s->streams;
	uint64_t now = t->resume_ms || t->retry_ms ? now_ms() : 0;
	if (t->retry_ms && t->retry_ms <= now)
		retry(s);
	if (t->resume_ms && t->resume_ms <= now) {
		t->resume_ms = 0;
		pause_all(s, false);
	}
	if (t->resume_ms && (!t->retry_ms || t->resume_ms < t->retry_ms))
		return ms_until(t->resume_ms, now);
	return t->retry_ms ? ms_until(t->retry_ms, now) : -1;
}
