/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/child.h"
#include "base/own.h"
#include "sys/caps.h"

#include <grp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The calls, not libc's wrappers: those would signal threads that do not exist. */
static bool set_ids(uint32_t uid, uint32_t gid, struct err *e)
{
	if (syscall(SYS_setresgid, gid, gid, gid) < 0)
		return err_sys(e, "become group %u", gid);
	if (syscall(SYS_setresuid, uid, uid, uid) < 0)
		return err_sys(e, "become user %u", uid);
	return true;
}

bool child_become_root(struct child *child, const struct step *step, struct err *e)
{
	(void)step;
	if (!set_ids(0, 0, e))
		return err_what(e, ERR_HOST, "cannot become root in the new user namespace");
	/* The kernel clears the death signal when credentials change [prctl(2)]. */
	return child_tie_to_parent(child, e);
}

bool child_bounding(struct child *child, const struct step *step, struct err *e)
{
	const struct process_spec *process = &child->plan->spec->process;
	(void)step;
	return caps_limit_bounding(process->caps.bounding, child->plan->host->last_cap, e) ||
	       err_what(e, ERR_HOST, "cannot limit capabilities");
}

/*
 * Groups: setgroups() would take away the caller's own, which the kernel has kept through
 * the new namespace; so it is called only for a user who is not the caller, or on request.
 */
static bool set_groups(struct child *child, struct err *e)
{
	const struct plan *plan = child->plan;
	const struct user_id *user = &child->user;
	uint32_t outside = 0;
	bool is_caller = id_map_out(&plan->ids.uid, user->uid, &outside) &&
			 outside == (uint32_t)plan->host->uid;
	bool wants_more = plan->spec->process.extra_groups.n > 0;
	gid_t groups[PASSWD_GROUPS_MAX];
	size_t n = 0;
	if ((is_caller && !wants_more) || plan->spec->process.keep_groups)
		return true;
	for (size_t i = 0; i < user->n_groups; i++)
		if (!plan->ids.gid.n || id_map_out(&plan->ids.gid, user->groups[i], &outside))
			groups[n++] = user->groups[i];
	if (syscall(SYS_setgroups, n, groups) == 0)
		return true;
	/* With one id, our own or a joined one, the kernel has forbidden it for good. */
	bool is_forbidden = plan->ids.rung == MAP_SINGLE || !plan->ids.gid.n;
	if (errno == EPERM && is_forbidden && !wants_more)
		return true;
	return err_sys(e, "set the supplementary groups");
}

static uint64_t all_caps(const struct plan *plan)
{
	return plan->host->last_cap >= 63 ? ~0ull : (1ull << (plan->host->last_cap + 1)) - 1;
}

bool child_program_ids(struct child *child, const struct step *step, struct err *e)
{
	const struct plan *plan = child->plan;
	const struct process_spec *process = &plan->spec->process;
	const struct user_id *user = &child->user;
	uint64_t all = all_caps(plan), ambient = process->caps.ambient & all;
	(void)step;
	if (!set_groups(child, e))
		return err_what(e, ERR_USAGE, "cannot set the groups");
	if (user->uid == 0 && user->gid == 0)
		return true;
	/*
	 * A filter without no_new_privs wants CAP_SYS_ADMIN, which a change from uid 0
	 * would take. What is kept here ends at exec, except ambient capabilities.
	 */
	if (!caps_keep_over_setuid(e) || !set_ids(user->uid, user->gid, e))
		return err_what(
			e, ERR_USAGE, "cannot become user %u, group %u", user->uid, user->gid);
	if (user->uid != 0 && (!caps_set(all, all, ambient, e) ||
				      !caps_raise_ambient(ambient, plan->host->last_cap, e)))
		return err_what(e, ERR_HOST, "cannot set capabilities");
	return child_tie_to_parent(child, e);
}

bool child_no_new_privs(struct child *child, const struct step *step, struct err *e)
{
	(void)child;
	(void)step;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
		return err_sys(e, "set no_new_privs");
	return true;
}

bool child_install_filter(struct child *child, const struct step *step, struct err *e)
{
	(void)step;
	return seccomp_install(&child->filter, e) ||
	       err_what(e, ERR_HOST, "cannot install the system call filter");
}
