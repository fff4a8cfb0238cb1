/* SPDX-License-Identifier: Apache-2.0 */
/* guscio-net: what it reads of others: frames, questions, resolv.conf, its own settings. */
#include "unit.h"

#include "base/own.h"
#include "net/confinement.h"
#include "net/dns_message.h"
#include "net/fragment.h"
#include "net/frame.h"
#include "net/resolv_conf.h"
#include "net/settings.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>

/* "www.Example.com", type A, with id 0x1234 and recursion desired. */
static const uint8_t question[] = "\x12\x34\x01\x00\0\1\0\0\0\0\0\0\3www\7Example\3com\0\0\1\0\1";
#define QUESTION_SIZE (sizeof(question) - 1)

static union endpoint at(const char *text)
{
	union endpoint ret = {0};
	assert_true(endpoint_parse(text, 0, &ret));
	return ret;
}

static void resolv_conf_lines(void **state)
{
	static const char text[] = "# nameserver 1.1.1.1\nsearch example.com\n"
				   "nameserver 192.0.2.1\r\n nameserver 9.9.9.9\n"
				   "nameserver\t2001:db8::1 trailing words\nnameserver 1.2.3\n"
				   "nameserver fe80::1%lo\nnameserver fe80::1%none-such\n"
				   "nameservers 4.4.4.4\nnameserver ::1\nnameserver 5.5.5.5";
	struct resolvers r;
	(void)state;
	resolv_conf_parse(text, sizeof(text) - 1, &r);
	assert_int_equal(r.n, 4); /* the fifth is one too many */
	assert_int_equal(r.at[0].v4.sin_addr.s_addr, inet_addr("192.0.2.1"));
	assert_int_equal(ntohs(r.at[0].v4.sin_port), 53);
	assert_int_equal(r.at[1].any.sa_family, AF_INET6);
	assert_int_equal(r.at[2].v6.sin6_scope_id, 1);
	assert_int_equal(r.at[3].v6.sin6_addr.s6_addr[15], 1);
	resolv_conf_parse("nameserver 127.0.0.53", 21, &r);
	assert_int_equal(r.n, 1);
	resolv_conf_parse("", 0, &r);
	assert_int_equal(r.n, 0);
}

static void names_are_found_whatever_their_case(void **state)
{
	struct names names = {0};
	const union endpoint *found[NAME_ANSWERS_MAX];
	union endpoint v4 = at("10.0.2.2"), v6 = at("fd00::2");
	static const char *const bad[] = {"", ".", "a..b", ".a", "a b", "a/b", "a\n", "\xc3\xa4",
		"0123456789012345678901234567890123456789012345678901234567890123.x"};
	size_t n;
	(void)state;
	assert_true(names_add(&names, "Host.Containers.internal.", &v4, 0, &error));
	assert_true(names_add(&names, "host.containers.internal", &v6, 7, &error));
	assert_true(names_add(&names, "web_1", &v4, 7, &error));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(names_add(&names, bad[i], &v4, 0, &error));
	assert_true(names_find(&names, "host.containers.internal", AF_INET, found, &n));
	assert_int_equal(n, 1);
	assert_true(names_find(&names, "web_1", AF_INET6, found, &n));
	assert_int_equal(n, 0);
	assert_false(names_find(&names, "web", AF_INET, found, &n));
	assert_int_equal(names_remove(&names, 7, "WEB_1"), 1);
	assert_int_equal(names_remove(&names, 7, NULL), 1);
	assert_true(names_find(&names, "host.containers.internal", AF_INET6, found, &n));
	assert_int_equal(n, 0);
	names_done(&names);
}

