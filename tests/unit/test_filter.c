/* SPDX-License-Identifier: Apache-2.0 */
/* test_filter.c - the helpers' seccomp programs, run here instead of in the kernel */
#include "unit.h"

#include "confine/confine.h"
#include "confine/filter.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define REFUSED (SECCOMP_RET_ERRNO | 1)

static struct filter filter;

/* What the kernel would answer. */
static uint32_t run(const struct seccomp_data *data)
{
	uint32_t a = 0;
	for (size_t at = 0; at < filter.n; at++) {
		const struct sock_filter *i = &filter.code[at];
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)data + i->k, sizeof(a));
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			at += a == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			at += a >= i->k ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			fail_msg("instruction %zu has code %u", at, i->code);
		}
	}
	fail_msg("the program has no end");
	return 0;
}

static uint32_t answer(uint32_t number, uint64_t argument)
{
	const struct seccomp_data data = {
		.nr = (int)number, .arch = seccomp_arch_native(), .args = {argument}};
	return run(&data);
}

static bool is_named(const char *const *names, uint32_t number)
{
	for (; *names; names++)
		if (seccomp_syscall_resolve_name(*names) == (int)number)
			return true;
	return false;
}

static void check(const char *const *names, uint32_t listed, uint32_t other)
{
	assert_true(filter_build(&(struct filter_wish){names, listed, other, false}, &filter));
	for (uint32_t number = 0; number < 1000; number++)
		assert_int_equal(answer(number, 0), is_named(names, number) ? listed : other);
	/* The same calls by the x32 way are not allowed by either kind. */
	for (uint32_t number = 0x40000000; number < 0x40000400; number++)
		assert_int_equal(answer(number, 0), REFUSED);
	assert_int_equal(answer(UINT32_MAX, 0), REFUSED);
}

static void each_number_has_its_answer(void **state)
{
	static const char *const few[] = {"read", NULL}, *const none[] = {NULL};
	static const char *const twice[] = {"write", "read", "no_such_call", "read", NULL};
	(void)state;
	check(few, SECCOMP_RET_ALLOW, REFUSED);
	check(none, SECCOMP_RET_ALLOW, REFUSED);
	check(twice, SECCOMP_RET_ALLOW, REFUSED);
	check(twice, REFUSED, SECCOMP_RET_ALLOW);
	check(confine_net_calls, SECCOMP_RET_ALLOW, REFUSED);
	check(confine_unpack_calls, SECCOMP_RET_ALLOW, REFUSED);
	check(confine_fetch_denied_calls, REFUSED, SECCOMP_RET_ALLOW);
}

static void sockets_of_ip_only(void **state)
{
	static const char *const names[] = {"read", "close", NULL};
	const struct filter_wish wish = {names, SECCOMP_RET_ALLOW, REFUSED, true};
	(void)state;
	assert_true(filter_build(&wish, &filter));
	for (uint64_t family = 0; family < 64; family++)
		assert_int_equal(answer(SYS_socket, family),
			family == AF_INET || family == AF_INET6 ? SECCOMP_RET_ALLOW : REFUSED);
	assert_int_equal(answer(SYS_close, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(answer(SYS_connect, AF_INET), REFUSED);
}

static void other_architectures_are_killed(void **state)
{
	static const char *const names[] = {"read", NULL};
	const struct seccomp_data data = {.nr = SYS_read, .arch = seccomp_arch_native() ^ 1};
	(void)state;
	assert_true(filter_build(
		&(struct filter_wish){names, SECCOMP_RET_ALLOW, REFUSED, false}, &filter));
	assert_int_equal(run(&data), SECCOMP_RET_KILL_PROCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(each_number_has_its_answer),
		TEST(sockets_of_ip_only), TEST(other_architectures_are_killed)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
