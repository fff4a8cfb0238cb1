/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp_policy.h - which system calls a container may make, and why, as a BPF program */
#ifndef SYS_SECCOMP_POLICY_H
#define SYS_SECCOMP_POLICY_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECCOMP_POLICY_ROOM 2048

/*
 * seccomp_policy_emit() - the default policy as BPF
 * @caps: the container's capabilities, bit N for capability N
 * @nest: containers may be made inside
 * @code: receives the program, @room instructions at most
 * Returns its length, 0 when @room is too small.
 *
 * Allowed calls pass. Known calls that are not allowed get EPERM. Numbers that
 * this policy does not know get ENOSYS, so that a newer libc falls back.
 */
size_t seccomp_policy_emit(uint64_t caps, bool nest, struct sock_filter *code, size_t room);

#endif
