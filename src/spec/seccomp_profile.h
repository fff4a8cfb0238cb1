/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp_profile.h - docker's, podman's and the OCI spec's JSON for system call filters */
#ifndef SPEC_SECCOMP_PROFILE_H
#define SPEC_SECCOMP_PROFILE_H

#include "base/seccomp_rules.h"

/*
 * seccomp_profile_read() - a profile's text into rules
 * @caps: the container's capabilities, for "includes" and "excludes"
 * @kernel_major, @kernel_minor: for "minKernel"
 * Errors: ERR_INPUT, with the place: "syscalls[3].args[0].op".
 */
struct profile_context {
	const char *name; /* of the file, for messages */
	uint64_t caps;
	int kernel_major, kernel_minor;
};
bool seccomp_profile_read(const char *json, const struct profile_context *context,
	struct arena *arena, struct seccomp_rules *ret, struct err *e);

#endif
