/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's TCP, played by the input: segments that fit the connection nearly, raw frames,
 * and what the outside does meanwhile. The host's socket is one end of a socket pair.
 */
#include "fuzz.h"

#include "net/tcp.h"
#include "net/tcp_segment.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STEPS_MAX 256

static struct {
	const uint8_t *at;
	size_t size;
} input;
static int outside;
static int64_t now_ms;
static uint32_t heard, said; /* what the connection's last segment said */

static unsigned next(void)
{
	if (input.size == 0)
		return 0;
	input.size--;
	return *input.at++;
}

static int64_t clock_ms(void)
{
	return now_ms;
}

static void take(void *opaque, uint8_t *headers, size_t n, const uint8_t *payload, size_t size)
{
	static uint8_t frame[FRAME_MAX]; /* lint: scratch, lives as long as the process */
	struct tcp_segment s;
	(void)opaque;
	if (n + size > sizeof(frame))
		abort();
	memcpy(frame, headers, n);
	if (size > 0)
		memcpy(frame + n, payload, size);
	if (!tcp_segment_read(frame, n + size, &s) || s.size != size)
		abort();
	said = s.acknowledged;
	heard = s.sequence + (uint32_t)s.size + ((s.flags & (TCP_SYN | TCP_FIN)) != 0);
}

static void refuse(void *opaque, const uint8_t *frame, size_t size, int reason)
{
	struct tcp_segment s;
	(void)opaque;
	(void)reason;
	tcp_segment_read(frame, size, &s);
}

static int dial(void *opaque, const union endpoint *to)
{
	int fds[2], reason = (int)next();
	(void)opaque;
	(void)to;
	if (reason > 200) {
		errno = reason - 200;
		return -1;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	if (outside >= 0)
		close(outside);
	outside = fds[0];
	return fds[1];
}

static void give(struct tcp *tcp, const uint8_t *frame, size_t size)
{
	if (!tcp_take(tcp, frame, size))
		tcp_take_stray(tcp, frame, size);
}

/* A segment whose numbers are near those that are waited for. */
static void give_segment(struct tcp *tcp)
{
	static uint8_t frame[FRAME_MAX]; /* lint: scratch, lives as long as the process */
	static const uint8_t ethernet[FRAME_ETHERNET] = "\2\0\0\0\0\1\x52\x55\x0a\0\2\2\x08";
	struct tcp_ends back = {.inside_port = htons(80)};
	struct tcp_headers h;
	back.outside_port = htons((uint16_t)(40000 + next() % 2));
	inet_pton(AF_INET, "192.0.2.1", &back.inside);
	inet_pton(AF_INET, "10.0.2.100", &back.outside);
	tcp_headers_make(ethernet, &back, &h);
	struct tcp_words words = {.flags = (uint8_t)next(),
		.sequence = said + (uint32_t)(int8_t)next(),
		.acknowledged = heard + (uint32_t)(int8_t)next(),
		.window = (uint16_t)(next() << 8 | next()),
		.scale = (int)(next() % 20) - 1,
		.may_hold = next() % 2,
		.mss = (uint16_t)(next() << 4)};
	size_t size = next() * next();
	size_t n = tcp_headers_set(&h, &words, size);
	memcpy(frame, h.bytes, n);
	give(tcp, frame, n + size);
}

static void give_raw(struct tcp *tcp)
{
	uint8_t frame[256];
	size_t size = next();
	for (size_t i = 0; i < size; i++)
		frame[i] = (uint8_t)next();
	give(tcp, frame, size);
}

static void step(struct tcp *tcp, struct loop *loop)
{
	static uint8_t bytes[65536];
	ssize_t ignored;
	switch (next() % 8) {
	case 0:
		give_raw(tcp);
		break;
	case 1:
	case 2:
	case 3:
		give_segment(tcp);
		break;
	case 4:
		ignored = outside < 0 ? 0 : send(outside, bytes, next() * 256, MSG_NOSIGNAL);
		(void)ignored;
		break;
	case 5:
		ignored = outside < 0 ? 0 : read(outside, bytes, next() * 256);
		(void)ignored;
		break;
	case 6:
		if (outside >= 0 && next() % 4 == 0) {
			close(outside);
			outside = -1;
		} else if (outside >= 0) {
			shutdown(outside, SHUT_WR);
		}
		break;
	default:
		now_ms += next() * 16;
		break;
	}
	loop_wait(loop, 0);
	tcp_expire(tcp, now_ms);
	tcp_prepare(tcp, now_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct tcp_ways ways = {take, refuse, dial, clock_ms, NULL};
	static struct net_settings settings = {.mtu = 1500, .has_v6 = true, .prefix6 = 64};
	static struct loop *loop; /* lint: scratch, lives as long as the process */
	struct err e = ERR_INIT;
	if (!loop)
		loop = loop_new(&e);
	struct tcp *tcp = loop ? tcp_new(&settings, loop, &ways, &e) : NULL;
	if (!tcp)
		abort();
	inet_pton(AF_INET, "10.0.2.100", &settings.guest4);
	inet_pton(AF_INET, "255.255.255.0", &settings.mask4);
	inet_pton(AF_INET, "10.0.2.2", &settings.gateway4);
	input.at = data;
	input.size = size;
	outside = -1;
	now_ms = 1000;
	heard = said = 0;
	tcp_set_segment(tcp, 1440, next() % 2 ? SIZE_MAX : 1440);
	for (int i = 0; i < STEPS_MAX && input.size > 0; i++)
		step(tcp, loop);
	tcp_free(tcp);
	if (outside >= 0)
		close(outside);
	return 0;
}
