/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/capability_set.h"
#include "spec/seccomp_profile.h"
#include "sys/seccomp.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#define AUDIT_ARCH_NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define AUDIT_ARCH_NATIVE AUDIT_ARCH_AARCH64
#else
#define AUDIT_ARCH_NATIVE AUDIT_ARCH_RISCV64
#endif

/* errno of a call made under a filter in a child, 0 when it worked. */
static int under(const struct seccomp_filter *filter, long nr, long a, long b)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		struct err e;
		prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
		if (!seccomp_install(filter, &e))
			_exit(255);				  /* lint: child */
		_exit(syscall(nr, a, b, 0L, 0L) < 0 ? errno : 0); /* lint: child */
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void the_default_filter(void **state)
{
	struct seccomp_filter filter = seccomp_builtin(SECCOMP_BUILTIN_DEFAULT);
	(void)state;
	assert_int_equal(under(&filter, SYS_getpid, 0, 0), 0);
	assert_int_equal(under(&filter, SYS_unshare, CLONE_NEWUSER, 0), EPERM);
	assert_int_equal(under(&filter, SYS_mount, 0, 0), EPERM);
	assert_int_equal(under(&filter, SYS_bpf, 0, 0), EPERM);
	assert_int_equal(under(&filter, SYS_keyctl, 0, 0), EPERM);
	assert_int_equal(under(&filter, SYS_clone3, 0, 0), ENOSYS);
	assert_int_equal(under(&filter, SYS_clone, CLONE_NEWUSER, 0), EPERM);
	assert_int_equal(under(&filter, 1000, 0, 0), ENOSYS);
	assert_int_equal(under(&filter, SYS_io_uring_setup, 0, 0), ENOSYS);
	assert_int_equal(under(&filter, SYS_personality, PER_LINUX32, 0), 0);
	assert_int_equal(under(&filter, SYS_personality, ADDR_NO_RANDOMIZE, 0), EPERM);
	assert_int_equal(under(&filter, SYS_socket, 40, 1), EPERM);
	assert_int_equal(under(&filter, SYS_close, 99, 0), EBADF);
}

static void nobody_types_into_the_terminal(void **state)
{
	struct seccomp_filter filter = seccomp_builtin(SECCOMP_BUILTIN_DEFAULT);
	(void)state;
	assert_int_equal(under(&filter, SYS_ioctl, 99, TIOCSTI), EPERM);
	/* The kernel looks at the low half only: so must the filter. */
	assert_int_equal(under(&filter, SYS_ioctl, 99, (long)((1ull << 40) | TIOCSTI)), EPERM);
	assert_int_equal(under(&filter, SYS_ioctl, 99, TIOCGWINSZ), EBADF);
}

static void nesting_and_capabilities_open_calls(void **state)
{
	struct seccomp_filter filter = seccomp_builtin(SECCOMP_BUILTIN_NEST);
	(void)state;
	assert_int_equal(under(&filter, SYS_unshare, 0, 0), 0);
	assert_int_equal(under(&filter, SYS_clone3, 0, 0), EINVAL);
	assert_true(seccomp_compile_for_caps(
		CAPS_DEFAULT | CAPS_BIT(CAP_SYS_PTRACE), false, &arena, &filter, &error));
	assert_int_equal(under(&filter, SYS_kcmp, 0, 0), ESRCH);
	assert_int_equal(under(&filter, SYS_mount, 0, 0), EPERM);
	struct seccomp_filter plain = seccomp_builtin(SECCOMP_BUILTIN_DEFAULT);
	assert_int_equal(under(&plain, SYS_kcmp, 0, 0), EPERM);
}

#ifdef __x86_64__
/* The same for a call of a 32-bit program, which a 64-bit one can make too. */
static int under_32_bit(const struct seccomp_filter *filter, int nr, int a, int b)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		struct err e;
		int result;
		prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
		if (!seccomp_install(filter, &e))
			_exit(255); /* lint: child */
		__asm__ volatile("int $0x80"
				 : "=a"(result)
				 : "a"(nr), "b"(a), "c"(b), "d"(0)
				 : "memory", "cc", "r8", "r9", "r10", "r11");
		_exit(result < 0 ? -result : 0); /* lint: child */
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void programs_of_32_bits(void **state)
{
	static const struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct seccomp_filter filter = {&all, 1};
	(void)state;
	if (under_32_bit(&filter, 20, 0, 0) != 0) /* getpid */
		skip();
	filter = seccomp_builtin(SECCOMP_BUILTIN_DEFAULT);
	assert_int_equal(under_32_bit(&filter, 6, 99, 0), EBADF);  /* close */
	assert_int_equal(under_32_bit(&filter, 21, 0, 0), EPERM);  /* mount */
	assert_int_equal(under_32_bit(&filter, 310, 0, 0), EPERM); /* unshare */
	assert_int_equal(under_32_bit(&filter, 1000, 0, 0), ENOSYS);
	assert_int_equal(under_32_bit(&filter, 54, 99, TIOCSTI), EPERM); /* ioctl */
	/* Today's libc makes its sockets without socketcall. */
	assert_int_equal(under_32_bit(&filter, 359, AF_UNIX, SOCK_STREAM), 0);
	assert_int_equal(under_32_bit(&filter, 359, 40, SOCK_STREAM), EPERM); /* vsock */
	assert_int_equal(under_32_bit(&filter, 393, 0, 0), EINVAL);	      /* semget */
}
#endif