static void a_question_is_read_and_answered(void **state)
{
	struct dns_question q, a;
	uint8_t out[DNS_ANSWER_MAX];
	union endpoint v4 = at("10.0.2.2"), v6 = at("fd00::2");
	const union endpoint *both[] = {&v4, &v6};
	(void)state;
	assert_true(dns_read(question, QUESTION_SIZE, &q));
	assert_string_equal(q.name, "www.example.com");
	assert_int_equal(q.id, 0x1234);
	assert_int_equal(q.type, DNS_TYPE_A);
	assert_false(q.is_response);
	assert_true(q.is_query);
	size_t size = dns_answer(question, &q, DNS_OK, both, 2, out);
	assert_int_equal(size, QUESTION_SIZE + 16 + 28);
	assert_memory_equal(out, "\x12\x34\x81\x80\0\1\0\2\0\0\0\0", 12);
	assert_memory_equal(out + QUESTION_SIZE, "\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x0a\0\2\2", 16);
	assert_true(dns_read(out, size, &a));
	assert_true(a.is_response);
	assert_true(dns_same_question(question, &q, out, &a));
	out[14] ^= 0x20; /* the case of a letter */
	assert_true(dns_same_question(question, &q, out, &a));
	out[14] ^= 0x01;
	assert_false(dns_same_question(question, &q, out, &a));
	size = dns_truncate(out, size, 40);
	assert_int_equal(size, QUESTION_SIZE);
	assert_true(out[2] & 2);
	assert_int_equal(out[7], 0);
}

static void what_is_no_question_is_not_read(void **state)
{
	uint8_t bytes[QUESTION_SIZE];
	struct dns_question q;
	(void)state;
	for (size_t size = 0; size < QUESTION_SIZE; size++)
		assert_false(dns_read(question, size, &q));
	memcpy(bytes, question, sizeof(bytes));
	bytes[5] = 2; /* two questions */
	assert_false(dns_read(bytes, sizeof(bytes), &q));
	memcpy(bytes, question, sizeof(bytes));
	bytes[12] = 0xc0; /* a pointer */
	assert_false(dns_read(bytes, sizeof(bytes), &q));
	memcpy(bytes, question, sizeof(bytes));
	bytes[13] = '.'; /* one label that looks like two */
	assert_true(dns_read(bytes, sizeof(bytes), &q));
	assert_string_equal(q.name, "?ww.example.com");
}

/* Ethernet, IPv4 and UDP around the question. */
static size_t make_frame(uint8_t *frame, const char *to, uint16_t port)
{
	struct frame_return back = {.from_port = htons(port), .to_port = htons(5353)};
	struct in_addr from, address;
	static const uint8_t ethernet[] = "\x52\x55\x0a\0\2\3\x02\1\1\1\1\1\x08\0";
	inet_pton(AF_INET, "10.0.2.100", &from);
	inet_pton(AF_INET, to, &address);
	/* An answer made for its own asker is a question. */
	memcpy(&back.from, &address, 4);
	memcpy(&back.to, &from, 4);
	memcpy(back.ethernet, ethernet, FRAME_ETHERNET);
	return frame_answer(&back, question, QUESTION_SIZE, frame);
}

static void only_questions_for_the_resolver_are_taken_out(void **state)
{
	uint8_t frame[512];
	struct frame_own own = {.dns6 = at("fd00::3").v6.sin6_addr};
	struct frame f;
	(void)state;
	inet_pton(AF_INET, "10.0.2.3", &own.dns4);
	size_t size = make_frame(frame, "10.0.2.3", 53);
	assert_int_equal(frame_look(frame, size, &own, &f), FRAME_DNS);
	assert_int_equal(f.size, QUESTION_SIZE);
	assert_memory_equal(f.payload, question, QUESTION_SIZE);
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(frame_look(frame, cut, &own, &f), FRAME_DROP);
	frame[20] = 0x20; /* more fragments */
	assert_int_equal(frame_look(frame, size, &own, &f), FRAME_FRAGMENT);
	frame[20] = 0;
	frame[14] = 0x46; /* options */
	assert_int_equal(frame_look(frame, size, &own, &f), FRAME_DROP);
	size = make_frame(frame, "10.0.2.3", 54);
	assert_int_equal(frame_look(frame, size, &own, &f), FRAME_DROP);
	size = make_frame(frame, "255.255.255.255", 67);
	assert_int_equal(frame_look(frame, size, &own, &f), FRAME_DROP);
	size = make_frame(frame, "192.0.2.1", 53);
	assert_int_equal(frame_look(frame, size, &own, &f), FRAME_PASS);
}

