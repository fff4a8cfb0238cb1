/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guscio-net's own way for TCP: a container's kernel is played here, byte by byte; the outside
 * is one end of a socket pair.
 */
#include "unit.h"

#include "net/buffer.h"
#include "net/tcp.h"
#include "net/tcp_segment.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST	 1000u /* inside's sequence number */
#define FRAMES	 64
#define WHOLE	 (600 * 1024)
#define LOST_ONE 5 /* of so many, where frames get lost */

static struct net_settings settings = {
	.mtu = 65520, .has_v6 = true, .prefix6 = 64, .control_fd = -1, .is_host_loopback = true};
static struct loop *loop;
static struct tcp *tcp;
static int64_t now_ms;
static int dial_errno, refused, outside;
static union endpoint dialled;

/* What came inside since last looked at. */
static struct {
	struct tcp_segment segment;
	uint8_t payload[TCP_SEGMENT_MAX];
	struct held held;
} came[FRAMES];
static size_t n_came;
static bool loses;

static int64_t clock_ms(void)
{
	return now_ms;
}

/* The pieces that a segment of IPv4 says to have come early. */
static struct held read_held(const uint8_t *frame)
{
	const uint8_t *at = frame + FRAME_ETHERNET + 20, *end = at + (at[12] >> 4) * 4;
	struct held held = {.n = 0};
	for (at += 20; at < end && *at; at += *at == 1 ? 1 : at[1])
		for (const uint8_t *piece = at + 2; *at == 5 && piece < at + at[1]; piece += 8) {
			uint32_t words[2];
			memcpy(words, piece, sizeof(words));
			assert_true(held.n < HELD_MAX);
			held.pieces[held.n++] =
				(struct held_piece){ntohl(words[0]), ntohl(words[1])};
		}
	return held;
}

/* Turns a frame round, so that tcp_segment_read() takes it. */
static void take(void *opaque, uint8_t *headers, size_t n, const uint8_t *payload, size_t size)
{
	static uint8_t frame[FRAME_MAX];
	(void)opaque;
	if (loses && rand() % LOST_ONE == 0)
		return;
	assert_true(n_came < FRAMES);
	assert_true(n + size <= sizeof(frame));
	memcpy(frame, headers, n);
	if (size > 0)
		memcpy(frame + n, payload, size);
	assert_true(tcp_segment_read(frame, n + size, &came[n_came].segment));
	assert_int_equal(came[n_came].segment.size, size);
	if (size > 0)
		memcpy(came[n_came].payload, payload, size);
	came[n_came].held = headers[12] == 0x08 ? read_held(frame) : (struct held){.n = 0};
	came[n_came].segment.payload = came[n_came].payload;
	n_came++;
}

static void note_refusal(void *opaque, const uint8_t *frame, size_t size, int reason)
{
	(void)opaque;
	assert_true(size >= FRAME_ETHERNET + 20 + 8 && frame[0] == 0x52);
	refused = reason;
}

static int give_pair(void *opaque, const union endpoint *to)
{
	int fds[2];
	(void)opaque;
	dialled = *to;
	if (dial_errno) {
		errno = dial_errno;
		return -1;
	}
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	outside = fds[0];
	return fds[1];
}

static int setup(void **state)
{
	static const struct tcp_ways ways = {take, note_refusal, give_pair, clock_ms, NULL};
	(void)state;
	inet_pton(AF_INET, "10.0.2.100", &settings.guest4);
	inet_pton(AF_INET, "255.255.255.0", &settings.mask4);
	inet_pton(AF_INET, "10.0.2.2", &settings.gateway4);
	inet_pton(AF_INET6, "fd00::100", &settings.guest6);
	inet_pton(AF_INET, "10.0.2.3", &settings.dns4);
	inet_pton(AF_INET6, "fd00::2", &settings.gateway6);
	inet_pton(AF_INET6, "fd00::3", &settings.dns6);
	settings.is_internal = false;
	settings.is_host_loopback = true;
	loop = loop_new(&error);
	assert_non_null(loop);
	tcp = tcp_new(&settings, loop, &ways, &error);
	assert_non_null(tcp);
	tcp_set_segment(tcp, 65460, SIZE_MAX);
	now_ms = 1000;
	dial_errno = refused = 0;
	outside = -1;
	n_came = 0;
	loses = false;
	dialled = (union endpoint){0};
	return 0;
}

