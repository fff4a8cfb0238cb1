/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/limits.h"
#include "apply/start.h"
#include "base/own.h"
#include "base/text.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/*
 * Systemd moves the child, ourselves and the network. With us in it the scope outlives its
 * container: else systemd might take the cgroup away before we have read why that ended. And
 * what stays beside a container in the background does not end with the login session.
 */
static void list_movers(const struct starter *s, char *ret, size_t size)
{
	const struct proc *proc = &s->proc;
	size_t n = (size_t)snprintf(ret, size, "%d", (int)proc->pid);
	n += (size_t)snprintf(ret + n, size - n, ",%d", (int)getpid());
	if (proc->net_pid > 0)
		snprintf(ret + n, size - n, ",%d", (int)proc->net_pid);
}

bool parent_scope(struct starter *s, const struct step *step, struct err *e)
{
	const struct strv *ask = &s->plan->cgroup.ask;
	char pids[48];
	char *argv[16] = {ask->v[0], ask->v[1], ask->v[2], ask->v[3], ask->v[4], pids};
	int out[2];
	(void)step;
	list_movers(s, pids, sizeof(pids));
	for (size_t i = 5; i < ask->n && i + 2 < ARRAY_LEN(argv); i++)
		argv[i + 1] = ask->v[i];
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	const int stdio[3] = {-1, out[1], -1};
	s->scope_fd = out[0];
	bool ok = spawn_program(argv, NULL, 0, stdio, &s->scope_pid, e);
	close(out[1]);
	return ok || err_what(e, ERR_HOST, "cannot ask your systemd for a scope");
}

/* guscio-scope itself gives up after five seconds: a manager that hangs is not waited for. */
static bool await_scope(struct starter *s, struct err *e)
{
	char answer[256];
	spawn_read(s->scope_fd, answer, sizeof(answer));
	clean_fd(&s->scope_fd);
	int status = spawn_wait(s->scope_pid);
	if (status == 0)
		return true;
	answer[strcspn(answer, "\n")] = '\0';
	if (answer[0])
		err_msg(e, ERR_HOST, "%s", answer);
	else
		err_msg(e, ERR_HOST,
			status == 128 + SIGALRM ? "it did not answer in 5 seconds"
						: "guscio-scope ended without a word");
	err_what(e, ERR_HOST, "your systemd gave no scope for the container's limits");
	return err_hint(e, "see: systemctl --user status; without limits none is needed");
}

/* Where the child is now, if that is the container's scope. */
static bool find_scope(const struct starter *s, char *ret, size_t size, struct err *e)
{
	const char *unit = s->plan->cgroup.ask.v[2];
	if (cgroup_of(s->proc.pid, ret, size) && !strcmp(strrchr(ret, '/') + 1, unit))
		return true;
	return err_msg(e, ERR_HOST, "systemd did not move the container into its scope");
}

static bool make_cgroup(struct proc *proc, const char *parent, const char *name, struct err *e)
{
	if (!cgroup_make(proc->cgroup_parent_fd, name, &proc->cgroup_fd, e))
		return err_what(e, ERR_HOST, "cannot make the container's cgroup");
	proc->cgroup_name = name;
	snprintf(proc->cgroup_path, sizeof(proc->cgroup_path), "%s%s%s", parent,
		parent[1] ? "/" : "", name);
	return true;
}

/* The others go into a leaf: a cgroup with processes of its own has no controllers to give. */
static bool move_child(struct starter *s, struct err *e)
{
	struct proc *proc = &s->proc;
	const char *enable = s->plan->cgroup.enable;
	char pid[16];
	snprintf(pid, sizeof(pid), "%d", (int)proc->pid);
	return cgroup_write(proc->cgroup_fd, "cgroup.procs", pid, e) &&
	       cgroup_empty_into(proc->cgroup_parent_fd, CGROUP_LEAF, e) &&
	       (!enable[0] || cgroup_enable(proc->cgroup_parent_fd, enable, e));
}

