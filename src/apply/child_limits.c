/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/child.h"
#include "base/own.h"
#include "sys/path.h"

#include <fcntl.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* <linux/ioprio.h> is younger than Debian 12's headers. */
#define IOPRIO_PROCESS	   1
#define IOPRIO_BEST_EFFORT (2 << 13)

bool child_cgroup_namespace(struct child *child, const struct step *step, struct err *e)
{
	(void)child;
	(void)step;
	if (unshare(CLONE_NEWCGROUP) == 0)
		return true;
	err_sys(e, "unshare");
	return err_what(e, ERR_HOST, "cannot make a cgroup namespace");
}

/* A list that was checked when it was read. */
static void set_from_list(const char *list, cpu_set_t *set)
{
	CPU_ZERO(set);
	for (const char *p = list; *p;) {
		char *end;
		long first = strtol(p, &end, 10), last = first;
		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		for (long i = first; i <= last && i < CPU_SETSIZE; i++)
			CPU_SET((size_t)i, set);
		p = *end ? end + 1 : end;
	}
}

/* From a place of the container's own on, so that not all use the same ones. */
static void choose_some(unsigned wanted, unsigned first, const cpu_set_t *allowed, cpu_set_t *set)
{
	CPU_ZERO(set);
	for (unsigned i = 0; i < CPU_SETSIZE && wanted; i++) {
		size_t cpu = (first + i) % CPU_SETSIZE;
		if (!CPU_ISSET(cpu, allowed))
			continue;
		CPU_SET(cpu, set);
		wanted--;
	}
}

static bool set_affinity(const struct child *child, struct err *e)
{
	const struct fallback_plan *fallback = &child->plan->fallback;
	cpu_set_t allowed, set;
	if (!fallback->cpus && !fallback->n_cpus)
		return true;
	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return err_sys(e, "ask for the processors");
	set = allowed;
	if (fallback->cpus)
		set_from_list(fallback->cpus, &set);
	if (fallback->n_cpus) {
		cpu_set_t among = set;
		unsigned first = (unsigned)getpid() + (unsigned)child->plan->spec->id[0];
		choose_some(fallback->n_cpus, first % (unsigned)CPU_COUNT(&allowed), &among, &set);
	}
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		return err_sys(e, "choose the processors");
	return true;
}

/* What is allocated from here on; exec and fork hand it on [set_mempolicy(2)]. */
static bool set_memory_nodes(const char *list, struct err *e)
{
	cpu_set_t nodes;
	if (!list)
		return true;
	set_from_list(list, &nodes);
	if (syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, (unsigned long)CPU_SETSIZE) == 0)
		return true;
	return err_sys(e, "choose the memory nodes %s", list);
}

bool child_fallback(struct child *child, const struct step *step, struct err *e)
{
	const struct fallback_plan *fallback = &child->plan->fallback;
	struct rlimit nproc = {fallback->nproc, fallback->nproc};
	(void)step;
	if (!set_affinity(child, e))
		return err_what(e, ERR_HOST, "cannot pin the container to its processors");
	if (!set_memory_nodes(fallback->mems, e))
		return err_what(e, ERR_HOST, "cannot bind the container to its memory nodes");
	if (fallback->nice && setpriority(PRIO_PROCESS, 0, fallback->nice) < 0) {
		err_sys(e, "nice %d", fallback->nice);
		return err_what(e, ERR_HOST, "cannot give the container its weight");
	}
	if (fallback->io_level && syscall(SYS_ioprio_set, IOPRIO_PROCESS, 0,
					  IOPRIO_BEST_EFFORT | fallback->io_level) < 0) {
		err_sys(e, "I/O priority %d", fallback->io_level);
		return err_what(e, ERR_HOST, "cannot give the container its I/O weight");
	}
	/* In a user namespace of its own the kernel counts this one's processes only. */
	if (fallback->nproc && setrlimit(RLIMIT_NPROC, &nproc) < 0) {
		err_sys(e, "limit processes to %llu", (unsigned long long)fallback->nproc);
		return err_what(e, ERR_HOST, "cannot limit the container's processes");
	}
	return true;
}

bool child_oom_score(struct child *child, const struct step *step, struct err *e)
{
	int score = child->plan->spec->limits.oom_score_adj;
	char text[16];
	(void)step;
	snprintf(text, sizeof(text), "%d", score);
	if (child->proc_fd < 0)
		return err_what(e, ERR_USAGE, "cannot set the out-of-memory score without /proc");
	CLEAN(clean_fd) int self_fd = openat(child->proc_fd, "self", O_PATH | O_CLOEXEC);
	if (self_fd >= 0 && path_write_beneath(self_fd, "oom_score_adj", text, e))
		return true;
	bool is_denied = self_fd >= 0 && (e->sys == EACCES || e->sys == EPERM);
	err_what(e, ERR_USAGE, "cannot set the out-of-memory score to %d", score);
	if (is_denied)
		err_hint(e, "only root may set it below what you have yourself");
	return false;
}