static void end_outside(void)
{
	close(outside);
	outside = -1;
}

static int teardown(void **state)
{
	(void)state;
	tcp_free(tcp);
	loop_free(loop);
	if (outside >= 0)
		end_outside();
	return 0;
}

/* Events of the sockets, then what was only noted. */
static void turn(void)
{
	loop_wait(loop, 0);
	tcp_expire(tcp, now_ms);
	tcp_prepare(tcp, now_ms);
}

/* A frame of inside, to @to; its port is 80. */
static size_t frame_to(const char *to, const struct tcp_words *words, const void *payload,
	size_t size, uint8_t *frame)
{
	struct tcp_ends back = {.inside_port = htons(80), .outside_port = htons(40000)};
	struct tcp_headers h;
	uint8_t ethernet[FRAME_ETHERNET] = "\2\0\0\0\0\1\x52\x55\x0a\0\2\2";
	back.is_v6 = strchr(to, ':') != NULL;
	memcpy(ethernet + 12, back.is_v6 ? "\x86\xdd" : "\x08\x00", 2);
	/* Headers are made for who answers: so inside and outside change places. */
	inet_pton(back.is_v6 ? AF_INET6 : AF_INET, to, &back.inside);
	inet_pton(back.is_v6 ? AF_INET6 : AF_INET, back.is_v6 ? "fd00::100" : "10.0.2.100",
		&back.outside);
	tcp_headers_make(ethernet, &back, &h);
	size_t n = tcp_headers_set(&h, words, size);
	memcpy(frame, h.bytes, n);
	if (size > 0)
		memcpy(frame + n, payload, size);
	return n + size;
}

static void ask_port(const char *to, uint16_t port)
{
	uint8_t frame[256];
	struct tcp_words words = {.sequence = FIRST,
		.window = 65535,
		.flags = TCP_SYN,
		.scale = 2,
		.mss = 65460,
		.may_hold = true};
	size_t size = frame_to(to, &words, NULL, 0, frame);
	port = htons(port);
	memcpy(frame + FRAME_ETHERNET + (strchr(to, ':') ? 40 : 20) + 2, &port, 2);
	if (!tcp_take(tcp, frame, size))
		tcp_take_stray(tcp, frame, size);
}

static void ask(const char *to)
{
	ask_port(to, 80);
}

static bool send_inside(uint8_t flags, uint32_t sequence, uint32_t acknowledged, uint16_t window,
	const void *payload, size_t size)
{
	static uint8_t frame[FRAME_MAX];
	struct tcp_words words = {sequence, acknowledged, window, flags, -1, 0};
	return tcp_take(tcp, frame, frame_to("10.0.2.2", &words, payload, size, frame));
}

/* Returns outside's first sequence number after the grant. */
static uint32_t open_connection(uint16_t window)
{
	ask("10.0.2.2");
	turn();
	assert_int_equal(n_came, 1);
	assert_int_equal(came[0].segment.flags, TCP_SYN | TCP_ACK);
	uint32_t theirs = came[0].segment.sequence + 1;
	n_came = 0;
	assert_true(send_inside(TCP_ACK, FIRST + 1, theirs, window, NULL, 0));
	turn();
	assert_int_equal(n_came, 0);
	return theirs;
}

