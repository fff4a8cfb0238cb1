/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits.c - by which means limits are kept on this machine
 *
 * A cgroup, when one is ours to divide or the user's systemd makes one. Else, and for a
 * controller that was not handed on, the next best that an unprivileged process has, said
 * aloud; with --limit-mode=hard, and where there is no second best, an error. Nothing is dropped.
 */
#include "base/own.h"
#include "base/text.h"
#include "plan/build.h"

#include <sched.h>
#include <string.h>

/* How much the kernel's second best differs is for docs/limits.md; these name it. */
#define PERIOD_US 100000

struct reason {
	const char *cause;
	const char *hint;
};

static struct reason why_no_cgroup(const struct plan *plan)
{
	const struct cgroup_facts *facts = &plan->host->cgroups;
	if (plan->spec->limits.cgroup == CGROUP_NEVER)
		return (struct reason){"--cgroups=disabled forbids a cgroup", "leave it out"};
	if (facts->version == CGROUPS_V1)
		return (struct reason){"this machine has cgroups of version 1, where only root can "
				       "limit",
			"boot it with systemd.unified_cgroup_hierarchy=1"};
	if (facts->version == CGROUPS_NONE)
		return (struct reason){"no cgroup file system is mounted on /sys/fs/cgroup",
			"mount -t cgroup2 none /sys/fs/cgroup, as root"};
	return (struct reason){"no cgroup is yours, and no systemd of yours is running to ask",
		"log in by ssh or on a console, or: loginctl enable-linger"};
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);
	for (const char *p = words; p && *p; p += strcspn(p, " "), p += *p == ' ')
		if (!strncmp(p, word, len) && (!p[len] || p[len] == ' '))
			return true;
	return false;
}

static bool refuse(const struct limit_file *file, const struct reason *why, struct err *e)
{
	err_msg(e, ERR_HOST, "%s", why->cause);
	err_what(e, ERR_HOST, "%s cannot be kept here", file->option);
	return err_hint(e, "%s", why->hint);
}

static void note_means(struct plan *plan, const char *means)
{
	plan->limits_by =
		plan->limits_by ? arena_printf(plan->spec->arena, "%s, %s", plan->limits_by, means)
				: means;
}

static void say(struct notes *notes, const struct limit_file *file, const struct reason *why,
	const char *means)
{
	notes_add(notes, "%s: %s: %s", file->option, why->cause, means);
}

/* 100 is the usual weight and nice 0; each level of nice is a factor of 1.25 [sched(7)]. */
static int nice_for_weight(uint64_t weight)
{
	int nice = 0;
	for (uint64_t w = 100 * 100; w > weight * 100 && nice < 19; w = w * 4 / 5)
		nice++;
	return nice;
}

static void use_processors(struct plan *plan, struct notes *notes, const struct limit_file *file,
	const struct reason *why)
{
	uint64_t quota = plan->spec->limits.cpu_quota_us;
	uint64_t period =
		plan->spec->limits.cpu_period_us ? plan->spec->limits.cpu_period_us : PERIOD_US;
	plan->fallback.n_cpus = quota == LIMIT_NONE ? 0 : (unsigned)((quota + period - 1) / period);
	say(notes, file, why,
		arena_printf(plan->spec->arena,
			"pinned to %u whole processor%s instead, which others may use too",
			plan->fallback.n_cpus, plan->fallback.n_cpus == 1 ? "" : "s"));
}

static const char *stand_in(const char *option)
{
	static const char *const known[][2] = {{"--memory", "a watcher"},
		{"--pids-limit", "RLIMIT_NPROC"}, {"--cpus", "an affinity"},
		{"--cpuset-cpus", "an affinity"}, {"--cpuset-mems", "a memory policy"},
		{"--cpu-weight", "nice"}, {"--io-weight", "an I/O priority"}};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!strcmp(option, known[i][0]))
			return known[i][1];
	return "nothing";
}

