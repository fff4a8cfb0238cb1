/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_generate.c - prints the built-in filters as a C header, when guscio is built
 *
 * Built for the machine it is built on: a cross build to another architecture must compile the
 * policy at each start instead, which seccomp_compile_for_caps() does for any set.
 */
#include "base/capability_set.h"
#include "sys/seccomp_policy.h"

#include <stdio.h>

static int print_filter(const char *name, bool nest)
{
	struct sock_filter code[SECCOMP_POLICY_ROOM];
	size_t n = seccomp_policy_emit(CAPS_DEFAULT, nest, code, SECCOMP_POLICY_ROOM);
	printf("static const struct sock_filter %s[] = {\n", name);
	for (size_t i = 0; i < n; i++)
		printf("\t{0x%x, %u, %u, 0x%x},\n", code[i].code, code[i].jt, code[i].jf,
			code[i].k);
	printf("};\n");
	return n == 0;
}

int main(void)
{
	printf("#include <linux/filter.h>\n");
	return print_filter("builtin_default", false) || print_filter("builtin_nest", true);
}