static void what_cannot_be_is_refused_as_outside_does(void **state)
{
	(void)state;
	dial_errno = ECONNREFUSED;
	ask("10.0.2.2");
	assert_int_equal(n_came, 1);
	assert_int_equal(came[0].segment.flags, TCP_RST | TCP_ACK);
	assert_int_equal(came[0].segment.acknowledged, FIRST + 1);
	dial_errno = ENETUNREACH;
	ask("192.0.2.1");
	assert_int_equal(refused, ENETUNREACH);
	refused = 0;
	dial_errno = EMFILE; /* not refused: it may be asked again */
	ask("192.0.2.1");
	assert_int_equal(refused, 0);
	assert_int_equal(n_came, 1);
	assert_int_equal(tcp_count(tcp), 0);
}

static void no_way_leads_to_the_host_or_back_inside(void **state)
{
	static const char *const none[] = {"10.0.2.4", "10.0.2.255", "127.0.0.1", "0.0.0.0",
		"224.0.0.1", "255.255.255.255", "fd00::4", "fe80::1", "ff02::1", "::1",
		"::ffff:127.0.0.1"};
	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		refused = 0;
		ask(none[i]);
		assert_true(refused == ENETUNREACH || refused == EHOSTUNREACH);
	}
	assert_int_equal(dialled.any.sa_family, 0);
	settings.is_host_loopback = false;
	refused = 0;
	ask("10.0.2.2");
	assert_int_equal(refused, ENETUNREACH);
	refused = 0;
	ask("fd00::2");
	assert_int_equal(refused, ENETUNREACH);
	settings.is_internal = true;
	refused = 0;
	ask("192.0.2.1");
	assert_int_equal(refused, ENETUNREACH);
	assert_int_equal(dialled.any.sa_family, 0);
	ask_port("10.0.2.3", 53);
	assert_int_equal(dialled.any.sa_family, AF_UNIX);
	assert_int_equal(n_came, 0);
	ask_port("fd00::3", 80);
	assert_int_equal(came[0].segment.flags, TCP_RST | TCP_ACK);
}