bool parent_scope_cgroup(struct starter *s, const struct step *step, struct err *e)
{
	struct proc *proc = &s->proc;
	char scope[CGROUP_PATH_MAX - 160];
	(void)step;
	if (!await_scope(s, e))
		return false;
	if (!find_scope(s, scope, sizeof(scope), e) ||
		!cgroup_open(scope, &proc->cgroup_parent_fd, e))
		return err_what(e, ERR_HOST, "cannot use the scope for the container");
	return make_cgroup(proc, scope, s->plan->cgroup.name, e) &&
	       (move_child(s, e) ||
		       err_what(e, ERR_HOST, "cannot prepare the cgroup for the container"));
}

static bool divide(const struct cgroup_plan *plan, const char *path, int *ret_fd, struct err *e)
{
	return cgroup_open(path, ret_fd, e) && cgroup_empty_into(*ret_fd, CGROUP_LEAF, e) &&
	       (!plan->enable[0] || cgroup_enable(*ret_fd, plan->enable, e));
}

bool parent_cgroup(struct starter *s, const struct step *step, struct err *e)
{
	const struct cgroup_plan *cgroup = &s->plan->cgroup;
	struct proc *proc = &s->proc;
	CLEAN(clean_fd) int top_fd = -1;
	bool is_deeper = strcmp(cgroup->top, cgroup->parent) != 0;
	(void)step;
	/* What lies between the two is not ours to make: it belongs to whoever named it. */
	bool ok = (!is_deeper || divide(cgroup, cgroup->top, &top_fd, e)) &&
		  divide(cgroup, cgroup->parent, &proc->cgroup_parent_fd, e);
	if (!ok)
		return err_what(e, ERR_HOST, "cannot prepare the cgroup for the container");
	/* What starters left behind that were killed. */
	cgroup_sweep(proc->cgroup_parent_fd, "guscio-", CGROUP_LEAF);
	return make_cgroup(proc, cgroup->parent, cgroup->name, e);
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

/*
 * Where the init is: a system has divided its cgroup, and what is divided takes no processes of
 * its own. Else, and where the init has got away somehow, the container's.
 */
static const char *cgroup_to_join(const struct container *c, struct arena *a)
{
	char now[CGROUP_PATH_MAX];
	size_t len = strlen(c->cgroup);
	bool is_below = cgroup_of(c->first.pid, now, sizeof(now)) &&
			!strncmp(now, c->cgroup, len) && now[len] == '/';
	return is_below ? arena_strdup(a, now) : c->cgroup;
}

static bool ask_to_join(const struct host *host, const struct container *c, const char *cgroup,
	struct arena *a, struct err *e)
{
	size_t parent_len = (size_t)(strrchr(c->cgroup, '/') - c->cgroup);
	const char *unit = strrchr(arena_strndup(a, c->cgroup, parent_len), '/');
	const char *base_end = strrchr(host->runtime_dir, '/');
	char answer[256] = "", pid[16];
	if (!unit || !text_ends(unit, ".scope"))
		return false;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	char *const argv[] = {arena_printf(a, "%s/guscio-scope", host->helper_dir),
		(char *)"--attach",
		arena_printf(a, "%.*s/systemd/private", (int)(base_end - host->runtime_dir),
			host->runtime_dir),
		(char *)unit + 1, arena_strdup(a, cgroup + parent_len), pid, NULL};
	int status = spawn_filter(argv, "", answer, sizeof(answer), e);
	answer[strcspn(answer, "\n")] = '\0';
	return status == 0 ||
	       (status > 0 && err_msg(e, ERR_HOST, "%s", answer[0] ? answer : "no answer"));
}

bool limits_join(const struct host *host, const struct container *c, struct arena *a, struct err *e)
{
	CLEAN(clean_fd) int fd = -1;
	const char *cgroup = cgroup_to_join(c, a);
	return cgroup_open(cgroup, &fd, e) &&
	       (cgroup_write(fd, "cgroup.procs", "0", e) || ask_to_join(host, c, cgroup, a, e));
}
