/* SPDX-License-Identifier: Apache-2.0 */
/* test_port_inside.c - who a program sees, by each of the ways that lead its answers back */
#include "unit.h"

#include "confine/confine.h"
#include "port/inside.h"
#include "sys/netif.h"
#include "sys/rtnl.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PORT = 80 };

static void address(int family, const char *text, uint16_t port, union peer *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->sa.sa_family = (sa_family_t)family;
	if (family == AF_INET6)
		ret->v6.sin6_port = htons(port);
	else
		ret->v4.sin_port = htons(port);
	assert_int_equal(inet_pton(family, text,
				 family == AF_INET6 ? (void *)&ret->v6.sin6_addr
						    : (void *)&ret->v4.sin_addr),
		1);
}

static socklen_t size_of(const union peer *p)
{
	return p->sa.sa_family == AF_INET6 ? sizeof(p->v6) : sizeof(p->v4);
}

static int program(int family, int type)
{
	union peer any;
	const struct timeval patience = {.tv_sec = 3};
	int on = 1, fd = socket(family, type | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	address(family, family == AF_INET6 ? "::" : "0.0.0.0", PORT, &any);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(bind(fd, &any.sa, size_of(&any)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 8), 0);
	return fd;
}

/* Speaks with the program as @peer; returns what it saw as text, "" when nothing came back. */
static void meet(struct inside *in, int protocol, const union peer *peer, char ret[64])
{
	bool is_stream = protocol == IPPROTO_TCP;
	int family = peer->sa.sa_family;
	int server = program(family, is_stream ? SOCK_STREAM : SOCK_DGRAM), talk = server;
	struct inside_socket s;
	union peer seen = {0}, guest = inside_family(in, family)->guest;
	socklen_t len = sizeof(seen);
	char byte;
	assert_true(inside_open(in, protocol, family, peer, PORT, &s));
	if (is_stream) {
		talk = accept4(server, &seen.sa, &len, SOCK_CLOEXEC);
		assert_true(talk >= 0);
	} else {
		if (family == AF_INET6)
			guest.v6.sin6_port = htons(PORT);
		else
			guest.v4.sin_port = htons(PORT);
		assert_int_equal(sendto(s.fd, "q", 1, 0, &guest.sa, size_of(&guest)), 1);
		assert_int_equal(recvfrom(server, &byte, 1, 0, &seen.sa, &len), 1);
	}
	char host[INET6_ADDRSTRLEN];
	inet_ntop(family,
		family == AF_INET6 ? (void *)&seen.v6.sin6_addr : (void *)&seen.v4.sin_addr, host,
		sizeof(host));
	snprintf(ret, 64, "%s %u", host,
		ntohs(family == AF_INET6 ? seen.v6.sin6_port : seen.v4.sin_port));
	assert_int_equal(
		sendto(talk, "a", 1, 0, is_stream ? NULL : &seen.sa, is_stream ? 0 : len), 1);
	/* On one machine the answer is there when the call returns, or never. */
	if (recv(s.fd, &byte, 1, MSG_DONTWAIT) != 1)
		ret[0] = '\0';
	inside_close(in, &s);
	if (talk != server)
		close(talk);
	close(server);
}

static bool enter(struct inside *in)
{
	char note[256];
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	*in = (struct inside){.rules_fd = -1};
	assert_true(inside_prepare(
		in, "127.0.0.1", "::1", "10.0.2.2", "fd00::2", note, sizeof(note), &error));
	return true;
}

static void check(struct inside *in, int family, const char *from, const char *seen)
{
	static const int protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
	char text[64], wanted[64];
	for (size_t i = 0; i < 2; i++) {
		union peer peer;
		/* Another port each time: ended connections fade away slowly. */
		static uint16_t port = 40000;
		address(family, from, ++port, &peer);
		meet(in, protocols[i], &peer, text);
		snprintf(wanted, sizeof(wanted), "%s %u", seen, port);
		assert_string_equal(text, wanted);
	}
}

static void peers_are_seen(void **state)
{
	struct inside in;
	(void)state;
	if (!enter(&in))
		skip();
	for (int with_marks = 1; with_marks >= 0; with_marks--) {
		if (!with_marks)
			in.v4.has_marks = in.v6.has_marks = false;
		check(&in, AF_INET, "192.0.2.7", "192.0.2.7");
		check(&in, AF_INET6, "2001:db8::7", "2001:db8::7");
		check(&in, AF_INET, "127.0.0.1", "10.0.2.2");
		check(&in, AF_INET, "127.1.2.3", "10.0.2.2");
		check(&in, AF_INET6, "::1", "fd00::2");
		check(&in, AF_INET6, "fe80::1", "fd00::2");
	}
	/* Nothing of the flows is left. */
	union peer peer;
	address(AF_INET, "192.0.2.7", 40001, &peer);
	for (uint16_t port = 40001; port < 40030; port++) {
		peer.v4.sin_port = htons(port);
		assert_false(rules_flow(in.rules_fd, false, IPPROTO_UDP, &peer, PORT, &error));
	}
}

/* The route to an IPv6 address comes in the kernel's own time, also on the loopback. */
static bool reaches_itself(const union peer *wanted)
{
	union peer own = *wanted;
	socklen_t len = size_of(&own);
	char byte;
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = bind(fd, &own.sa, len) == 0 && getsockname(fd, &own.sa, &len) == 0 &&
		  sendto(fd, "x", 1, 0, &own.sa, len) == 1 && recv(fd, &byte, 1, MSG_DONTWAIT) == 1;
	close(fd);
	return ok;
}

static bool await_address(const char *text)
{
	union peer own;
	address(AF_INET6, text, 0, &own);
	for (int i = 0; i < 300; i++, usleep(10000))
		if (reaches_itself(&own))
			return true;
	return false;
}

static bool give_lo_addresses(void)
{
	struct rtnl batch = {.n = 0};
	struct address v4, v6;
	int lo;
	if (!netif_up("lo", &error) || !rtnl_find("lo", &lo, &error) ||
		!address_parse("10.0.2.100", &v4) || !address_parse("fd00::100", &v6))
		return false;
	rtnl_address_add(&batch, lo, &v4, 24);
	rtnl_address_add(&batch, lo, &v6, 64);
	return rtnl_send(&batch, &error) && await_address("fd00::100");
}

/* A kernel without policy routing has no foreign addresses; here that is a call which is denied. */
static int without_routes(const char *guest4, char *ret_seen)
{
	static const char *const denied[] = {"setsockopt", NULL};
	struct inside in = {.rules_fd = -1};
	struct err e = ERR_INIT;
	union peer peer;
	char note[256];
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return 77;
	if (!give_lo_addresses())
		return 7;
	if (!confine_process(&e) || !confine_calls_deny(denied, &e))
		return 1;
	if (!inside_prepare(
		    &in, guest4, "fd00::100", "10.0.2.2", "fd00::2", note, sizeof(note), &e))
		return e.kind == ERR_HOST && strstr(e.cause, "no policy routing") && e.hint[0] ? 2
											       : 3;
	if (!strstr(note, "no policy routing") || in.v4.is_transparent || in.v6.is_transparent)
		return 4;
	static const int protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
	for (size_t i = 0; i < 2; i++) {
		address(AF_INET, "192.0.2.7", 40001, &peer);
		meet(&in, protocols[i], &peer, ret_seen);
		if (strncmp(ret_seen, "10.0.2.100 ", 11) != 0)
			return 5;
	}
	address(AF_INET6, "2001:db8::7", 40001, &peer);
	meet(&in, IPPROTO_TCP, &peer, ret_seen);
	return strncmp(ret_seen, "fd00::100 ", 10) ? 6 : 0;
}

static void without_policy_routing_peers_look_like_the_container(void **state)
{
	static const struct {
		const char *guest;
		int status;
	} cases[] = {{"10.0.2.100", 0}, {"127.0.0.1", 2}};
	(void)state;
	SKIP_WHERE_SANITIZED();
	for (size_t i = 0; i < 2; i++) {
		char seen[64];
		int status = -1;
		pid_t pid = fork();
		if (pid == 0)
			_exit(without_routes(cases[i].guest, seen));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			skip();
		assert_int_equal(status, cases[i].status << 8);
	}
}

static void mapped_addresses_are_plain(void **state)
{
	union peer peer, plain;
	(void)state;
	address(AF_INET6, "::ffff:192.0.2.7", 9, &peer);
	address(AF_INET, "192.0.2.7", 9, &plain);
	peer_unmap(&peer);
	assert_memory_equal(&peer, &plain, sizeof(peer));
	address(AF_INET6, "2001:db8::7", 9, &peer);
	plain = peer;
	peer_unmap(&peer);
	assert_memory_equal(&peer, &plain, sizeof(peer));
}

/* What guscio-port gives up: a way to the caller's other programs. */
static void only_sockets_for_ip(void **state)
{
	static const char *const calls[] = {"close", "exit_group", "write", "rt_sigreturn", NULL};
	(void)state;
	SKIP_WHERE_SANITIZED();
	pid_t pid = fork();
	if (pid == 0) {
		struct err e = ERR_INIT;
		if (!confine_process(&e) || !confine_calls_allow_inet(calls, &e))
			_exit(1);
		if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM)
			_exit(2);
		if (socket(AF_NETLINK, SOCK_RAW, 0) >= 0 || socket(AF_VSOCK, SOCK_STREAM, 0) >= 0)
			_exit(3);
		if (socket(AF_INET, SOCK_STREAM, 0) < 0 || socket(AF_INET6, SOCK_DGRAM, 0) < 0)
			_exit(4);
		_exit(0);
	}
	int status = -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(mapped_addresses_are_plain),
		TEST(only_sockets_for_ip),
		TEST(without_policy_routing_peers_look_like_the_container), TEST(peers_are_seen)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
