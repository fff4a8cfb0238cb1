/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "net/frame.h"
#include "net/ping.h"

#include <arpa/inet.h>
#include <string.h>

static struct unreachable_own own;

static int own_setup(void **state)
{
	(void)state;
	inet_pton(AF_INET, "10.0.2.2", &own.gateway4);
	inet_pton(AF_INET6, "fd00::2", &own.gateway6);
	return 0;
}

/* An echo request from the container to @to. */
static size_t request(const char *to, uint8_t *frame)
{
	bool is_6 = strchr(to, ':');
	uint8_t *ip = frame + FRAME_ETHERNET;
	memset(frame, 0, 200);
	memcpy(frame, "\x52\x55\x0a\x00\x02\x02\x02\x00\x00\x00\x00\x01", 12);
	memcpy(frame + 12, is_6 ? "\x86\xdd" : "\x08\x00", 2);
	ip[0] = is_6 ? 0x60 : 0x45;
	ip[is_6 ? 6 : 9] = is_6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	inet_pton(
		is_6 ? AF_INET6 : AF_INET, is_6 ? "fd00::100" : "10.0.2.100", ip + (is_6 ? 8 : 12));
	inet_pton(is_6 ? AF_INET6 : AF_INET, to, ip + (is_6 ? 24 : 16));
	ip[is_6 ? 40 : 20] = is_6 ? 128 : 8;
	return FRAME_ETHERNET + (is_6 ? 40 : 20) + 64;
}

static void requests_to_the_outside_are_refused(void **state)
{
	uint8_t frame[256], out[UNREACHABLE_MAX];
	(void)state;
	size_t size = ping_refuse(frame, request("192.0.2.1", frame), &own, out);
	assert_int_equal(size, FRAME_ETHERNET + 20 + 8 + 28);
	assert_memory_equal(out, frame + 6, 6);
	assert_memory_equal(out + FRAME_ETHERNET + 16, frame + FRAME_ETHERNET + 12, 4);
	assert_int_equal(out[FRAME_ETHERNET + 20], 3);
	assert_int_equal(out[FRAME_ETHERNET + 21], 13);
	assert_memory_equal(out + FRAME_ETHERNET + 28, frame + FRAME_ETHERNET, 28);
	/* Sums over what has its own sum in it are zero. */
	assert_int_equal(frame_fold(frame_sum(out + FRAME_ETHERNET, 20, 0)), 0);
	assert_int_equal(frame_fold(frame_sum(out + FRAME_ETHERNET + 20, 36, 0)), 0);
	size = ping_refuse(frame, request("2001:db8::1", frame), &own, out);
	assert_int_equal(size, FRAME_ETHERNET + 40 + 8 + 96);
	assert_int_equal(out[FRAME_ETHERNET + 40], 1);
}

static void everything_else_passes(void **state)
{
	uint8_t frame[256], out[UNREACHABLE_MAX];
	(void)state;
	assert_int_equal(ping_refuse(frame, request("10.0.2.2", frame), &own, out), 0);
	assert_int_equal(ping_refuse(frame, request("fd00::2", frame), &own, out), 0);
	size_t size = request("192.0.2.1", frame);
	frame[FRAME_ETHERNET + 20] = 0; /* an answer */
	assert_int_equal(ping_refuse(frame, size, &own, out), 0);
	size = request("192.0.2.1", frame);
	frame[FRAME_ETHERNET + 9] = IPPROTO_UDP;
	assert_int_equal(ping_refuse(frame, size, &own, out), 0);
	size = request("192.0.2.1", frame);
	frame[FRAME_ETHERNET] = 0x4f; /* options up to the frame's end */
	assert_int_equal(ping_refuse(frame, FRAME_ETHERNET + 60, &own, out), 0);
	for (size = 0; size < FRAME_ETHERNET + 28; size++) {
		request("192.0.2.1", frame);
		assert_int_equal(ping_refuse(frame, size, &own, out), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(requests_to_the_outside_are_refused, own_setup),
		cmocka_unit_test_setup(everything_else_passes, own_setup)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
