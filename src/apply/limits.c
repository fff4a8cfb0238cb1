/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/limits.h"
#include "apply/start.h"
#include "base/own.h"
#include "base/text.h"
#include "sys/spawn.h"

#include <stdio.h>
#include <string.h>

/* The scope we are in, if it is the container's; our own leaf of it counts as well. */
static bool find_scope(const struct cgroup_plan *cgroup, char *ret, size_t size)
{
	char path[CGROUP_PATH_MAX];
	if (!cgroup_of(getpid(), path, sizeof(path)))
		return false;
	char *name = strrchr(path, '/');
	if (!strcmp(name + 1, CGROUP_LEAF) && name > path) {
		*name = '\0';
		name = strrchr(path, '/');
	}
	if (strcmp(name + 1, cgroup->ask.v[2]) || strlen(path) >= size)
		return false;
	strcpy(ret, path);
	return true;
}

static bool find_parent(struct starter *s, char *ret, size_t size, struct err *e)
{
	const struct cgroup_plan *cgroup = &s->plan->cgroup;
	if (cgroup->kind == CGROUP_SCOPE)
		return find_scope(cgroup, ret, size) ||
		       err_msg(e, ERR_HOST, "systemd did not move us into its scope");
	snprintf(ret, size, "%s", cgroup->parent);
	return true;
}

/* guscio-scope itself gives up after five seconds: a manager that hangs is not waited for. */
bool parent_scope(struct starter *s, const struct step *step, struct err *e)
{
	const struct strv *ask = &s->plan->cgroup.ask;
	char pid[16], answer[256] = "";
	char *argv[16] = {ask->v[0], ask->v[1], ask->v[2], ask->v[3], ask->v[4], pid};
	char here[CGROUP_PATH_MAX];
	(void)step;
	/* A monitor that starts its container again is in it since the first time. */
	if (find_scope(&s->plan->cgroup, here, sizeof(here)))
		return true;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	for (size_t i = 5; i < ask->n && i + 2 < ARRAY_LEN(argv); i++)
		argv[i + 1] = ask->v[i];
	int status = spawn_filter(argv, "", answer, sizeof(answer), e);
	if (status == 0)
		return true;
	answer[strcspn(answer, "\n")] = '\0';
	if (status > 0 && answer[0])
		err_msg(e, ERR_HOST, "%s", answer);
	else if (status > 0)
		err_msg(e, ERR_HOST,
			status == 128 + SIGALRM ? "it did not answer in 5 seconds"
						: "guscio-scope ended without a word");
	err_what(e, ERR_HOST, "your systemd gave no scope for the container's limits");
	return err_hint(e, "see: systemctl --user status; without limits none is needed");
}

bool parent_cgroup(struct starter *s, const struct step *step, struct err *e)
{
	const struct cgroup_plan *cgroup = &s->plan->cgroup;
	struct proc *proc = &s->proc;
	char parent[CGROUP_PATH_MAX - 160];
	(void)step;
	bool ok = find_parent(s, parent, sizeof(parent), e) &&
		  cgroup_open(parent, &proc->cgroup_parent_fd, e) &&
		  cgroup_empty_into(proc->cgroup_parent_fd, CGROUP_LEAF, e) &&
		  (!cgroup->enable[0] || cgroup_enable(proc->cgroup_parent_fd, cgroup->enable, e));
	if (!ok)
		return err_what(e, ERR_HOST, "cannot prepare the cgroup for the container");
	/* What starters left behind that were killed. */
	cgroup_sweep(proc->cgroup_parent_fd, "guscio-", CGROUP_LEAF);
	if (!cgroup_make(proc->cgroup_parent_fd, cgroup->name, &proc->cgroup_fd, e))
		return err_what(e, ERR_HOST, "cannot make the container's cgroup");
	proc->cgroup_name = cgroup->name;
	snprintf(proc->cgroup_path, sizeof(proc->cgroup_path), "%s%s%s", parent,
		parent[1] ? "/" : "", cgroup->name);
	return true;
}

bool limit_write(int cgroup_fd, const struct limit_file *limit, struct err *e)
{
	char device[32], value[256];
	const char *text = limit->value;
	if (limit->device) {
		/* A path names a device here; a document says its number. */
		bool ok = limit->device[0] != '/'
				  ? (snprintf(device, sizeof(device), "%s", limit->device), true)
				  : cgroup_device(limit->device, device, sizeof(device), e);
		if (!ok)
			return err_what(e, ERR_USAGE, "cannot limit '%s'", limit->device);
		snprintf(value, sizeof(value), "%s %s", device, limit->value);
		text = value;
	}
	if (cgroup_write(cgroup_fd, limit->file, text, e))
		return true;
	int sys = e->sys;
	err_what(e, sys == EINVAL || sys == ERANGE ? ERR_USAGE : ERR_HOST,
		"cannot set the limit %s to '%s'", limit->file, text);
	if (sys == ENOENT)
		err_hint(e, "this kernel has no such file, or its controller is not delegated");
	return false;
}

bool parent_limit(struct starter *s, const struct step *step, struct err *e)
{
	return limit_write(s->proc.cgroup_fd, step->limit, e);
}

void parent_release_cgroup(struct proc *proc)
{
	if (proc->cgroup_fd >= 0 && proc->cgroup_name)
		cgroup_remove(proc->cgroup_parent_fd, proc->cgroup_name);
	clean_fd(&proc->cgroup_fd);
	clean_fd(&proc->cgroup_parent_fd);
}

void limits_report_oom(const struct plan *plan, const struct proc *proc, struct notes *notes)
{
	char limit[64] = "";
	if (proc->cgroup_fd < 0)
		return;
	unsigned long long n = cgroup_count(proc->cgroup_fd, "memory.events", "oom_kill");
	if (!n)
		return;
	cgroup_read(proc->cgroup_fd, "memory.max", limit, sizeof(limit));
	notes_add(notes, "out of memory: the kernel killed %llu process%s of %s (memory.max is %s)",
		n, n == 1 ? "" : "es", plan->spec->name ? plan->spec->name : "the container",
		limit);
}

static bool ask_to_join(const struct host *host, const char *cgroup, struct arena *a, struct err *e)
{
	const char *name = strrchr(cgroup, '/');
	const char *parent = arena_strndup(a, cgroup, (size_t)(name - cgroup));
	const char *unit = strrchr(parent, '/');
	const char *base_end = strrchr(host->runtime_dir, '/');
	char answer[256] = "", pid[16];
	if (!unit || !text_ends(unit, ".scope"))
		return false;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	char *const argv[] = {arena_printf(a, "%s/guscio-scope", host->helper_dir),
		(char *)"--attach",
		arena_printf(a, "%.*s/systemd/private", (int)(base_end - host->runtime_dir),
			host->runtime_dir),
		(char *)unit + 1, arena_strdup(a, name), pid, NULL};
	int status = spawn_filter(argv, "", answer, sizeof(answer), e);
	answer[strcspn(answer, "\n")] = '\0';
	return status == 0 ||
	       (status > 0 && err_msg(e, ERR_HOST, "%s", answer[0] ? answer : "no answer"));
}

bool limits_join(const struct host *host, const char *cgroup, struct arena *a, struct err *e)
{
	CLEAN(clean_fd) int fd = -1;
	return cgroup_open(cgroup, &fd, e) &&
	       (cgroup_write(fd, "cgroup.procs", "0", e) || ask_to_join(host, cgroup, a, e));
}
