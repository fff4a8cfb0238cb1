/* SPDX-License-Identifier: Apache-2.0 */
/* limit_options.c - how much of the machine a container may use: one setter an option */
#include "cmd/run_options.h"

#define LIMIT(function, option)                                                                    \
	bool function(struct invocation *to, const char *value, struct err *e)                     \
	{                                                                                          \
		return limits_option(&to->spec.limits, option, value, &to->arena, e);              \
	}

LIMIT(set_memory, "memory")
LIMIT(set_memory_swap, "memory-swap")
LIMIT(set_memory_reservation, "memory-reservation")
LIMIT(set_memory_high, "memory-high")
LIMIT(set_oom_group, "oom-group")
LIMIT(set_cpus, "cpus")
LIMIT(set_cpu_weight, "cpu-weight")
LIMIT(set_cpu_shares, "cpu-shares")
LIMIT(set_cpuset_cpus, "cpuset-cpus")
LIMIT(set_cpuset_mems, "cpuset-mems")
LIMIT(set_pids_limit, "pids-limit")
LIMIT(set_io_weight, "io-weight")
LIMIT(set_device_read_bps, "device-read-bps")
LIMIT(set_device_write_bps, "device-write-bps")
LIMIT(set_device_read_iops, "device-read-iops")
LIMIT(set_device_write_iops, "device-write-iops")
LIMIT(set_oom_score_adj, "oom-score-adj")
LIMIT(set_cgroup_conf, "cgroup-conf")
LIMIT(set_cgroup_parent, "cgroup-parent")
LIMIT(set_limit_mode, "limit-mode")
LIMIT(set_cgroups, "cgroups")
