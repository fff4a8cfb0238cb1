/* SPDX-License-Identifier: Apache-2.0 */
/* guscio-net around libslirp: more neighbours than that remembers, and the resolver over IPv6. */
#include "unit.h"

#include "net/stack.h"
#include "net/translate.h"

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <string.h>

#define ASKERS 100

static struct net_settings settings = {
	.mtu = 65520, .has_v6 = true, .prefix6 = 64, .control_fd = -1};
static unsigned answered4[ASKERS], answered6[ASKERS], looked_for;

/* What libslirp sends: each answer must go to the hardware address of who asked. */
static void take(void *opaque, const void *bytes, size_t size)
{
	const uint8_t *frame = bytes;
	(void)opaque;
	(void)size;
	if (frame[12] == 8 && frame[13] == 0 && frame[23] == IPPROTO_ICMP &&
		frame[34] == ICMP_ECHOREPLY && frame[33] < ASKERS && frame[5] == frame[33])
		answered4[frame[33]]++;
	else if (frame[12] == 0x86 && frame[54] == ICMP6_ECHO_REPLY && frame[53] < ASKERS &&
		 frame[5] == frame[53])
		answered6[frame[53]]++;
	else
		looked_for++;
}

static bool find(void *opaque, const struct neighbour *who, uint8_t mac[6])
{
	uint8_t last = who->address.s6_addr[who->is_v6 ? 15 : 3];
	(void)opaque;
	memcpy(mac, (uint8_t[6]){2, 0, 0, 0, 0, last}, 6);
	return last < ASKERS;
}

static struct stack *make_stack(void)
{
	struct loop *loop = loop_new(&error);
	inet_pton(AF_INET, "10.0.2.100", &settings.guest4);
	inet_pton(AF_INET, "255.255.255.0", &settings.mask4);
	inet_pton(AF_INET, "10.0.2.254", &settings.gateway4);
	inet_pton(AF_INET6, "fd00::100", &settings.guest6);
	inet_pton(AF_INET6, "fd00::fe", &settings.gateway6);
	inet_pton(AF_INET6, "fd00::fd", &settings.dns6);
	assert_non_null(loop);
	struct stack *stack = stack_new(&settings, loop, take, NULL, &error);
	assert_non_null(stack);
	stack_know_neighbours(stack, find);
	return stack;
}

static void put_sum(uint8_t *at, uint64_t sum)
{
	uint16_t folded = frame_fold(sum);
	memcpy(at, &folded, 2);
}

static void ping4(struct stack *stack, uint8_t from)
{
	uint8_t frame[42] = {[11] = from, [12] = 8, [14] = 0x45, [17] = 28, [22] = 64};
	uint8_t *ip = frame + FRAME_ETHERNET;
	ip[9] = IPPROTO_ICMP;
	memcpy(ip + 12, (uint8_t[4]){10, 0, 2, from}, 4);
	memcpy(ip + 16, &settings.gateway4, 4);
	put_sum(ip + 10, frame_sum(ip, 20, 0));
	ip[20] = ICMP_ECHO;
	put_sum(ip + 22, frame_sum(ip + 20, 8, 0));
	stack_input(stack, frame, sizeof(frame));
}

static void ping6(struct stack *stack, uint8_t from)
{
	uint8_t frame[62] = {[11] = from, [12] = 0x86, 0xdd, 0x60, [19] = 8, IPPROTO_ICMPV6, 64};
	uint8_t *ip = frame + FRAME_ETHERNET;
	memcpy(ip + 8, (uint8_t[16]){0xfd, [15] = from}, 16);
	memcpy(ip + 24, &settings.gateway6, 16);
	ip[40] = ICMP6_ECHO_REQUEST;
	put_sum(ip + 42, frame_sum(ip + 8, 40, htons(IPPROTO_ICMPV6) + (uint64_t)htons(8)));
	stack_input(stack, frame, sizeof(frame));
}

static void everybody_is_answered_however_many_there_are(void **state)
{
	static struct stack *stack; /* nobody can end one */
	(void)state;
	stack = make_stack();
	for (unsigned round = 1; round <= 3; round++) {
		for (uint8_t i = 1; i < ASKERS; i++) {
			ping4(stack, i);
			ping6(stack, i);
		}
		for (uint8_t i = 1; i < ASKERS; i++) {
			assert_int_equal(answered4[i], round);
			assert_int_equal(answered6[i], round);
		}
	}
	assert_int_equal(looked_for, 0);
	/* Who is not known is looked for as ever. */
	ping4(stack, ASKERS + 1);
	ping6(stack, ASKERS + 1);
	assert_int_equal(looked_for, 2);
}

static void a_claim_is_read_and_an_answer_is_one(void **state)
{
	static const uint8_t mac[6] = {2, 66, 10, 0, 2, 9};
	struct neighbour who = {.is_v6 = false}, found;
	uint8_t frame[NEIGHBOUR_FRAME], said[6];
	(void)state;
	inet_pton(AF_INET, "10.0.2.9", &who.address);
	for (int family = 0; family < 2; family++) {
		size_t size = neighbour_answer(&who, mac, frame);
		assert_true(neighbour_is_claimed(frame, size, &found, said));
		assert_memory_equal(said, mac, 6);
		assert_int_equal(found.is_v6, who.is_v6);
		assert_memory_equal(&found.address, &who.address, who.is_v6 ? 16 : 4);
		assert_false(neighbour_is_claimed(frame, size - 21, &found, said));
		assert_false(neighbour_is_wanted(frame, size, &found));
		who.is_v6 = true;
		inet_pton(AF_INET6, "fd00::9", &who.address);
	}
}

