/* SPDX-License-Identifier: Apache-2.0 */
/* guscio-net around libslirp: more neighbours than that remembers. */
#include "unit.h"

#include "net/stack.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(everybody_is_answered_however_many_there_are),
		TEST(a_claim_is_read_and_an_answer_is_one)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