/* What keeps this limit in the place of a cgroup; false when nothing does. */
static bool fall_back(struct plan *plan, struct notes *notes, const struct limit_file *file,
	const struct reason *why)
{
	const struct limits_spec *l = &plan->spec->limits;
	struct fallback_plan *to = &plan->fallback;
	if (!strcmp(file->option, "--memory")) {
		to->memory = l->memory == LIMIT_NONE ? 0 : l->memory;
		say(notes, file, why,
			"a watcher ends the container when its processes' resident memory, looked "
			"at ten times a second, passes the limit");
	} else if (!strcmp(file->option, "--pids-limit")) {
		to->nproc = l->pids == LIMIT_NONE ? 0 : l->pids;
		say(notes, file, why,
			"RLIMIT_NPROC instead, which counts for each user inside by itself");
	} else if (!strcmp(file->option, "--cpus")) {
		use_processors(plan, notes, file, why);
	} else if (!strcmp(file->option, "--cpuset-cpus")) {
		to->cpus = l->cpus;
		say(notes, file, why, "an affinity instead, which a program may undo");
	} else if (!strcmp(file->option, "--cpuset-mems")) {
		to->mems = l->mems;
		say(notes, file, why, "a memory policy instead, which a program may undo");
	} else if (!strcmp(file->option, "--cpu-weight")) {
		to->nice = nice_for_weight(l->cpu_weight);
		say(notes, file, why,
			to->nice ? arena_printf(plan->spec->arena,
					   "nice %d instead, for each process by itself", to->nice)
				 : "nice 0 instead: an ordinary user cannot have more than that");
	} else if (!strcmp(file->option, "--io-weight")) {
		/* 0 is the most, 7 the least; 4 is what everybody has [ioprio_set(2)]. */
		to->io_level = l->io_weight >= 100  ? 4
			       : l->io_weight >= 40 ? 5
			       : l->io_weight >= 10 ? 6
						    : 7;
		say(notes, file, why,
			arena_printf(plan->spec->arena,
				"I/O priority %d instead, which not every scheduler heeds",
				to->io_level));
	} else {
		return false;
	}
	to->is_used = true;
	note_means(plan,
		arena_printf(plan->spec->arena, "%s by %s", file->option, stand_in(file->option)));
	return true;
}

static bool check_processors(const struct plan *plan, struct err *e)
{
	const struct limits_spec *l = &plan->spec->limits;
	const struct cgroup_facts *facts = &plan->host->cgroups;
	if (l->cpus && facts->cpus_online && !limits_list_within(l->cpus, facts->cpus_online)) {
		err_what(e, ERR_USAGE, "--cpuset-cpus '%s' names a processor that is not there",
			l->cpus);
		return err_hint(e, "this machine has %s", facts->cpus_online);
	}
	if (l->mems && facts->nodes_online && !limits_list_within(l->mems, facts->nodes_online)) {
		err_what(e, ERR_USAGE, "--cpuset-mems '%s' names a memory node that is not there",
			l->mems);
		return err_hint(e, "this machine has %s", facts->nodes_online);
	}
	return true;
}

/* Shares are between neighbours: those of a scope are other scopes, not what is inside it. */
static void ask_for_shares(struct plan *plan)
{
	const struct limits_spec *l = &plan->spec->limits;
	struct arena *a = plan->spec->arena;
	if (l->cpu_weight)
		strv_add(a, &plan->cgroup.ask,
			arena_printf(a, "CPUWeight=%llu", (unsigned long long)l->cpu_weight));
	if (l->io_weight)
		strv_add(a, &plan->cgroup.ask,
			arena_printf(a, "IOWeight=%llu", (unsigned long long)l->io_weight));
}

/* A monitor that starts its container again is in its scope since the first time. */
static bool is_in_own_scope(const struct plan *plan, const char **ret_scope)
{
	struct arena *a = plan->spec->arena;
	const char *own = plan->host->cgroups.own ? plan->host->cgroups.own : "";
	size_t len = strlen(own);
	if (text_ends(own, "/" CGROUP_LEAF))
		len -= strlen("/" CGROUP_LEAF);
	const char *scope = arena_strndup(a, own, len);
	if (!text_ends(scope, arena_printf(a, "/%s.scope", plan->cgroup.base)))
		return false;
	*ret_scope = scope;
	return true;
}