static size_t make_segment6(uint8_t *frame, const char *from, size_t payload)
{
	uint8_t *ip = frame + FRAME_ETHERNET;
	size_t length = 20 + payload;
	memset(frame, 0, FRAME_ETHERNET + 60);
	memcpy(frame, "\x52\x56\0\0\0\3\2\0\0\0\0\7\x86\xdd\x60", 15);
	ip[4] = (uint8_t)(length >> 8);
	ip[5] = (uint8_t)length;
	ip[6] = IPPROTO_TCP;
	inet_pton(AF_INET6, from, ip + 8);
	inet_pton(AF_INET6, "fd00::3", ip + 24);
	ip[40] = 0x9c;
	ip[43] = 53;
	ip[52] = 0x50;
	memset(ip + 60, 'x', payload);
	uint64_t pseudo = (uint16_t)~frame_pseudo_sum(frame, FRAME_ETHERNET + 40 + length);
	put_sum(ip + 56, frame_sum(ip + 40, length, pseudo));
	return FRAME_ETHERNET + 40 + length;
}

static bool has_right_sum(const uint8_t *frame, size_t size)
{
	size_t header = frame_tcp_header(frame, size);
	uint64_t pseudo = (uint16_t)~frame_pseudo_sum(frame, size);
	const uint8_t *tcp = frame + FRAME_ETHERNET + header;
	return header && frame_fold(frame_sum(tcp, size - FRAME_ETHERNET - header, pseudo)) == 0;
}

/* What went in as IPv6 comes out so, when libslirp turns it round. */
static void a_stream_to_the_resolver_changes_its_family_and_back(void **state)
{
	static struct translate t;
	static uint8_t frame[FRAME_MAX], out[TRANSLATE_ROOM], swap[4];
	struct frame look;
	size_t size, out_size;
	(void)state;
	inet_pton(AF_INET, "10.0.2.3", &t.own.dns4);
	inet_pton(AF_INET6, "fd00::3", &t.own.dns6);
	for (unsigned i = 0; i < 3 * TRANSLATE_MAX; i++) {
		char from[INET6_ADDRSTRLEN];
		snprintf(from, sizeof(from), "fd00::%x", 256 + i);
		size = make_segment6(frame, from, 100 + i);
		assert_true(has_right_sum(frame, size));
		assert_int_equal(frame_look(frame, size, &t.own, &look), FRAME_STREAM6);
		uint8_t *in = translate_in(&t, frame, &size);
		assert_non_null(in);
		assert_int_equal(frame_tcp_header(in, size), 20);
		assert_true(has_right_sum(in, size));
		assert_int_equal(frame_fold(frame_sum(in + FRAME_ETHERNET, 20, 0)), 0);
		assert_memory_equal(in + 30, &t.own.dns4, 4);
		assert_true(translate_is_forged(in, size));
		memcpy(swap, in + 26, 4);
		memcpy(in + 26, in + 30, 4);
		memcpy(in + 30, swap, 4);
		assert_true(translate_out(&t, in, size, out, &out_size));
		assert_int_equal(out_size, size + 20);
		assert_true(has_right_sum(out, out_size));
		assert_memory_equal(out, "\2\0\0\0\0\7\x52\x56\0\0\0\3", 12);
		inet_pton(AF_INET6, from, frame);
		assert_memory_equal(out + 22, &t.own.dns6, 16);
		assert_memory_equal(out + 38, frame, 16);
	}
}

static void what_is_no_such_stream_is_left_alone(void **state)
{
	static struct translate t;
	static uint8_t frame[FRAME_MAX], out[TRANSLATE_ROOM];
	struct frame look;
	size_t size = make_segment6(frame, "fd00::100", 10), out_size;
	(void)state;
	inet_pton(AF_INET, "10.0.2.3", &t.own.dns4);
	inet_pton(AF_INET6, "fd00::3", &t.own.dns6);
	frame[FRAME_ETHERNET + 43] = 80;
	assert_int_equal(frame_look(frame, size, &t.own, &look), FRAME_PASS);
	/* Padding is nothing that a kernel sends here. */
	size_t padded = size + 1;
	assert_null(translate_in(&t, frame, &padded));
	assert_false(translate_out(&t, frame, size, out, &out_size));
	/* To a stand-in whom nobody has asked as: swallowed. */
	memcpy(frame + 12, "\x8\0\x45\0\0\x28", 6);
	frame[23] = IPPROTO_TCP;
	memcpy(frame + 30, (uint8_t[4]){TRANSLATE_FIRST, 0, 0, 5}, 4);
	assert_true(translate_out(&t, frame, 54, out, &out_size));
	assert_int_equal(out_size, 0);
	frame[33] = 255;
	assert_true(translate_out(&t, frame, 54, out, &out_size));
	assert_int_equal(out_size, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(everybody_is_answered_however_many_there_are),
		TEST(a_claim_is_read_and_an_answer_is_one),
		TEST(a_stream_to_the_resolver_changes_its_family_and_back),
		TEST(what_is_no_such_stream_is_left_alone)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
