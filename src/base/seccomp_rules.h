/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp_rules.h - a system call profile as data: what spec/ reads and sys/ compiles */
#ifndef BASE_SECCOMP_RULES_H
#define BASE_SECCOMP_RULES_H

#include "base/arena.h"

enum rule_action {
	RULE_ALLOW,
	RULE_ERRNO,
	RULE_KILL_THREAD,
	RULE_KILL_PROCESS,
	RULE_TRAP,
	RULE_LOG,
};

enum rule_compare {
	RULE_NE,
	RULE_LT,
	RULE_LE,
	RULE_EQ,
	RULE_GE,
	RULE_GT,
	RULE_MASKED_EQ, /* (argument & value) == value_two */
};

struct rule_argument {
	unsigned index; /* 0 to 5 */
	enum rule_compare compare;
	uint64_t value;
	uint64_t value_two;
};

struct seccomp_rule {
	struct strv names;
	enum rule_action action;
	unsigned errno_value;
	struct rule_argument arguments[6];
	size_t n_arguments;
};

struct seccomp_rules {
	enum rule_action default_action;
	unsigned default_errno;
	bool has_32_bit; /* the profile names the 32-bit sibling of this architecture */
	struct seccomp_rule *v;
	size_t n;
};

#endif
