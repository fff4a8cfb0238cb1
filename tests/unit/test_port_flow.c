/* SPDX-License-Identifier: Apache-2.0 */
/* test_port_flow.c - how long guscio-port remembers who sent a datagram; the clock is the test's */
#include "unit.h"

#include "port/server.h"

#include <arpa/inet.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { OUTSIDE = 5000, INSIDE = 80, ASKED_MS = 30000, ANSWERED_MS = 180000 };

static uint64_t now = 1000000;
static struct watch *watched; /* the last one: of the newest flow */
static struct server server;
static struct entry entry = {.line = {.host_port = OUTSIDE, .container_port = INSIDE}};
static int program;

uint64_t now_ms(void)
{
	return now;
}

bool server_watch(struct server *s, struct watch *w, uint32_t events)
{
	(void)s;
	watched = w;
	return events == EPOLLIN;
}

static int udp(const char *address, uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	const struct timeval patience = {.tv_sec = 3};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	inet_pton(AF_INET, address, &at.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static bool enter(void)
{
	char note[256];
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	server.n_fds_max = 1024;
	assert_true(inside_prepare(&server.inside, "127.0.0.1", "::1", "10.0.2.2", "fd00::2", note,
		sizeof(note), &error));
	assert_true(flows_init(&server, &error));
	entry.watch.fd = udp("127.0.0.1", OUTSIDE);
	program = udp("0.0.0.0", INSIDE);
	return true;
}

/* Through to the program, which answers or does not. */
static void say(int caller, bool has_answer)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(OUTSIDE)}, peer;
	socklen_t size = sizeof(peer);
	char byte;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(sendto(caller, "q", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
	flow_receive(&server, &entry.watch, EPOLLIN);
	assert_int_equal(recvfrom(program, &byte, 1, 0, (struct sockaddr *)&peer, &size), 1);
	if (!has_answer)
		return;
	assert_int_equal(sendto(program, "a", 1, 0, (struct sockaddr *)&peer, size), 1);
	watched->ready(&server, watched, EPOLLIN);
	assert_int_equal(recv(caller, &byte, 1, 0), 1);
	assert_int_equal(byte, 'a');
}

static void flows_end_when_they_were_quiet(void **state)
{
	(void)state;
	if (!enter())
		skip();
	int silent = udp("127.0.0.1", 6000), talker = udp("127.0.0.1", 6001);
	assert_int_equal(flows_expire(&server), -1);
	/* Without an answer: soon, and each datagram counts. */
	say(silent, false);
	assert_int_equal(flows_expire(&server), ASKED_MS);
	now += ASKED_MS - 1;
	assert_int_equal(flows_expire(&server), 1);
	say(silent, false);
	assert_int_equal(flows_expire(&server), ASKED_MS);
	now += ASKED_MS;
	assert_int_equal(flows_expire(&server), -1);
	/* With one: later; the one without goes first. */
	say(talker, true);
	assert_int_equal(flows_expire(&server), ANSWERED_MS);
	say(silent, false);
	assert_int_equal(flows_expire(&server), ASKED_MS);
	now += ASKED_MS;
	assert_int_equal(flows_expire(&server), ANSWERED_MS - ASKED_MS);
	/* What the program sends counts as well, and the flow is the same one still. */
	say(talker, false);
	now += ANSWERED_MS - 1;
	assert_int_equal(flows_expire(&server), 1);
	now += 1;
	assert_int_equal(flows_expire(&server), -1);
	/* After its end a new one begins. */
	say(talker, true);
	assert_int_equal(flows_expire(&server), ANSWERED_MS);
	flows_forget(&server, &entry);
	assert_int_equal(flows_expire(&server), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(flows_end_when_they_were_quiet)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