/* One piece of the frame that make_frame() made, from @at to @end of its datagram. */
static uint8_t *add_piece(struct fragments *all, const uint8_t *frame, size_t at, size_t end)
{
	uint8_t piece[512];
	struct frame_own own = {0};
	struct frame f;
	size_t size, whole = QUESTION_SIZE + 8;
	memcpy(piece, frame, FRAME_ETHERNET + 20);
	memcpy(piece + FRAME_ETHERNET + 20, frame + FRAME_ETHERNET + 20 + at, end - at);
	frame_make_fragment(piece, at, end - at, end < whole);
	size = FRAME_ETHERNET + 20 + end - at;
	assert_int_equal(frame_look(piece, size, &own, &f), FRAME_FRAGMENT);
	return fragments_add(all, piece, size, &size);
}

static void pieces_become_whole(void **state)
{
	uint8_t frame[512];
	size_t size = make_frame(frame, "10.0.2.3", 53), whole = QUESTION_SIZE + 8;
	struct fragments *all = fragments_new();
	(void)state;
	assert_null(add_piece(all, frame, 16, whole));
	assert_null(add_piece(all, frame, 0, 8));
	uint8_t *made = add_piece(all, frame, 8, 16);
	assert_non_null(made);
	assert_memory_equal(made, frame, size);
	/* It is forgotten; one that overlaps spoils what is there. */
	assert_null(add_piece(all, frame, 8, 16));
	assert_null(add_piece(all, frame, 0, 16));
	assert_null(add_piece(all, frame, 16, whole));
	assert_null(add_piece(all, frame, 0, 8));
	assert_non_null(add_piece(all, frame, 8, 16));
	/* A last piece before the end of another. */
	assert_null(add_piece(all, frame, 24, 32));
	assert_null(add_piece(all, frame, 0, 8));
	frame_make_fragment(frame, 8, 8, false);
	size = FRAME_ETHERNET + 28;
	assert_null(fragments_add(all, frame, size, &size));
	fragments_free(all);
}

static void the_hosts_loopback_has_no_frames(void **state)
{
	static const char *const v4[] = {"127.0.0.1", "127.255.0.1", "0.0.0.0"};
	static const char *const v6[] = {"::1", "::", "::ffff:127.0.0.1", "::127.0.0.1"};
	uint8_t frame[512] = {[12] = 0x86, 0xdd, 0x60, [20] = IPPROTO_TCP};
	struct frame_own own = {0};
	struct frame f;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(v4); i++) {
		uint8_t bytes[512];
		size_t size = make_frame(bytes, v4[i], 80);
		assert_int_equal(frame_look(bytes, size, &own, &f), FRAME_DROP);
	}
	frame[19] = 20;
	for (size_t i = 0; i < ARRAY_LEN(v6); i++) {
		inet_pton(AF_INET6, v6[i], frame + FRAME_ETHERNET + 24);
		assert_int_equal(frame_look(frame, 74, &own, &f), FRAME_DROP);
	}
	inet_pton(AF_INET6, "2001:db8::1", frame + FRAME_ETHERNET + 24);
	assert_int_equal(frame_look(frame, 74, &own, &f), FRAME_TCP);
}

static void checksums_add_up(void **state)
{
	uint8_t frame[512], tcp[FRAME_ETHERNET + 44] = {[12] = 8,
				    0,
				    0x45,
				    0,
				    0,
				    44,
				    [23] = IPPROTO_TCP,
				    [46] = 0x60,
				    0x12,
				    [54] = 2,
				    4,
				    5,
				    0xb4};
	size_t size = make_frame(frame, "10.0.2.3", 53);
	(void)state;
	assert_int_equal(frame_fold(frame_sum(frame + FRAME_ETHERNET, 20, 0)), 0);
	uint64_t pseudo =
		frame_sum(frame + 26, 8, htons(IPPROTO_UDP) + (uint64_t)htons(QUESTION_SIZE + 8));
	assert_int_equal(frame_fold(frame_sum(frame + 34, size - 34, pseudo)), 0);
	assert_int_equal(frame_tcp_header(tcp, sizeof(tcp)), 20);
	pseudo = (uint16_t)~frame_pseudo_sum(tcp, sizeof(tcp));
	uint16_t sum = frame_fold(frame_sum(tcp + 34, 24, pseudo));
	memcpy(tcp + 50, &sum, 2);
	assert_int_equal(frame_fold(frame_sum(tcp + 34, 24, pseudo)), 0);
	assert_int_equal(frame_tcp_header(tcp, sizeof(tcp) - 1), 0);
}

