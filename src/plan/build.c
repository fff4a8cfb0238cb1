/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "plan/build.h"

#include <sched.h>
#include <string.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

struct step *plan_add(struct plan *plan, enum step_kind kind)
{
	struct step *step = ARENA_APPEND(plan->spec->arena, plan->steps, plan->n_steps);
	step->kind = kind;
	return step;
}

void plan_sort(struct plan *plan)
{
	/* Insertion sort: stable, and the steps come nearly in order. */
	for (size_t i = 1; i < plan->n_steps; i++) {
		struct step step = plan->steps[i];
		size_t j = i;
		for (; j > 0 && plan->steps[j - 1].kind > step.kind; j--)
			plan->steps[j] = plan->steps[j - 1];
		plan->steps[j] = step;
	}
}

static uint64_t private_flags(const struct spec *spec)
{
	/* The time namespace has its own step: its offsets come between unshare and entry. */
	static const uint64_t flags[NS_KINDS] = {[NS_USER] = CLONE_NEWUSER,
		[NS_MOUNT] = CLONE_NEWNS,
		[NS_PID] = CLONE_NEWPID,
		[NS_UTS] = CLONE_NEWUTS,
		[NS_IPC] = CLONE_NEWIPC,
		[NS_NET] = CLONE_NEWNET,
		[NS_CGROUP] = CLONE_NEWCGROUP};
	uint64_t all = 0;
	for (int ns = 0; ns < NS_KINDS; ns++)
		if (spec->namespaces[ns].mode == NS_PRIVATE)
			all |= flags[ns];
	return all;
}

void plan_add_between(struct plan *plan)
{
	if (!plan->has_between)
		plan_add(plan, STEP_BETWEEN);
	plan->has_between = true;
}

/* The user namespace is joined first: only its members may enter the ones it owns. */
static void add_joins(struct plan *plan)
{
	for (int ns = 0; ns < NS_KINDS; ns++) {
		const struct ns_spec *from = &plan->spec->namespaces[ns];
		if (from->mode != NS_JOIN_PATH && from->mode != NS_JOIN_CONTAINER)
			continue;
		plan_add_between(plan);
		struct step *step = plan_add(plan, STEP_JOIN);
		step->join.ns = ns;
		step->join.mode = from->mode;
		step->join.from = from->from;
	}
}

static bool joins_user_namespace(const struct spec *spec)
{
	return spec->namespaces[NS_USER].mode != NS_PRIVATE;
}

void plan_add_ids(struct plan *plan)
{
	if (!joins_user_namespace(plan->spec))
		plan_add(plan, STEP_MAP_IDS);
	plan_add(plan, STEP_GO);
	plan_add(plan, STEP_AWAIT_GO);
	if (plan->ids.root_mapped || joins_user_namespace(plan->spec))
		plan_add(plan, STEP_BECOME_ROOT);
}

bool plan_has_thread(const struct plan *plan)
{
	/* setns(2): nobody with threads may enter a time namespace. */
	return plan->spec->namespaces[NS_TIME].mode != NS_PRIVATE;
}

/*
 * Where the child waits for its network in the midst of the tree, /proc may be as it stays by
 * then, and the devices there: no mount that is still to come lies in it.
 */
static bool is_proc_complete(const struct plan *plan)
{
	bool has_proc = false, has_dev = false, is_late = false;
	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = &plan->steps[i];
		is_late |= step->kind == STEP_NETWORK_ADOPT;
		if (step->kind == STEP_MOUNT_LATE && text_starts(step->mount.target, "/proc"))
			return false;
		if (step->kind != STEP_MOUNT || step->mount.from != MOUNT_FROM_FS)
			continue;
		has_proc |= step->mount.role == ROLE_PROC;
		has_dev |= step->mount.role == ROLE_DEV;
	}
	return is_late && has_proc && has_dev;
}

