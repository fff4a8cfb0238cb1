/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp_compile.c - a user's profile to BPF, by libseccomp */
#include "base/own.h"
#include "sys/seccomp.h"

#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* The kernel takes 4096 instructions [seccomp(2)]. */
#define INSTRUCTIONS_MAX 4096

static uint32_t to_action(enum rule_action action, unsigned errno_value)
{
	switch (action) {
	case RULE_ALLOW:
		return SCMP_ACT_ALLOW;
	case RULE_ERRNO:
		return SCMP_ACT_ERRNO(errno_value);
	case RULE_KILL_THREAD:
		return SCMP_ACT_KILL_THREAD;
	case RULE_KILL_PROCESS:
		return SCMP_ACT_KILL_PROCESS;
	case RULE_TRAP:
		return SCMP_ACT_TRAP;
	case RULE_LOG:
		return SCMP_ACT_LOG;
	}
	return SCMP_ACT_KILL_PROCESS;
}

static struct scmp_arg_cmp to_compare(const struct rule_argument *argument)
{
	static const enum scmp_compare operators[] = {[RULE_NE] = SCMP_CMP_NE,
		[RULE_LT] = SCMP_CMP_LT,
		[RULE_LE] = SCMP_CMP_LE,
		[RULE_EQ] = SCMP_CMP_EQ,
		[RULE_GE] = SCMP_CMP_GE,
		[RULE_GT] = SCMP_CMP_GT,
		[RULE_MASKED_EQ] = SCMP_CMP_MASKED_EQ};
	return (struct scmp_arg_cmp){.arg = argument->index,
		.op = operators[argument->compare],
		.datum_a = argument->value,
		.datum_b = argument->value_two};
}

static bool is_fine(int result)
{
	/* The same rule twice, or an action that is the default anyway. */
	return result == 0 || result == -EEXIST || result == -EACCES || result == -EDOM;
}

/* Two tests of one argument are alternatives in these profiles, as runc has it. */
static bool repeats_index(const struct seccomp_rule *rule)
{
	unsigned seen = 0;
	for (size_t i = 0; i < rule->n_arguments; i++) {
		if (seen >> rule->arguments[i].index & 1)
			return true;
		seen |= 1u << rule->arguments[i].index;
	}
	return false;
}

static int add_rule(scmp_filter_ctx ctx, const struct seccomp_rule *rule, int nr)
{
	struct scmp_arg_cmp compares[6];
	uint32_t action = to_action(rule->action, rule->errno_value);
	for (size_t i = 0; i < rule->n_arguments; i++)
		compares[i] = to_compare(&rule->arguments[i]);
	if (!repeats_index(rule))
		return seccomp_rule_add_array(
			ctx, action, nr, (unsigned)rule->n_arguments, compares);
	for (size_t i = 0; i < rule->n_arguments; i++) {
		int result = seccomp_rule_add_array(ctx, action, nr, 1, &compares[i]);
		if (!is_fine(result))
			return result;
	}
	return 0;
}

static int add_rules(scmp_filter_ctx ctx, const struct seccomp_rules *rules, size_t *ret_unknown)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct seccomp_rule *rule = &rules->v[i];
		for (size_t j = 0; j < rule->names.n; j++) {
			int nr = seccomp_syscall_resolve_name(rule->names.v[j]);
			if (nr == __NR_SCMP_ERROR) {
				(*ret_unknown)++;
				continue;
			}
			int result = add_rule(ctx, rule, nr);
			if (!is_fine(result))
				return result;
		}
	}
	return 0;
}

/* libseccomp writes programs to descriptors only. */
static bool export(
	scmp_filter_ctx ctx, struct arena *arena, struct seccomp_filter *ret, struct err *e)
{
	CLEAN(clean_fd) int fd = memfd_create("filter", MFD_CLOEXEC);
	struct stat st;
	if (fd < 0)
		return err_sys(e, "make a file in memory");
	int failed = seccomp_export_bpf(ctx, fd);
	if (failed || fstat(fd, &st) < 0) {
		errno = failed ? -failed : errno;
		return err_sys(e, "compile the profile");
	}
	size_t n = (size_t)st.st_size / sizeof(struct sock_filter);
	if (n > INSTRUCTIONS_MAX)
		return err_msg(e, ERR_INPUT, "it needs %zu instructions, the kernel takes %d", n,
			INSTRUCTIONS_MAX);
	struct sock_filter *code = arena_alloc(arena, (size_t)st.st_size);
	if (pread(fd, code, (size_t)st.st_size, 0) != st.st_size)
		return err_sys(e, "read the program");
	*ret = (struct seccomp_filter){code, (unsigned short)n};
	return true;
}

bool seccomp_compile_profile(const struct seccomp_rules *rules, struct arena *arena,
	struct notes *notes, struct seccomp_filter *ret, struct err *e)
{
	size_t unknown = 0;
	scmp_filter_ctx ctx = seccomp_init(to_action(rules->default_action, rules->default_errno));
	if (!ctx)
		return err_msg(e, ERR_INTERNAL, "libseccomp has no memory");
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
#ifdef __x86_64__
	if (rules->has_32_bit)
		seccomp_arch_add(ctx, SCMP_ARCH_X86);
#endif
	int failed = add_rules(ctx, rules, &unknown);
	bool ok;
	if (failed) {
		errno = -failed;
		ok = err_sys(e, "compile the profile");
	} else {
		ok = export(ctx, arena, ret, e);
	}
	seccomp_release(ctx);
	if (ok && unknown)
		notes_add(notes, "the profile names %zu system calls that are not known here",
			unknown);
	return ok;
}