static void addresses_lead_where_they_say(void **state)
{
	(void)state;
	dial_errno = EMFILE;
	ask("10.0.2.2");
	assert_int_equal(dialled.v4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	assert_int_equal(dialled.v4.sin_port, htons(80));
	ask("fd00::2");
	assert_true(IN6_IS_ADDR_LOOPBACK(&dialled.v6.sin6_addr));
	ask("192.0.2.1");
	assert_int_equal(dialled.v4.sin_addr.s_addr, inet_addr("192.0.2.1"));
	ask_port("fd00::3", 53);
	assert_int_equal(dialled.any.sa_family, AF_UNIX);
	assert_int_equal(tcp_count(tcp), 0);
}

static void who_talks_of_no_connection_is_reset(void **state)
{
	static uint8_t frame[256];
	struct tcp_words words = {7, 9, 0, TCP_ACK, -1, 0};
	(void)state;
	tcp_take_stray(tcp, frame, frame_to("10.0.2.2", &words, "abc", 3, frame));
	assert_int_equal(came[0].segment.flags, TCP_RST);
	assert_int_equal(came[0].segment.sequence, 9);
	words.flags = TCP_FIN;
	tcp_take_stray(tcp, frame, frame_to("10.0.2.2", &words, "abc", 3, frame));
	assert_int_equal(came[1].segment.flags, TCP_RST | TCP_ACK);
	assert_int_equal(came[1].segment.acknowledged, 7 + 3 + 1);
	words.flags = TCP_RST | TCP_ACK;
	tcp_take_stray(tcp, frame, frame_to("10.0.2.2", &words, "abc", 3, frame));
	assert_int_equal(n_came, 2);
	assert_int_equal(tcp_count(tcp), 0);
}

static void bytes_and_ends_pass_both_ways(void **state)
{
	char text[16];
	(void)state;
	uint32_t theirs = open_connection(65535);
	assert_true(send_inside(TCP_ACK | TCP_PSH, FIRST + 1, theirs, 65535, "hello", 5));
	turn();
	assert_int_equal(read(outside, text, sizeof(text)), 5);
	assert_int_equal(n_came, 1);
	assert_int_equal(came[0].segment.acknowledged, FIRST + 6);
	n_came = 0;
	assert_int_equal(write(outside, "world!", 6), 6);
	turn();
	assert_int_equal(n_came, 1);
	assert_int_equal(came[0].segment.size, 6);
	assert_memory_equal(came[0].payload, "world!", 6);
	n_came = 0;
	/* Half an end: inside has said all, and still listens. */
	assert_true(send_inside(TCP_ACK | TCP_FIN, FIRST + 6, theirs + 6, 65535, NULL, 0));
	turn();
	assert_int_equal(came[0].segment.acknowledged, FIRST + 7);
	assert_int_equal(read(outside, text, sizeof(text)), 0);
	assert_int_equal(write(outside, "more", 4), 4);
	end_outside();
	n_came = 0;
	turn();
	turn();
	assert_int_equal(n_came, 2);
	assert_memory_equal(came[0].payload, "more", 4);
	assert_int_equal(came[1].segment.flags, TCP_FIN | TCP_ACK);
	assert_int_equal(tcp_count(tcp), 1);
	assert_true(send_inside(TCP_ACK, FIRST + 7, theirs + 11, 65535, NULL, 0));
	assert_int_equal(tcp_count(tcp), 0);
	assert_int_equal(tcp_prepare(tcp, now_ms + 1000000), 0); /* a last look, and then none */
	tcp_expire(tcp, now_ms + 1000000);
	assert_int_equal(tcp_prepare(tcp, now_ms + 1000000), -1);
}

static void what_is_not_taken_closes_the_window_and_is_kept(void **state)
{
	static uint8_t bytes[32768], back[32768];
	size_t said = 0, got = 0;
	(void)state;
	uint32_t theirs = open_connection(65535);
	uint32_t window = 65535;
	while (window >= sizeof(bytes)) {
		memset(bytes, (int)(said / sizeof(bytes)), sizeof(bytes));
		assert_true(send_inside(
			TCP_ACK, FIRST + 1 + (uint32_t)said, theirs, 65535, bytes, sizeof(bytes)));
		said += sizeof(bytes);
		turn();
		assert_int_equal(came[n_came - 1].segment.acknowledged, FIRST + 1 + said);
		window = (uint32_t)came[n_came - 1].segment.window << 3;
		n_came = 0;
	}
	/* Beyond the edge nothing is taken. */
	assert_true(send_inside(
		TCP_ACK, FIRST + 1 + (uint32_t)said, theirs, 65535, bytes, sizeof(bytes)));
	turn();
	assert_true(came[0].segment.acknowledged - (FIRST + 1 + (uint32_t)said) <= window);
	said += came[0].segment.acknowledged - (FIRST + 1 + (uint32_t)said);
	n_came = 0;
	while (got < said) {
		ssize_t n = read(outside, back, sizeof(back));
		if (n < 0)
			turn();
		for (ssize_t i = 0; i < n; i++)
			assert_true(back[i] == (uint8_t)((got + (size_t)i) / sizeof(bytes)) ||
				    got + (size_t)i >= said / sizeof(bytes) * sizeof(bytes));
		got += n > 0 ? (size_t)n : 0;
	}
	turn();
	assert_true(n_came > 0);
	/* A little more room is not worth a frame. */
	assert_true((uint32_t)came[n_came - 1].segment.window << 3 > BUFFER_SIZE / 4 * 3 - 8);
}

static void say_early(uint32_t at, const char *bytes, uint8_t end, uint32_t theirs)
{
	assert_true(send_inside(TCP_ACK | end, FIRST + at, theirs, 65535, bytes, strlen(bytes)));
}

static void expect_held(const struct held_piece *pieces, unsigned n)
{
	const struct held *held = &came[n_came - 1].held;
	assert_int_equal(held->n, n);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(held->pieces[i].from, FIRST + pieces[i].from);
		assert_int_equal(held->pieces[i].to, FIRST + pieces[i].to);
	}
}