/* /proc/sys is written to until the last sysctl. */
static bool is_early(const char *path)
{
	return text_starts(path, "/proc/") && strcmp(path, "/proc/sys") &&
	       !text_starts(path, "/proc/sys/");
}

static bool lies_in_proc_or_sys(const char *path)
{
	return text_starts(path, "/proc/") || text_starts(path, "/sys/");
}

/*
 * Where the child waits for its network in the midst of the tree, can it go on without? What is
 * still to come must need nothing of the host's tree by its path, and change nothing of what
 * the user is looked up in.
 */
static bool pivots_early(const struct plan *plan)
{
	const struct strv *masked = &plan->spec->masked_paths;
	bool is_late = false;
	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = &plan->steps[i];
		is_late |= step->kind == STEP_NETWORK_ADOPT;
		if (step->kind == STEP_SECRETS ||
			(step->kind == STEP_MOUNT_LATE && step->mount.from == MOUNT_FROM_PATH))
			return false;
	}
	for (size_t i = 0; i < masked->n; i++)
		if (!lies_in_proc_or_sys(masked->v[i]))
			return false;
	return is_late;
}

static void add_pivot(struct plan *plan)
{
	plan->pivots_early = pivots_early(plan);
	if (plan->pivots_early)
		plan_add(plan, STEP_OLD_ROOT);
	plan_add(plan, plan->pivots_early ? STEP_PIVOT_EARLY : STEP_PIVOT);
	/* Of other filters nobody knows whether they let us wait. */
	if (plan_has_thread(plan))
		plan_add(plan, plan->spec->process.seccomp.kind == SECCOMP_DEFAULT
				       ? STEP_ASIDE_DONE_LATE
				       : STEP_ASIDE_DONE);
}

/* Of one list: in /proc, in /sys, and the rest. */
enum { PATHS_EARLY, PATHS_SYS, PATHS_LATE, PATHS_KINDS };

static void add_paths(
	struct plan *plan, const struct strv *paths, const enum step_kind kinds[PATHS_KINDS])
{
	bool has_early = is_proc_complete(plan);
	struct strv *lists = arena_array(plan->spec->arena, PATHS_KINDS, sizeof(*lists));
	for (size_t i = 0; i < paths->n; i++) {
		bool is_in_sys = plan->pivots_early && text_starts(paths->v[i], "/sys/");
		int kind = has_early && is_early(paths->v[i]) ? PATHS_EARLY
			   : is_in_sys			      ? PATHS_SYS
							      : PATHS_LATE;
		strv_add(plan->spec->arena, &lists[kind], paths->v[i]);
	}
	for (int kind = 0; kind < PATHS_KINDS; kind++)
		if (lists[kind].n)
			plan_add(plan, kinds[kind])->paths = &lists[kind];
}

static void add_view(struct plan *plan)
{
	static const enum step_kind masks[] = {STEP_MASK_EARLY, STEP_MASK_SYS, STEP_MASK};
	static const enum step_kind readonly[] = {
		STEP_READONLY_EARLY, STEP_READONLY_PATHS, STEP_READONLY_PATHS};
	const struct spec *spec = plan->spec;
	add_pivot(plan);
	if (spec->namespaces[NS_TIME].mode == NS_PRIVATE)
		plan_add(plan, STEP_TIME);
	if (spec->namespaces[NS_UTS].mode == NS_PRIVATE) {
		plan_add(plan, STEP_HOSTNAME)->text = spec->hostname;
		if (spec->domainname)
			plan_add(plan, STEP_DOMAINNAME)->text = spec->domainname;
	}
	for (size_t i = 0; i < spec->n_sysctls; i++)
		plan_add(plan, STEP_SYSCTL)->sysctl = &spec->sysctls[i];
	add_paths(plan, &spec->masked_paths, masks);
	add_paths(plan, &spec->readonly_paths, readonly);
	if (spec->root.readonly)
		plan_add(plan, STEP_ROOT_READONLY);
}

