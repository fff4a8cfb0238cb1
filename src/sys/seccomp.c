/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/seccomp.h"
#include "base/capability_set.h"
#include "seccomp_builtin.h"
#include "sys/seccomp_policy.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

struct seccomp_filter seccomp_builtin(enum seccomp_builtin which)
{
	if (which == SECCOMP_BUILTIN_NEST)
		return (struct seccomp_filter){
			builtin_nest, sizeof(builtin_nest) / sizeof(builtin_nest[0])};
	return (struct seccomp_filter){
		builtin_default, sizeof(builtin_default) / sizeof(builtin_default[0])};
}

/* Capabilities that the policy asks for: others do not change the filter. */
#define CAPS_OF_POLICY                                                                             \
	(CAPS_BIT(CAP_SYS_ADMIN) | CAPS_BIT(CAP_SYS_CHROOT) | CAPS_BIT(CAP_SYS_PTRACE) |           \
		CAPS_BIT(CAP_SYS_NICE) | CAPS_BIT(CAP_DAC_READ_SEARCH) | CAPS_BIT(CAP_SYS_TIME) |  \
		CAPS_BIT(CAP_SYS_BOOT) | CAPS_BIT(CAP_SYS_MODULE) | CAPS_BIT(CAP_SYS_PACCT) |      \
		CAPS_BIT(CAP_SYS_RAWIO) | CAPS_BIT(CAP_SYS_TTY_CONFIG) | CAPS_BIT(CAP_SYSLOG) |    \
		CAPS_BIT(CAP_BPF) | CAPS_BIT(CAP_PERFMON))

bool seccomp_compile_for_caps(
	uint64_t caps, bool nest, struct arena *arena, struct seccomp_filter *ret, struct err *e)
{
	if ((caps & CAPS_OF_POLICY) == (CAPS_DEFAULT & CAPS_OF_POLICY)) {
		*ret = seccomp_builtin(nest ? SECCOMP_BUILTIN_NEST : SECCOMP_BUILTIN_DEFAULT);
		return true;
	}
	struct sock_filter *code = arena_array(arena, SECCOMP_POLICY_ROOM, sizeof(*code));
	size_t n = seccomp_policy_emit(caps, nest, code, SECCOMP_POLICY_ROOM);
	if (!n)
		return err_msg(e, ERR_INTERNAL, "the system call policy is too long");
	*ret = (struct seccomp_filter){code, (unsigned short)n};
	return true;
}

bool seccomp_install(const struct seccomp_filter *filter, struct err *e)
{
	struct sock_fprog program = {
		.len = filter->length, .filter = (struct sock_filter *)filter->code};
	/* Without this flag the kernel slows every process with a filter down (SSBD). */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
		    &program) == 0)
		return true;
	if (errno == EINVAL && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0UL, &program) == 0)
		return true;
	return err_sys(e, "install a system call filter");
}