static void what_comes_early_is_held_and_told(void **state)
{
	char text[32];
	(void)state;
	uint32_t theirs = open_connection(65535);
	say_early(5, "efg", 0, theirs);
	expect_held((struct held_piece[]){{5, 8}}, 1);
	say_early(12, "lm", TCP_FIN, theirs);
	expect_held((struct held_piece[]){{12, 15}, {5, 8}}, 2); /* with the end */
	say_early(7, "gh", 0, theirs);
	expect_held((struct held_piece[]){{5, 9}, {12, 15}}, 2);
	assert_int_equal(came[n_came - 1].segment.acknowledged, FIRST + 1);
	assert_int_equal(read(outside, text, sizeof(text)), -1);
	say_early(1, "abcd", 0, theirs);
	turn();
	assert_int_equal(read(outside, text, sizeof(text)), 8);
	assert_memory_equal(text, "abcdefgh", 8);
	assert_int_equal(came[n_came - 1].segment.acknowledged, FIRST + 9);
	expect_held((struct held_piece[]){{12, 15}}, 1);
	say_early(9, "ijkl", 0, theirs); /* one known already */
	turn();
	assert_int_equal(read(outside, text, sizeof(text)), 5);
	assert_memory_equal(text, "ijklm", 5);
	assert_int_equal(came[n_came - 1].segment.acknowledged, FIRST + 15);
	expect_held(NULL, 0);
	assert_int_equal(read(outside, text, sizeof(text)), 0);
}

static void no_more_is_held_than_was_allowed_and_can_be_told(void **state)
{
	static uint8_t bytes[BUFFER_SIZE];
	(void)state;
	uint32_t theirs = open_connection(65535);
	uint32_t edge = FIRST + 1 + BUFFER_SIZE;
	assert_true(send_inside(TCP_ACK, edge - 1, theirs, 65535, bytes, 2));
	expect_held(NULL, 0);
	assert_true(send_inside(TCP_ACK | TCP_FIN, edge - 1, theirs, 65535, bytes, 1));
	expect_held((struct held_piece[]){{edge - 1 - FIRST, edge + 1 - FIRST}}, 1);
	for (uint32_t at = 3; at < 20; at += 2)
		say_early(at, "x", 0, theirs);
	assert_int_equal(came[n_came - 1].held.n, HELD_MAX);
	/* All of it comes again, in its turn and in larger pieces; only the end is missing. */
	size_t got = 0;
	n_came = 0;
	for (uint32_t at = 0; at < BUFFER_SIZE - 1; at += 65279)
		assert_true(send_inside(TCP_ACK, FIRST + 1 + at, theirs, 65535, bytes,
			at + 65279 < BUFFER_SIZE ? 65279 : BUFFER_SIZE - 1 - at));
	for (int i = 0; i < 100; i++) {
		ssize_t n = read(outside, bytes, sizeof(bytes));
		got += n > 0 ? (size_t)n : 0;
		turn();
	}
	assert_int_equal(got, BUFFER_SIZE);
	assert_int_equal(read(outside, bytes, 1), 0);
	assert_int_equal(came[n_came - 1].segment.acknowledged, edge + 1);
}

static void what_came_early_goes_with_a_connection_that_breaks(void **state)
{
	(void)state;
	uint32_t theirs = open_connection(65535);
	say_early(5, "efg", TCP_FIN, theirs);
	end_outside();
	n_came = 0;
	say_early(1, "abcd", 0, theirs);
	turn();
	turn();
	assert_true(came[n_came - 1].segment.flags & TCP_RST);
	assert_int_equal(tcp_count(tcp), 0);
}

