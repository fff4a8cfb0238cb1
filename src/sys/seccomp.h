/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp.h - system call filters: compile and install
 *
 * The only user of libseccomp. The default filters are compiled when guscio
 * is built (seccomp_default_filter.h is generated); a profile is compiled at the
 * start, in the parent.
 */
#ifndef SYS_SECCOMP_H
#define SYS_SECCOMP_H

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/seccomp_rules.h"

#include <linux/filter.h>

struct seccomp_filter {
	const struct sock_filter *code;
	unsigned short length; /* in instructions */
};

enum seccomp_builtin {
	SECCOMP_BUILTIN_DEFAULT, /* docker's default capabilities */
	SECCOMP_BUILTIN_NEST,	 /* the same, and containers can be made inside */
};

/* A filter that was compiled into the program; borrowed, constant. */
struct seccomp_filter seccomp_builtin(enum seccomp_builtin which);

/*
 * seccomp_compile_for_caps() - the default policy for another capability set
 * @caps: bit N is capability N; calls that only make sense with a capability
 *        (mount, bpf, reboot, …) are allowed when it is there
 * @nest: as SECCOMP_BUILTIN_NEST
 * Uses the built-in filters when they fit, so that the usual start compiles nothing.
 */
bool seccomp_compile_for_caps(
	uint64_t caps, bool nest, struct arena *arena, struct seccomp_filter *ret, struct err *e);

/*
 * seccomp_compile_profile() - a profile as spec/seccomp_profile.h has read it
 * Names that libseccomp does not know are passed over, with one note that counts them: a
 * profile lists calls of newer kernels.
 */
bool seccomp_compile_profile(const struct seccomp_rules *rules, struct arena *arena,
	struct notes *notes, struct seccomp_filter *ret, struct err *e);

/*
 * seccomp_install() - from here on this process and its children are filtered
 *
 * Context: child, last before exec; needs no_new_privs or CAP_SYS_ADMIN in its
 * user namespace [seccomp(2)]. Allocates nothing.
 */
bool seccomp_install(const struct seccomp_filter *filter, struct err *e);

#endif