static bool read_words(char *const *words, struct net_settings *s)
{
	error = (struct err)ERR_INIT;
	bool ok = settings_read(words, s, &error);
	names_done(&s->names);
	return ok;
}

static void settings_are_strict(void **state)
{
	static char *const bad[] = {"mtu", "mtu=", "mtu=67", "mtu=65522", "mtu=x",
		"guest4=10.0.2.9", "guest4=10.0.2.9/31", "guest4=10.9.2.9/24", "guest6=fd00::9",
		"guest6=fd00::9/64", "host-loopback=2", "upstream=1.2.3", "upstream=1.2.3.4#0",
		"host-name=a", "host-name=a:b", "host-name=a b:1.2.3.4", "control=5",
		"outbound4=::1", "outbound6=1.2.3.4", "outbound4=none-such", "unknown=1", "=1"};
	char *words[] = {"mtu=1500", "guest4=10.0.2.100/24", "gateway4=10.0.2.2", "dns4=10.0.2.3",
		NULL, NULL};
	struct net_settings s;
	(void)state;
	assert_true(read_words(words, &s));
	assert_int_equal(s.mask4.s_addr, htonl(0xffffff00));
	assert_int_equal(s.control_fd, -1);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		words[4] = bad[i];
		assert_false(read_words(words, &s));
		assert_int_not_equal(error.cause[0], 0);
	}
	words[4] = "outbound4=lo";
	assert_true(read_words(words, &s));
	assert_int_equal(s.outbound4.v4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	words[4] = "upstream=::1#5353";
	assert_true(read_words(words, &s));
	assert_int_equal(ntohs(s.upstream.at[0].v6.sin6_port), 5353);
}

/* In a child: 0, or which thing was possible that should not be. */
static int try_everything(void)
{
	struct err e = ERR_INIT;
	char *const arguments[] = {"true", NULL};
	int pair[2];
	if (!confinement_enter(&e))
		return 1;
	if (open("/usr/bin/env", O_RDONLY) >= 0 || open("/proc/self/status", O_RDONLY) >= 0 ||
		open("/dev/null", O_RDWR) >= 0)
		return 2;
	if (open("/etc/new", O_WRONLY | O_CREAT, 0600) >= 0 ||
		open("/new", O_WRONLY | O_CREAT, 0600) >= 0)
		return 3;
	if (execv("/bin/true", arguments) == 0 || fork() >= 0 || kill(getppid(), 0) == 0)
		return 4;
	if (unshare(CLONE_NEWUSER) == 0 || mount("none", "/", "tmpfs", 0, NULL) == 0)
		return 5;
	/* What it lives by. */
	if (socket(AF_INET, SOCK_DGRAM, 0) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 ||
		open("/etc", O_RDONLY | O_DIRECTORY) < 0)
		return 6;
	return 0;
}

static void the_helper_can_do_little(void **state)
{
	int status = 0;
	(void)state;
	SKIP_WHERE_SANITIZED();
	pid_t child = fork();
	if (child == 0)
		_exit(try_everything());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(resolv_conf_lines),
		TEST(names_are_found_whatever_their_case), TEST(a_question_is_read_and_answered),
		TEST(what_is_no_question_is_not_read),
		TEST(only_questions_for_the_resolver_are_taken_out), TEST(pieces_become_whole),
		TEST(the_hosts_loopback_has_no_frames), TEST(checksums_add_up),
		TEST(settings_are_strict), TEST(the_helper_can_do_little)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