static void holes_are_complained_of_and_known_bytes_come_once(void **state)
{
	char text[16];
	(void)state;
	uint32_t theirs = open_connection(65535);
	assert_true(send_inside(TCP_ACK, FIRST + 4, theirs, 65535, "def", 3));
	assert_int_equal(n_came, 1); /* at once */
	assert_int_equal(came[0].segment.acknowledged, FIRST + 1);
	assert_true(send_inside(TCP_ACK, FIRST + 1, theirs, 65535, "abc", 3));
	assert_true(send_inside(TCP_ACK, FIRST + 2, theirs, 65535, "bcde", 4));
	assert_true(send_inside(TCP_ACK, FIRST + 1, theirs, 65535, "ab", 2));
	turn();
	assert_int_equal(read(outside, text, sizeof(text)), 6);
	assert_memory_equal(text, "abcdef", 6);
	assert_int_equal(came[n_came - 1].segment.acknowledged, FIRST + 7);
	/* An acknowledgement of what was never said is answered, and changes nothing. */
	n_came = 0;
	assert_true(send_inside(TCP_ACK, FIRST + 7, theirs + 99, 65535, "f", 1));
	turn();
	assert_int_equal(came[0].segment.acknowledged, FIRST + 7);
	assert_int_equal(read(outside, text, sizeof(text)), -1);
}

static void what_is_lost_is_said_again(void **state)
{
	(void)state;
	uint32_t theirs = open_connection(65535);
	assert_int_equal(write(outside, "abc", 3), 3);
	turn();
	n_came = 0;
	assert_int_equal(write(outside, "def", 3), 3);
	turn();
	n_came = 0;
	for (int i = 0; i < 3; i++)
		assert_true(send_inside(TCP_ACK, FIRST + 1, theirs, 65535, NULL, 0));
	assert_int_equal(n_came, 1);
	assert_int_equal(came[0].segment.sequence, theirs);
	assert_memory_equal(came[0].payload, "abcdef", 6);
	n_came = 0;
	/* The answers to what was heard twice are no complaints. */
	for (int i = 0; i < 4; i++)
		assert_true(send_inside(TCP_ACK, FIRST + 1, theirs + 3, 65535, NULL, 0));
	assert_int_equal(n_came, 0);
	now_ms += 240;
	turn();
	assert_int_equal(n_came, 0);
	now_ms += 20;
	turn();
	assert_int_equal(n_came, 1);
	assert_memory_equal(came[0].payload, "def", 3);
	/* Each time it takes twice as long, and at last it is over. */
	n_came = 0;
	now_ms += 490;
	turn();
	assert_int_equal(n_came, 0);
	for (int i = 0; i < 12 && tcp_count(tcp) > 0; i++) {
		now_ms += 31000;
		turn();
	}
	assert_int_equal(tcp_count(tcp), 0);
	assert_true(came[n_came - 1].segment.flags & TCP_RST);
}

static void a_closed_window_is_asked_about_by_one_byte(void **state)
{
	(void)state;
	uint32_t theirs = open_connection(0);
	assert_int_equal(write(outside, "abc", 3), 3);
	turn();
	assert_int_equal(n_came, 0);
	for (int i = 0; i < 30; i++) {
		now_ms += 31000;
		turn();
		assert_int_equal(n_came, 1);
		assert_int_equal(came[0].segment.size, 1);
		assert_int_equal(came[0].segment.sequence, theirs);
		n_came = 0;
		assert_true(send_inside(TCP_ACK, FIRST + 1, theirs, 0, NULL, 0));
	}
	assert_true(send_inside(TCP_ACK, FIRST + 1, theirs, 1000, NULL, 0));
	assert_int_equal(n_came, 1);
	assert_memory_equal(came[0].payload, "abc", 3);
	assert_int_equal(came[0].segment.size, 3);
}

