/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_flow.c - what goes through a connection
 *
 * Two directions that know little of each other. Upwards: a segment in its turn goes to the
 * socket at once, what the socket does not take is kept, and the window that inside is told
 * is the room that is left: nothing that was allowed is ever dropped for want of room (but where
 * memory is short: then it is not acknowledged, and comes again). Downwards: what the socket
 * has is kept until inside has acknowledged it, and the socket is read only while there is room.
 *
 * An end passes through like a byte, behind all bytes. A reset of the outside comes inside
 * behind what was said before it; one of the inside is passed on at once.
 */
#include "base/own.h"
#include "net/tcp_own.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#define SCALE	      3 /* of the windows that we tell: 64 KiB << 3 is more than a buffer */
#define MSS_MIN	      48
#define FIRST_MS      250 /* until something is said again; then twice as long each time */
#define LONGEST_MS    30000
#define GRANTS_MAX    5
#define UNHEARD_MAX   10 /* in all some two minutes */
#define SAME_MAX      3	 /* [RFC 5681, 3.2] */
#define TELL_AFTER    (BUFFER_SIZE / 4)
#define READS_AT_ONCE 4

static int32_t ahead(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

/* An edge that was told is never taken back. */
static uint16_t window_to_tell(struct connection *c, bool is_grant)
{
	uint32_t edge = c->heard + (uint32_t)buffer_room(&c->tcp->buffers, &c->up);
	if (ahead(edge, c->heard_edge) > 0)
		c->heard_edge = edge;
	uint32_t window = c->heard_edge - c->heard;
	if (!is_grant && c->scale_ours > 0)
		window >>= c->scale_ours;
	return window > 65535 ? 65535 : (uint16_t)window;
}

static void say(
	struct connection *c, uint8_t flags, uint32_t sequence, const uint8_t *payload, size_t size)
{
	struct tcp_words words = {.sequence = sequence,
		.acknowledged = c->heard,
		.window = window_to_tell(c, flags & TCP_SYN),
		.flags = flags,
		.scale = c->scale_ours,
		.mss = (uint16_t)c->tcp->mss,
		.may_hold = c->may_hold,
		.held = c->may_hold && size == 0 ? &c->held : NULL};
	size_t n = tcp_headers_set(&c->headers, &words, size);
	c->heard_told = c->heard;
	c->must_tell = false;
	c->tcp->ways.send(c->tcp->ways.opaque, c->headers.bytes, n, payload, size);
}

void flow_say(struct connection *c, uint8_t flags, uint32_t sequence)
{
	say(c, flags, sequence, NULL, 0);
}

static int64_t patience(const struct connection *c)
{
	int64_t ms = FIRST_MS << (c->tries < 7 ? c->tries : 7);
	return ms < LONGEST_MS ? ms : LONGEST_MS;
}

/* Which events would let it go on. */
static void watch(struct connection *c)
{
	uint32_t events = 0;
	if (c->fd < 0)
		return;
	if (c->stage == OPEN && !c->is_outside_ended && buffer_room(&c->tcp->buffers, &c->down) > 0)
		events |= EPOLLIN;
	if (c->up.used > 0)
		events |= EPOLLOUT;
	/* Errors are wanted too, of one that has nothing more to say. */
	if (events == 0 && c->is_outside_ended)
		events = EPOLLPRI;
	loop_want(c->tcp->loop, c->fd, events);
}

bool flow_grant(struct connection *c)
{
	uint32_t first;
	if (getrandom(&first, sizeof(first), 0) != sizeof(first))
		return connection_reset(c), false;
	c->stage = GRANTED;
	c->scale_ours = c->scale_ours < 0 ? -1 : SCALE;
	c->acknowledged = first;
	c->said = c->said_most = c->mended = first + 1;
	flow_say(c, TCP_SYN | TCP_ACK, first);
	connection_await(c, patience(c));
	watch(c);
	return true;
}

static size_t largest(const struct connection *c)
{
	size_t max = c->tcp->payload_max;
	if (max == TCP_SEGMENT_MAX || max < c->mss)
		return max;
	return c->mss < MSS_MIN ? MSS_MIN : c->mss;
}

/* How much of what is not said yet may be said in one segment; 0: nothing now. */
static size_t next_piece(const struct connection *c, uint32_t under_way, const uint8_t **ret)
{
	size_t piece, most = largest(c);
	if (under_way >= c->down.used)
		return 0;
	*ret = buffer_look(&c->down, under_way, &piece);
	if (piece > most)
		piece = most;
	uint32_t open = c->window > under_way ? c->window - under_way : 0;
	if (piece <= open)
		return piece;
	/* One nearly closed is waited for, if something will open it [RFC 9293, 3.8.6.2.1]. */
	return under_way > 0 && open < c->mss && open < c->window_most / 2 ? 0 : open;
}

/* All that the window lets through, then the end; whatever is out has a time to be confirmed. */
static void speak(struct connection *c)
{
	const uint8_t *bytes = NULL;
	size_t size;
	uint32_t under_way = c->said - c->acknowledged;
	while ((size = next_piece(c, under_way, &bytes)) > 0) {
		bool is_last = under_way + size == c->down.used;
		say(c, is_last ? TCP_ACK | TCP_PSH : TCP_ACK, c->said, bytes, size);
		c->said += (uint32_t)size;
		under_way += (uint32_t)size;
	}
	if (c->is_outside_ended && !c->is_broken && !c->is_end_acknowledged &&
		under_way == c->down.used) {
		flow_say(c, TCP_FIN | TCP_ACK, c->said);
		c->said++;
	}
	if (ahead(c->said, c->said_most) > 0)
		c->said_most = c->said;
	if (!c->due_ms && (c->said != c->acknowledged || c->down.used > 0))
		connection_await(c, patience(c));
}

/* The outside was reset: inside gets what was said before, and then the same. */
static bool break_off(struct connection *c)
{
	size_t room;
	if (c->stage != OPEN)
		return connection_reset(c), false;
	if (!c->is_broken && !c->is_outside_ended) {
		uint8_t *to = buffer_space(&c->tcp->buffers, &c->down, &room);
		ssize_t got = to ? recv(c->fd, to, room, MSG_DONTWAIT) : 0;
		if (to)
			buffer_put(&c->tcp->buffers, &c->down, got > 0 ? (size_t)got : 0);
	}
	c->is_broken = c->is_outside_ended = c->is_outside_told_end = true;
	buffer_free(&c->tcp->buffers, &c->up);
	c->held = (struct held){0};
	if (c->fd >= 0) {
		loop_remove(c->tcp->loop, c->fd);
		clean_fd(&c->fd);
	}
	if (c->down.used == 0)
		return connection_reset(c), false;
	speak(c);
	return true;
}

/* Both have ended, and know it of each other. */
static bool is_over(struct connection *c)
{
	if (c->is_outside_told_end && c->is_outside_ended && c->fd >= 0) {
		loop_remove(c->tcp->loop, c->fd);
		clean_fd(&c->fd);
	}
	if (c->fd >= 0 || !c->is_end_acknowledged)
		return false;
	if (c->must_tell)
		flow_say(c, TCP_ACK, c->said_most);
	connection_end(c);
	return true;
}

static bool listen_outside(struct connection *c)
{
	for (int i = 0; i < READS_AT_ONCE && !c->is_outside_ended; i++) {
		size_t room;
		uint8_t *to = buffer_space(&c->tcp->buffers, &c->down, &room);
		if (!to)
			return true;
		ssize_t got = recv(c->fd, to, room, MSG_DONTWAIT);
		int reason = errno;
		buffer_put(&c->tcp->buffers, &c->down, got > 0 ? (size_t)got : 0);
		if (got < 0 && (reason == EAGAIN || reason == EINTR))
			return true;
		if (got < 0)
			return break_off(c);
		c->is_outside_ended = got == 0;
		speak(c);
		if ((size_t)got < room)
			return true;
	}
	return true;
}

/* Returns how much the socket took; -1 when it is broken. */
static ssize_t tell_outside(const struct connection *c, const uint8_t *bytes, size_t size)
{
	for (;;) {
		ssize_t n = send(c->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n >= 0)
			return n;
		if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
			return 0;
		if (errno != EINTR)
			return -1;
	}
}

static void tell_end(struct connection *c)
{
	if (!c->is_inside_ended || c->is_outside_told_end || c->up.used > 0)
		return;
	shutdown(c->fd, SHUT_WR);
	c->is_outside_told_end = true;
}

static bool push_up(struct connection *c)
{
	while (c->up.used > 0) {
		size_t size;
		const uint8_t *bytes = buffer_look(&c->up, 0, &size);
		ssize_t n = tell_outside(c, bytes, size);
		if (n < 0)
			return break_off(c);
		buffer_drop(&c->tcp->buffers, &c->up, (size_t)n);
		if (n == 0)
			break;
	}
	uint32_t edge = c->heard + (uint32_t)buffer_room(&c->tcp->buffers, &c->up);
	if (ahead(edge, c->heard_edge) >= TELL_AFTER ||
		(c->heard_edge == c->heard && edge != c->heard))
		connection_note(c);
	tell_end(c);
	return true;
}

static void say_again(struct connection *c)
{
	c->said = c->acknowledged;
	c->mended = c->said_most;
}

/*
 * Counts one that says nothing new; true for the third, which tells of a loss. All is said again
 * then, and what was no loss is heard twice: the answers to that are no complaints.
 */
static bool is_complaint(struct connection *c, const struct tcp_segment *s, uint32_t window)
{
	if (s->size > 0 || (s->flags & TCP_FIN) || window != c->window ||
		c->said == c->acknowledged || ahead(c->acknowledged, c->mended) < 0) {
		c->n_same = 0;
		return false;
	}
	return ++c->n_same == SAME_MAX;
}

static bool take_acknowledgement(struct connection *c, const struct tcp_segment *s)
{
	int32_t n = ahead(s->acknowledged, c->acknowledged);
	uint32_t window = (uint32_t)s->window << c->scale_inside;
	if (n < 0)
		return true; /* an old one */
	if (n == 0 && is_complaint(c, s, window))
		say_again(c);
	c->window = window;
	if (window > c->window_most)
		c->window_most = window;
	if (n > 0) {
		size_t bytes = (size_t)n < c->down.used ? (size_t)n : c->down.used;
		c->is_end_acknowledged = (size_t)n > bytes;
		buffer_drop(&c->tcp->buffers, &c->down, bytes);
		c->acknowledged = s->acknowledged;
		if (ahead(c->said, c->acknowledged) < 0)
			c->said = c->acknowledged;
		c->tries = c->n_same = 0;
		c->due_ms = 0;
	}
	if (c->is_broken && c->down.used == 0)
		return connection_reset(c), false;
	speak(c);
	return true;
}

/* Bytes in their turn. Returns how many were taken, or -1 when the connection is no more. */
static ssize_t take_bytes(struct connection *c, const uint8_t *bytes, size_t size)
{
	ssize_t n = 0;
	if (c->is_broken)
		return connection_reset(c), -1; /* it would be said to nobody */
	if (c->up.used == 0)
		n = tell_outside(c, bytes, size);
	if (n < 0)
		return break_off(c) ? 0 : -1;
	if (c->up.used == 0)
		buffer_pass(&c->tcp->buffers, &c->up, (size_t)n);
	return n + (ssize_t)buffer_append(&c->tcp->buffers, &c->up, bytes + n, size - (size_t)n);
}

/* Where inside's stream ends; it is in the window like a byte, or has come too early. */
static void note_end(struct connection *c, const struct tcp_segment *s)
{
	uint32_t end = s->sequence + (uint32_t)s->size;
	if (!(s->flags & TCP_FIN) || ahead(end, c->heard_edge) > 0)
		return;
	c->held.has_end = true;
	c->held.end = end;
}

/* What lies behind a hole; of more than was allowed nothing. */
static void hold(struct connection *c, const struct tcp_segment *s)
{
	size_t gap = s->sequence - c->heard;
	uint32_t end = s->sequence + (uint32_t)s->size;
	if (c->is_broken || ahead(end, c->heard_edge) > 0)
		return;
	note_end(c, s);
	if (s->size > 0 && buffer_put_early(&c->tcp->buffers, &c->up, gap, s->payload, s->size))
		held_add(&c->held, s->sequence, end);
}

/* The hole before them is filled. */
static bool take_held(struct connection *c)
{
	uint32_t reach = held_reach(&c->held, c->heard);
	if (reach != c->heard) {
		buffer_put(&c->tcp->buffers, &c->up, reach - c->heard);
		c->heard = reach;
		if (!push_up(c))
			return false;
	}
	if (c->held.has_end && c->heard == c->held.end) {
		c->held = (struct held){0};
		buffer_drop_early(&c->tcp->buffers, &c->up);
		c->heard++;
		c->is_inside_ended = true;
		tell_end(c);
	}
	return true;
}

static bool take_payload(struct connection *c, const struct tcp_segment *s)
{
	int32_t known = ahead(c->heard, s->sequence);
	if (known == 0 && s->size == 0 && !(s->flags & TCP_FIN))
		return true;
	if (known < 0 || (size_t)known > s->size || c->is_inside_ended) {
		if (known < 0 && !c->is_inside_ended)
			hold(c, s);
		/* A hole before it, or all of it known: said at once, since its number counts. */
		flow_say(c, TCP_ACK, c->said);
		return true;
	}
	const uint8_t *bytes = s->payload + known;
	size_t size = s->size - (size_t)known, room = c->heard_edge - c->heard;
	size_t taken_max = size < room ? size : room;
	ssize_t taken = taken_max > 0 ? take_bytes(c, bytes, taken_max) : 0;
	if (taken < 0)
		return false;
	c->heard += (uint32_t)taken;
	note_end(c, s);
	if (!take_held(c))
		return false;
	connection_note(c);
	if (c->heard - c->heard_told >= TELL_AFTER)
		flow_say(c, TCP_ACK, c->said);
	return true;
}

/* Passed on at once. Only the very number that is waited for counts [RFC 5961, 3]. */
static bool take_reset(struct connection *c, const struct tcp_segment *s)
{
	if (s->sequence != c->heard) {
		connection_note(c);
		return true;
	}
	connection_cut(c);
	return false;
}

bool flow_segment(struct connection *c, const struct tcp_segment *s)
{
	if (s->flags & TCP_RST)
		return take_reset(c, s);
	if (s->flags & TCP_SYN) {
		if (c->stage == GRANTED)
			flow_say(c, TCP_SYN | TCP_ACK, c->acknowledged);
		else
			connection_note(c);
		return true;
	}
	if (!(s->flags & TCP_ACK))
		return true;
	if (ahead(s->acknowledged, c->said_most) > 0) {
		connection_note(c);
		return true;
	}
	c->unheard = 0;
	if (c->stage == GRANTED && s->acknowledged != c->said)
		return true;
	if (c->stage == GRANTED) {
		c->stage = OPEN;
		c->acknowledged = c->said;
		c->due_ms = 0;
		c->tries = 0;
	}
	if (!take_acknowledgement(c, s) || !take_payload(c, s) || is_over(c))
		return false;
	watch(c);
	return true;
}

bool flow_ready(struct connection *c, uint32_t events)
{
	bool is_broken = events & (EPOLLERR | EPOLLHUP);
	if (c->stage == GRANTED || (is_broken && c->is_outside_ended)) {
		if (is_broken && !break_off(c))
			return false;
	} else {
		if ((events & EPOLLOUT) && !push_up(c))
			return false;
		if ((is_broken || (events & EPOLLIN)) && c->fd >= 0 && !listen_outside(c))
			return false;
	}
	if (is_over(c))
		return false;
	watch(c);
	return true;
}

bool flow_due(struct connection *c)
{
	if (c->unheard >= (c->stage == GRANTED ? GRANTS_MAX : UNHEARD_MAX))
		return connection_reset(c), false;
	c->unheard++;
	c->tries++;
	if (c->stage == GRANTED) {
		flow_say(c, TCP_SYN | TCP_ACK, c->acknowledged);
	} else if (c->window == 0 && c->down.used > 0) {
		/* One byte asks whether the window is still closed; it counts as not yet said. */
		size_t size;
		c->said = c->acknowledged;
		say(c, TCP_ACK, c->said, buffer_look(&c->down, 0, &size), 1);
		if (c->said_most == c->said)
			c->said_most++;
	} else {
		say_again(c);
		speak(c);
	}
	if (!c->due_ms)
		connection_await(c, patience(c));
	return true;
}
