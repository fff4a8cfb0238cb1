/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h - a list of system calls as a BPF program
 *
 * Not by libseccomp's own builder: that takes a third of a millisecond, and some of these helpers
 * start with every container. Names are looked up in its table.
 */
#ifndef CONFINE_FILTER_H
#define CONFINE_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_ROOM 512

struct filter {
	size_t n;
	struct sock_filter code[FILTER_ROOM];
};

struct filter_wish {
	const char *const *names; /* NULL-ended; what this machine does not know is left out */
	uint32_t listed, other;	  /* SECCOMP_RET_*: what they get, and all others */
	bool has_inet;		  /* socket(2) too, for IPv4 and IPv6 only */
};

/*
 * filter_build() - a search tree over the calls' numbers
 * Calls by another architecture's way kill the process; those of x32 are among the others, or
 * listed where the others are allowed. False when there are too many names.
 */
bool filter_build(const struct filter_wish *wish, struct filter *ret);

#endif