static void resets_pass_both_ways(void **state)
{
	char text[4];
	(void)state;
	uint32_t theirs = open_connection(65535);
	/* One whose number is not the very next is answered, not obeyed. */
	assert_true(send_inside(TCP_RST, FIRST + 2, theirs, 0, NULL, 0));
	turn();
	assert_int_equal(came[0].segment.flags, TCP_ACK);
	assert_true(send_inside(TCP_RST, FIRST + 1, theirs, 0, NULL, 0));
	assert_int_equal(tcp_count(tcp), 0);
	assert_int_equal(read(outside, text, sizeof(text)), 0);
	end_outside();
	n_came = 0;
	theirs = open_connection(65535);
	/* Closed with something unread, a socket of this kind is reset. */
	assert_true(send_inside(TCP_ACK, FIRST + 1, theirs, 65535, "abc", 3));
	assert_int_equal(write(outside, "last", 4), 4);
	end_outside();
	turn();
	turn();
	assert_memory_equal(came[0].payload, "last", 4);
	n_came = 0;
	assert_true(send_inside(TCP_ACK, FIRST + 4, theirs + 4, 65535, NULL, 0));
	assert_true(came[n_came - 1].segment.flags & TCP_RST);
	assert_int_equal(tcp_count(tcp), 0);
}

static void nobody_talks_in_anothers_connection(void **state)
{
	static uint8_t frame[256];
	struct tcp_words words = {FIRST + 1, open_connection(65535), 65535, TCP_ACK, -1, 0};
	size_t size = frame_to("10.0.2.2", &words, "abc", 3, frame);
	(void)state;
	frame[11] = 9; /* another container, whose address says that it is this one */
	assert_false(tcp_take(tcp, frame, size));
	frame[11] = 1;
	assert_true(tcp_take(tcp, frame, size));
}

static void a_request_may_come_again_or_be_another(void **state)
{
	(void)state;
	ask("10.0.2.2");
	ask("10.0.2.2");
	assert_int_equal(tcp_count(tcp), 1);
	turn();
	assert_int_equal(n_came, 1);
	ask("10.0.2.2");
	assert_int_equal(came[1].segment.flags, TCP_SYN | TCP_ACK);
	assert_int_equal(came[1].segment.sequence, came[0].segment.sequence);
	assert_true(send_inside(TCP_ACK, FIRST + 1, came[0].segment.sequence + 1, 1000, NULL, 0));
	n_came = 0;
	ask("10.0.2.2"); /* who knows nothing of the connection will reset it */
	turn();
	assert_int_equal(came[0].segment.flags, TCP_ACK);
}

static void grants_and_requests_that_nobody_confirms_end(void **state)
{
	(void)state;
	ask("10.0.2.2");
	turn();
	for (int i = 0; i < 8; i++) {
		now_ms += 10000;
		turn();
	}
	assert_int_equal(tcp_count(tcp), 0);
	n_came = 0;
	ask("10.0.2.2");
	now_ms += 80000;
	tcp_expire(tcp, now_ms);
	assert_int_equal(tcp_count(tcp), 0);
	assert_int_equal(n_came, 0);
}

static void strange_options_do_no_harm(void **state)
{
	static const uint8_t strange[][8] = {{2, 4, 0, 0, 3, 3, 255, 0}, {2, 0}, {3, 9, 1},
		{8, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 2}};
	uint8_t frame[256];
	struct tcp_segment s;
	struct tcp_words words = {
		.sequence = FIRST, .window = 1, .flags = TCP_SYN, .scale = 2, .mss = 1000};
	(void)state;
	for (size_t i = 0; i < sizeof(strange) / sizeof(*strange); i++) {
		size_t size = frame_to("10.0.2.2", &words, NULL, 0, frame);
		memcpy(frame + size - 8, strange[i], 8);
		assert_true(tcp_segment_read(frame, size, &s));
		assert_true(s.scale <= 14);
		for (size_t cut = 0; cut < size; cut++)
			assert_false(tcp_segment_read(frame, cut, &s));
	}
	memcpy(frame + 14 + 20 + 12, "\xf0", 1); /* headers longer than the packet */
	assert_false(tcp_segment_read(frame, 14 + 20 + 28, &s));
	memcpy(frame + 14 + 20 + 12, "\x40", 1); /* and too short ones */
	assert_false(tcp_segment_read(frame, 14 + 20 + 28, &s));
}

/* A kernel that sends and hears in order only, and says again what gets lost. */
struct kernel {
	uint32_t theirs; /* heard so far */
	size_t said, acknowledged, heard;
	uint32_t window;
};