/* What the kernel does with a program, for one number; no arguments. */
static uint32_t verdict(const struct seccomp_filter *filter, uint32_t arch, uint32_t nr)
{
	uint32_t a = 0;
	for (size_t at = 0; at < filter->length; at++) {
		const struct sock_filter *in = &filter->code[at];
		bool holds = (BPF_OP(in->code) == BPF_JEQ && a == in->k) ||
			     (BPF_OP(in->code) == BPF_JGE && a >= in->k) ||
			     (BPF_OP(in->code) == BPF_JSET && (a & in->k));
		if (BPF_CLASS(in->code) == BPF_RET)
			return in->k;
		if (BPF_CLASS(in->code) == BPF_LD)
			a = in->k == offsetof(struct seccomp_data, nr)	   ? nr
			    : in->k == offsetof(struct seccomp_data, arch) ? arch
									   : 0;
		else
			at += holds ? in->jt : in->jf;
	}
	return SECCOMP_RET_KILL_PROCESS; /* it ran off the end: the kernel takes no such program */
}

/* Each capability of the policy, alone and without all others: the tree must reach its answers. */
static void every_set_of_capabilities_has_a_program(void **state)
{
	(void)state;
	for (int cap = 0; cap < 42; cap++) {
		const uint64_t sets[] = {
			CAPS_BIT(cap), CAPS_DEFAULT | CAPS_BIT(cap), ~CAPS_BIT(cap)};
		for (size_t i = 0; i < 6; i++) {
			struct seccomp_filter filter;
			assert_true(seccomp_compile_for_caps(
				sets[i / 2], i % 2, &arena, &filter, &error));
			for (uint32_t nr = 0; nr < 600; nr++) {
				uint32_t got = verdict(&filter, AUDIT_ARCH_NATIVE, nr);
				assert_true(got == SECCOMP_RET_ALLOW ||
					    got == (SECCOMP_RET_ERRNO | EPERM) ||
					    got == (SECCOMP_RET_ERRNO | ENOSYS));
				if (nr > 467)
					assert_int_equal(got, SECCOMP_RET_ERRNO | ENOSYS);
			}
			assert_int_equal(
				verdict(&filter, AUDIT_ARCH_NATIVE, SYS_read), SECCOMP_RET_ALLOW);
			assert_int_equal(verdict(&filter, AUDIT_ARCH_NATIVE, SYS_keyctl),
				SECCOMP_RET_ERRNO | EPERM);
			assert_int_equal(verdict(&filter, AUDIT_ARCH_NATIVE, SYS_acct),
				sets[i / 2] & CAPS_BIT(CAP_SYS_PACCT) ? SECCOMP_RET_ALLOW
								      : SECCOMP_RET_ERRNO | EPERM);
			assert_int_equal(verdict(&filter, 0, SYS_read), SECCOMP_RET_ERRNO | ENOSYS);
		}
	}
}

static bool read_profile(const char *json, uint64_t caps, struct seccomp_rules *rules)
{
	struct profile_context context = {
		.name = "p", .caps = caps, .kernel_major = 6, .kernel_minor = 1};
	return seccomp_profile_read(json, &context, &arena, rules, &error);
}

static void profiles(void **state)
{
	static const char json[] =
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
		"{\"names\":[\"getppid\",\"nosuchcall\"],\"action\":\"SCMP_ACT_ERRNO\","
		"\"errnoRet\":7},"
		"{\"names\":[\"kcmp\"],\"action\":\"SCMP_ACT_ERRNO\",\"excludes\":{\"caps\":[\"CAP_"
		"SYS_PTRACE\"]}},"
		"{\"names\":[\"getsid\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":9,"
		"\"args\":[{\"index\":0,\"value\":5,\"op\":\"SCMP_CMP_EQ\"}]},"
		"{\"names\":[\"getpgid\"],\"action\":\"SCMP_ACT_KILL_PROCESS\"}]}";
	struct seccomp_rules rules;
	struct seccomp_filter filter;
	struct notes notes = {0};
	(void)state;
	assert_true(read_profile(json, CAPS_BIT(CAP_SYS_PTRACE), &rules));
	assert_int_equal(rules.n, 3);
	assert_true(seccomp_compile_profile(&rules, &arena, &notes, &filter, &error));
	assert_int_equal(notes.n, 1);
	assert_int_equal(under(&filter, SYS_getppid, 0, 0), 7);
	assert_int_equal(under(&filter, SYS_getsid, 5, 0), 9);
	assert_int_equal(under(&filter, SYS_getsid, 0, 0), 0);
	assert_int_equal(under(&filter, SYS_getpgid, 0, 0), -SIGSYS);
}

static void wrong_profiles_name_the_place(void **state)
{
	static const struct {
		const char *json, *place;
	} wrong[] = {{"", "line"}, {"{}", "defaultAction"}, {"[1]", "no object"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"]}]}",
			"syscalls[0]"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
		 "\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":9}]}]}",
			"syscalls[0].args[0]"},
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\"}", "listenerPath"}};
	struct seccomp_rules rules;
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(read_profile(wrong[i].json, 0, &rules));
		assert_non_null(strstr(error.what, wrong[i].place));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(the_default_filter),
		TEST(nobody_types_into_the_terminal), TEST(nesting_and_capabilities_open_calls),
#ifdef __x86_64__
		TEST(programs_of_32_bits),
#endif
		TEST(every_set_of_capabilities_has_a_program), TEST(profiles),
		TEST(wrong_profiles_name_the_place)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