static void choose_cgroup(struct plan *plan)
{
	const struct spec *spec = plan->spec;
	const struct cgroup_facts *facts = &plan->host->cgroups;
	struct cgroup_plan *to = &plan->cgroup;
	struct arena *a = spec->arena;
	if (spec->limits.cgroup == CGROUP_NEVER || facts->version != CGROUPS_V2)
		return;
	to->base = spec->limits.unit
			   ? spec->limits.unit
			   : arena_printf(a, "guscio-%s%s%.12s", spec->name ? spec->name : "",
				     spec->name ? "-" : "", spec->id);
	/* A slice is a word of systemd's: only it can be asked for one. */
	if (is_in_own_scope(plan, &to->parent)) {
		to->kind = CGROUP_OWN;
		to->top = to->parent;
		to->name = "container";
		to->controllers = facts->managed ? facts->managed : facts->controllers;
	} else if (facts->delegated && !spec->limits.parent && !spec->limits.unit) {
		to->kind = CGROUP_OWN;
		to->top = to->parent = facts->delegated;
		to->name = to->base;
		to->controllers = facts->controllers;
	} else if (facts->manager) {
		to->kind = CGROUP_SCOPE;
		to->name = "container";
		to->controllers = facts->managed;
		const char *program = spec->process.args.n ? spec->process.args.v[0] : "a shell";
		strv_add(a, &to->ask, arena_printf(a, "%s/guscio-scope", plan->host->helper_dir));
		strv_add(a, &to->ask, facts->manager);
		strv_add(a, &to->ask, arena_printf(a, "%s.scope", to->base));
		strv_add(a, &to->ask, spec->limits.parent ? spec->limits.parent : "");
		strv_add(a, &to->ask,
			arena_printf(a, "guscio container %s: %s",
				spec->name ? spec->name : arena_strndup(a, spec->id, 12), program));
		ask_for_shares(plan);
	}
}

/* The rest of a path below @top; NULL when it lies elsewhere. */
static const char *path_below(const char *path, const char *top)
{
	size_t len = strlen(top);
	if (path[0] != '/')
		return path;
	if (len == 1)
		return path + 1;
	return !strncmp(path, top, len) && path[len] == '/' ? path + len + 1 : NULL;
}

static bool refuse_place(const struct plan *plan, const struct reason *why, struct err *e)
{
	err_msg(e, ERR_HOST, "%s", why->cause);
	err_what(e, ERR_HOST, "cannot use the cgroupsPath '%s'", plan->spec->limits.below);
	return err_hint(e, "%s", why->hint);
}

/* Where a document's cgroupsPath wants it, as far as that is ours. */
static bool place_cgroup(struct plan *plan, struct err *e)
{
	static const struct reason in_scope = {
		"your systemd makes a scope for it, with one cgroup in that",
		"one word is its name; SLICE:PREFIX:NAME names the scope"};
	struct cgroup_plan *to = &plan->cgroup;
	const char *wanted = plan->spec->limits.below;
	struct arena *a = plan->spec->arena;
	if (!wanted || to->kind == CGROUP_NOT)
		return true;
	/* Also of a container that starts again in its own scope. */
	bool has_scope = !strcmp(to->name, "container");
	if (has_scope && strchr(wanted, '/'))
		return refuse_place(plan, &in_scope, e);
	const char *path = has_scope ? wanted : path_below(wanted, to->top);
	const char *last = path ? strrchr(path, '/') : NULL;
	const char *name = last ? last + 1 : path;
	if (!path || !strcmp(name, CGROUP_LEAF)) {
		struct reason why = {
			arena_printf(a, "it is not below '%s', which is yours to divide", to->top),
			"a path that does not begin with / is taken from there"};
		if (path)
			why = (struct reason){"guscio's own processes are there", "choose another"};
		return refuse_place(plan, &why, e);
	}
	if (last)
		to->parent = arena_printf(
			a, "%s%s%.*s", to->top, to->top[1] ? "/" : "", (int)(last - path), path);
	to->name = name;
	return true;
}

/*
 * What accounts, so that stats knows everything, and what the limits need besides. Processor
 * time is counted without a controller.
 */
