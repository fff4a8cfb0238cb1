/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits.h - how much of the machine a container may use
 *
 * Options and the OCI "resources" object become one struct; limits_files() says which files
 * of a cgroup they are [Documentation/admin-guide/cgroup-v2.rst]. Values are the kernel's, not
 * docker's: swap is swap alone, weights are those of version 2.
 */
#ifndef SPEC_LIMITS_H
#define SPEC_LIMITS_H

#include "base/arena.h"

/* "max" in the kernel's files; 0 in these fields means that nothing was said. */
#define LIMIT_NONE UINT64_MAX

enum limit_mode { LIMIT_BEST, LIMIT_HARD };
enum cgroup_wish {
	CGROUP_WITH_LIMITS,
	CGROUP_ALWAYS,
	CGROUP_NEVER,
	CGROUP_IF_POSSIBLE,
	CGROUP_SPLIT
};

enum io_rate { IO_READ_BPS, IO_WRITE_BPS, IO_READ_IOPS, IO_WRITE_IOPS };

struct io_limit {
	const char *device; /* a path, or "MAJOR:MINOR" */
	enum io_rate rate;
	uint64_t per_second;
};

struct limits_spec {
	enum limit_mode mode;
	enum cgroup_wish cgroup;
	const char *parent; /* a slice of the user's systemd */
	/* What a document's cgroupsPath says, as it stands and taken apart; NULL: nothing. */
	const char *cgroups_path;
	const char *unit;  /* "SLICE:PREFIX:NAME": the scope's name without ".scope" */
	const char *below; /* a path: below what is delegated to us, or from "/" on */
	uint64_t memory;   /* bytes, as all of memory_* */
	uint64_t memory_swap;
	bool has_memory_swap; /* 0 is a wish too: no swap at all */
	uint64_t memory_low;
	uint64_t memory_high;
	bool oom_group;
	uint64_t cpu_quota_us;
	uint64_t cpu_period_us; /* 0: the kernel's 100000 */
	uint64_t cpu_weight;	/* 1 to 10000 */
	const char *cpus;	/* lists, "0-2,4" */
	const char *mems;
	uint64_t pids;
	uint64_t io_weight; /* 1 to 10000 */
	struct io_limit *io;
	size_t n_io;
	struct strv conf; /* FILE=VALUE, written last and as they are */
	bool has_oom_score_adj;
	int oom_score_adj;
};

struct limit_file {
	const char *controller;
	const char *file;
	const char *value;
	const char *device; /* comes before the value as MAJOR:MINOR; NULL: none */
	const char *option; /* as the user knows it: "--memory" */
};

/* Is any of them a matter of a cgroup? */
bool limits_any(const struct limits_spec *limits);

/* Is a cgroup to be looked for, for their sake or its own? */
bool limits_want_cgroup(const struct limits_spec *limits);

/* The files of a cgroup, in the order in which they are written. */
struct limit_file *limits_files(const struct limits_spec *limits, struct arena *a, size_t *ret_n);

/*
 * limits_option() - one option of the command line
 * @name: without "--"; one that is no limit's is ERR_INTERNAL
 * Errors: ERR_USAGE, quoting the text.
 */
bool limits_option(struct limits_spec *limits, const char *name, const char *text, struct arena *a,
	struct err *e);

/*
 * limits_cgroups_path() - a document's "cgroupsPath"
 * Returns NULL, or why it cannot be one.
 */
const char *limits_cgroups_path(struct limits_spec *limits, const char *text, struct arena *a);

/* What the options mean together: docker's --memory-swap is memory and swap. */
bool limits_freeze(struct limits_spec *limits, struct err *e);

/* What @from says takes the place of what @to said. */
void limits_merge(struct limits_spec *to, const struct limits_spec *from, struct arena *a);

/* Is it a list of numbers and ranges, "0-3,5"? Their largest in @ret_max. */
bool limits_list(const char *text, uint32_t *ret_max);
/* Does every number of @list lie in @all? Both are lists as above. */
bool limits_list_within(const char *list, const char *all);

#endif