void plan_add_process(struct plan *plan)
{
	const struct process_spec *process = &plan->spec->process;
	plan_add(plan, plan->pivots_early ? STEP_USER_EARLY : STEP_USER);
	plan_add(plan, plan->pivots_early ? STEP_TERMINAL_EARLY : STEP_TERMINAL);
	plan_add(plan, STEP_DIRECTORY);
	if (process->n_rlimits)
		plan_add(plan, STEP_RLIMITS);
	plan_add(plan, STEP_BOUNDING);
	plan_add(plan, STEP_PROGRAM_IDS);
	if (process->no_new_privileges)
		plan_add(plan, STEP_NO_NEW_PRIVS);
	if (process->seccomp.kind != SECCOMP_UNCONFINED) {
		plan_add(plan, STEP_FILTER);
		plan_add(plan, STEP_INSTALL_FILTER);
	}
	plan_add(plan, STEP_EXEC);
}

bool plan_build(const struct spec *spec, const struct host *host, struct plan *ret,
	struct notes *notes, struct err *e)
{
	struct plan plan = {.spec = spec, .host = host};
	if (!idmaps_plan(spec, host, spec->arena, &plan.ids, notes, e))
		return false;
	plan.clone_flags = private_flags(spec);
	plan.container_dir = arena_printf(spec->arena, "%s/%s", host->runtime_dir, spec->id);
	plan_add(&plan, STEP_CLAIM);
	plan_add(&plan, STEP_RECORD);
	if (spec->stays)
		plan_add(&plan, STEP_KEEP);
	add_joins(&plan);
	plan_add(&plan, STEP_CLONE);
	plan_add(&plan, STEP_TIE);
	plan_add_ids(&plan);
	if (spec->init)
		plan_add(&plan, STEP_OPEN_INIT);
	if (!plan_add_root(&plan, e) || !plan_add_mounts(&plan, e) ||
		!plan_add_network(&plan, notes, e) || !plan_add_limits(&plan, notes, e))
		return false;
	plan_add_ports(&plan);
	add_view(&plan);
	plan_add_process(&plan);
	plan_set_program(&plan);
	plan_sort(&plan);
	*ret = plan;
	return true;
}

bool plan_build_network(const struct spec *spec, const struct host *host,
	const struct net_record *network, int control_fd, struct plan *ret, struct notes *notes,
	struct err *e)
{
	struct plan plan = {.spec = spec, .host = host, .shares_session = true};
	if (!idmaps_plan(spec, host, spec->arena, &plan.ids, notes, e))
		return false;
	plan.clone_flags = CLONE_NEWUSER | CLONE_NEWNET;
	plan_set_network(&plan, network, control_fd);
	plan_add(&plan, STEP_NETWORK_HELPER);
	plan_add(&plan, STEP_CLONE);
	plan_add(&plan, STEP_TIE);
	plan_add(&plan, STEP_LOOPBACK);
	plan_add(&plan, STEP_MAP_IDS);
	plan_add(&plan, STEP_GO);
	plan_add(&plan, STEP_AWAIT_GO);
	plan_add(&plan, STEP_NETWORK_BRIDGE);
	plan_sort(&plan);
	*ret = plan;
	return true;
}

bool plan_build_unshare(const struct spec *spec, const struct host *host, struct plan *ret,
	struct notes *notes, struct err *e)
{
	struct plan plan = {.spec = spec, .host = host, .shares_session = true};
	if (!idmaps_plan(spec, host, spec->arena, &plan.ids, notes, e))
		return false;
	plan.clone_flags = CLONE_NEWUSER | CLONE_NEWNS;
	plan_add(&plan, STEP_CLONE);
	plan_add(&plan, STEP_TIE);
	plan_add_ids(&plan);
	plan_add(&plan, STEP_EXEC);
	plan_set_program(&plan);
	plan_sort(&plan);
	*ret = plan;
	return true;
}