static void enable_controllers(struct plan *plan, const struct limit_file *files, size_t n)
{
	static const char *const accounting[] = {"io", "memory", "pids"};
	struct cgroup_plan *to = &plan->cgroup;
	const char *words = "";
	for (size_t i = 0; i < ARRAY_LEN(accounting); i++)
		if (has_word(to->controllers, accounting[i]))
			words = arena_printf(plan->spec->arena, "%s%s+%s", words, *words ? " " : "",
				accounting[i]);
	for (size_t i = 0; i < n; i++) {
		const char *word = arena_printf(plan->spec->arena, "+%s", files[i].controller);
		if (has_word(to->controllers, files[i].controller) && !has_word(words, word))
			words = arena_printf(
				plan->spec->arena, "%s%s%s", words, *words ? " " : "", word);
	}
	to->enable = words;
}

static bool add_files(struct plan *plan, struct notes *notes, struct err *e)
{
	const struct limits_spec *l = &plan->spec->limits;
	size_t n;
	struct limit_file *files = limits_files(l, plan->spec->arena, &n);
	if (plan->cgroup.kind != CGROUP_NOT)
		note_means(plan, "cgroup");
	for (size_t i = 0; i < n; i++) {
		struct limit_file *file = &files[i];
		struct reason why = why_no_cgroup(plan);
		if (plan->cgroup.kind != CGROUP_NOT &&
			has_word(plan->cgroup.controllers, file->controller)) {
			plan_add(plan,
				plan->cgroup.kind == CGROUP_SCOPE ? STEP_SCOPE_LIMIT : STEP_LIMIT)
				->limit = file;
			continue;
		}
		if (plan->cgroup.kind != CGROUP_NOT)
			why = (struct reason){arena_printf(plan->spec->arena,
						      "the controller '%s' is not delegated to you",
						      file->controller),
				"root gives it to you with Delegate=cpu cpuset io memory pids "
				"in a drop-in for user@.service (docs/limits.md)"};
		if (l->mode == LIMIT_HARD || !fall_back(plan, notes, file, &why))
			return refuse(file, &why, e);
	}
	enable_controllers(plan, files, n);
	return true;
}

/* A cgroup for its own sake: there is no second best. */
static bool check_wish(const struct plan *plan, struct err *e)
{
	const struct limits_spec *l = &plan->spec->limits;
	struct reason why = why_no_cgroup(plan);
	if (plan->cgroup.kind != CGROUP_NOT ||
		(l->cgroup != CGROUP_ALWAYS && !l->parent && !l->cgroups_path))
		return true;
	err_msg(e, ERR_HOST, "%s", why.cause);
	err_what(e, ERR_HOST, "the container cannot have a cgroup of its own");
	return err_hint(e, "%s", why.hint);
}

bool plan_add_limits(struct plan *plan, struct notes *notes, struct err *e)
{
	const struct spec *spec = plan->spec;
	const struct limits_spec *l = &spec->limits;
	if (l->has_oom_score_adj)
		plan_add(plan, STEP_OOM_SCORE);
	if (!limits_want_cgroup(l))
		return true;
	choose_cgroup(plan);
	if (!check_wish(plan, e) || !place_cgroup(plan, e) || !check_processors(plan, e) ||
		!add_files(plan, notes, e))
		return false;
	if (plan->fallback.is_used)
		plan_add(plan, STEP_FALLBACK);
	if (plan->cgroup.kind == CGROUP_NOT)
		return true;
	bool has_scope = plan->cgroup.kind == CGROUP_SCOPE;
	if (has_scope)
		plan_add(plan, STEP_SCOPE);
	plan_add(plan, has_scope ? STEP_SCOPE_CGROUP : STEP_CGROUP);
	/* The clone's namespace would have the starter's cgroup as its root, not the container's.
	 */
	if (plan->clone_flags & CLONE_NEWCGROUP) {
		plan->clone_flags &= ~(uint64_t)CLONE_NEWCGROUP;
		plan_add(plan, STEP_CGROUP_NAMESPACE);
	}
	return true;
}
