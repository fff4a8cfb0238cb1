/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/capability_set.h"
#include "spec/seccomp_profile.h"
#include "sys/seccomp.h"

#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

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
		TEST(profiles), TEST(wrong_profiles_name_the_place)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
