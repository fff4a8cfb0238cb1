/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/start.h"
#include "base/own.h"
#include "spec/document.h"
#include "spec/seccomp_profile.h"
#include "state/foreground.h"
#include "state/record.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

static bool make_directories(const char *path, struct err *e)
{
	char prefix[4096];
	size_t len = strlen(path);
	if (len >= sizeof(prefix))
		return err_msg(e, ERR_USAGE, "path '%s' is too long", path);
	memcpy(prefix, path, len + 1);
	for (char *p = prefix + 1;; p++) {
		if (*p && *p != '/')
			continue;
		char end = *p;
		*p = '\0';
		if (mkdir(prefix, 0755) < 0 && errno != EEXIST)
			return err_sys(e, "make directory '%s'", prefix);
		*p = end;
		if (!end)
			return true;
	}
}

bool parent_create_source(struct starter *s, const struct step *step, struct err *e)
{
	struct stat st;
	(void)s;
	if (stat(step->source.path, &st) == 0)
		return true;
	return make_directories(step->source.path, e) ||
	       err_what(e, ERR_HOST, "cannot make mount source '%s'", step->source.path);
}

bool parent_claim(struct starter *s, const struct step *step, struct err *e)
{
	const struct plan *plan = s->plan;
	(void)step;
	if (!state_claim(
		    plan->host->runtime_dir, plan->spec->id, plan->spec->name, &s->proc.lock_fd, e))
		return false;
	s->proc.is_claimed = true;
	return true;
}

/* What other commands are to see of one in the foreground; NULL when there is no memory for it. */
static char *shown_text(const struct plan *plan)
{
	if (!plan->shown)
		return NULL;
	struct container shown = *plan->shown;
	shown.limits_by = plan->limits_by ? plan->limits_by : "";
	shown.is_system = plan->spec->is_system;
	shown.memory_watched = plan->fallback.memory;
	CLEAN(clean_free) char *document = spec_to_json(plan->spec);
	return document ? foreground_text(&shown, document) : NULL;
}

static bool write_record(
	const struct plan *plan, const struct proc *proc, const char *more, struct err *e)
{
	const struct spec *spec = plan->spec;
	struct state_record record = {.pid = proc->pid};
	/* A child that has ended already says why itself. */
	if (!state_start_time(proc->pid, &record.start_time))
		return true;
	snprintf(record.id, sizeof(record.id), "%s", spec->id);
	snprintf(record.name, sizeof(record.name), "%s", spec->name ? spec->name : "");
	snprintf(record.cgroup, sizeof(record.cgroup), "%s", proc->cgroup_path);
	return state_write(plan->host->runtime_dir, &record, more, e);
}

bool parent_record(struct starter *s, const struct step *step, struct err *e)
{
	(void)step;
	/* Of one in the foreground it is written once, with all that is shown of it: proc_show().
	 */
	return s->plan->shown || write_record(s->plan, &s->proc, NULL, e);
}

void proc_show(const struct plan *plan, const struct proc *proc, struct notes *notes)
{
	struct err e = ERR_INIT;
	CLEAN(clean_free) char *more = shown_text(plan);
	if (more && !write_record(plan, proc, more, &e))
		notes_add(notes, "other commands see little of the container: %s", e.cause);
}

void parent_release(const struct plan *plan, struct proc *proc)
{
	const struct spec *spec = plan->spec;
	/* Everybody waits for this: the directory is open already, and mostly nearly empty. */
	bool is_done =
		!proc->is_claimed || (!spec->name && state_release_plain(proc->lock_fd, spec->id));
	if (!is_done)
		state_release(plan->host->runtime_dir, spec->id, spec->name, proc->exit_code);
	proc->is_claimed = false;
}

/*
 * Who had it may have ended a moment ago: a container that is restarted was seen to find the
 * lock of its former monitor held for some milliseconds after that had exited.
 */
static bool lock_soon(int fd)
{
	const struct timespec moment = {.tv_nsec = 5000000};
	for (int tries = 0; tries < 200; tries++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK)
			return false;
		nanosleep(&moment, NULL);
	}
	return false;
}

bool parent_overlay_directory(struct starter *s, const struct step *step, struct err *e)
{
	const char *directory = step->overlay.directory;
	if (!make_directories(directory, e))
		return err_what(e, ERR_HOST, "cannot make overlay directory '%s'", directory);
	s->proc.overlay_lock_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->proc.overlay_lock_fd < 0) {
		err_sys(e, "open '%s'", directory);
		return err_what(e, ERR_HOST, "cannot use overlay directory '%s'", directory);
	}
	if (lock_soon(s->proc.overlay_lock_fd))
		return true;
	err_sys(e, "lock it");
	e->sys = 0;
	err_msg(e, ERR_STATE, "another container runs on it");
	err_what(e, ERR_STATE, "cannot use overlay directory '%s'", directory);
	return err_hint(e, "wait until that container has ended, or use another name");
}

bool parent_filter(struct starter *s, const struct step *step, struct err *e)
{
	const struct spec *spec = s->plan->spec;
	const struct process_spec *process = &spec->process;
	struct arena *arena = spec->arena;
	(void)step;
	if (process->seccomp.kind == SECCOMP_DEFAULT)
		return seccomp_compile_for_caps(
			process->caps.bounding, spec->nest, arena, &s->child.filter, e);
	struct seccomp_rules rules;
	struct profile_context context = {.name = process->seccomp.path,
		.caps = process->caps.bounding,
		.kernel_major = s->plan->host->kernel_major,
		.kernel_minor = s->plan->host->kernel_minor};
	if (!seccomp_profile_read(process->seccomp.json, &context, arena, &rules, e))
		return false;
	return seccomp_compile_profile(&rules, arena, s->notes, &s->child.filter, e) ||
	       err_what(e, ERR_INPUT, "cannot use system call profile '%s'", context.name);
}