static void kernel_hear(struct kernel *k, const uint8_t *expected)
{
	for (size_t i = 0; i < n_came; i++) {
		const struct tcp_segment *s = &came[i].segment;
		size_t acknowledged = s->acknowledged - (FIRST + 1);
		assert_false(s->flags & TCP_RST);
		if (acknowledged > k->acknowledged)
			k->acknowledged = acknowledged;
		k->window = (uint32_t)s->window << 3;
		if (s->size == 0 || s->sequence != k->theirs)
			continue;
		assert_memory_equal(s->payload, expected + k->heard, s->size);
		k->heard += s->size;
		k->theirs += (uint32_t)s->size;
	}
	n_came = 0;
}

static void kernel_say(struct kernel *k, const uint8_t *bytes)
{
	k->said = k->acknowledged; /* all that is open, every time */
	struct {
		size_t at, size;
	} pieces[8];
	for (int i = 0; i < 8; i++) {
		size_t size = 1 + (size_t)rand() % 30000,
		       open = k->acknowledged + k->window - k->said;
		size = size < open ? size : open;
		size = size < WHOLE - k->said ? size : WHOLE - k->said;
		pieces[i].at = k->said;
		pieces[i].size = size;
		k->said += size;
	}
	/* In any order. */
	for (int i = 8; i > 0; i--) {
		int one = rand() % i;
		if (rand() % LOST_ONE)
			send_inside(TCP_ACK, FIRST + 1 + (uint32_t)pieces[one].at, k->theirs, 20000,
				bytes + pieces[one].at, pieces[one].size);
		pieces[one] = pieces[i - 1];
	}
}

static void streams_are_whole_whatever_gets_lost(void **state)
{
	static uint8_t up[WHOLE], down[WHOLE], back[WHOLE];
	size_t written = 0, got = 0;
	(void)state;
	srand(1);
	for (size_t i = 0; i < WHOLE; i++) {
		up[i] = (uint8_t)rand();
		down[i] = (uint8_t)rand();
	}
	struct kernel k = {.window = 65535, .theirs = open_connection(20000)};
	loses = true;
	for (int round = 0; round < 20000 && (got < WHOLE || k.heard < WHOLE); round++) {
		kernel_say(&k, up);
		ssize_t n = write(outside, down + written, WHOLE - written);
		written += n > 0 ? (size_t)n : 0;
		n = read(outside, back + got, WHOLE - got);
		got += n > 0 ? (size_t)n : 0;
		now_ms += 100;
		turn();
		kernel_hear(&k, down);
	}
	assert_int_equal(k.heard, WHOLE);
	assert_int_equal(got, WHOLE);
	assert_memory_equal(back, up, WHOLE);
}

#define NET_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NET_TEST(what_cannot_be_is_refused_as_outside_does),
		NET_TEST(no_way_leads_to_the_host_or_back_inside),
		NET_TEST(addresses_lead_where_they_say),
		NET_TEST(who_talks_of_no_connection_is_reset),
		NET_TEST(bytes_and_ends_pass_both_ways),
		NET_TEST(what_is_not_taken_closes_the_window_and_is_kept),
		NET_TEST(what_comes_early_is_held_and_told),
		NET_TEST(no_more_is_held_than_was_allowed_and_can_be_told),
		NET_TEST(what_came_early_goes_with_a_connection_that_breaks),
		NET_TEST(holes_are_complained_of_and_known_bytes_come_once),
		NET_TEST(what_is_lost_is_said_again),
		NET_TEST(a_closed_window_is_asked_about_by_one_byte),
		NET_TEST(resets_pass_both_ways),
		NET_TEST(nobody_talks_in_anothers_connection),
		NET_TEST(a_request_may_come_again_or_be_another),
		NET_TEST(grants_and_requests_that_nobody_confirms_end),
		NET_TEST(strange_options_do_no_harm),
		NET_TEST(streams_are_whole_whatever_gets_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
