/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"
#include "spec/port_text.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text {
	char *buf;
	size_t size;
	size_t n;
};

static void add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	if (t->n >= t->size)
		return;
	va_start(ap, fmt);
	t->n += (size_t)vsnprintf(t->buf + t->n, t->size - t->n, fmt, ap);
	va_end(ap);
}

static const char *const ns_names[NS_KINDS] = {
	"user", "mount", "pid", "uts", "ipc", "net", "cgroup", "time"};

static void add_words(struct text *t, const struct strv *words)
{
	for (size_t i = 0; words && i < words->n; i++)
		add(t, "%s%s", i ? " " : "", words->v[i]);
}

static void add_attributes(struct text *t, const struct mount_flags *flags)
{
	static const struct {
		uint64_t flag;
		const char *name;
	} names[] = {{MOUNT_ATTR_RDONLY, "ro"}, {MOUNT_ATTR_NOSUID, "nosuid"},
		{MOUNT_ATTR_NODEV, "nodev"}, {MOUNT_ATTR_NOEXEC, "noexec"}};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags->attr_set & names[i].flag)
			add(t, " %s", names[i].name);
	if ((flags->attr_set & MOUNT_ATTR_RDONLY) && flags->recursive_attr && flags->recursive)
		add(t, " (and below)");
	add(t, "%s",
		flags->propagation == MS_SHARED	 ? " shared"
		: flags->propagation == MS_SLAVE ? " slave"
						 : "");
	for (size_t i = 0; i < flags->data.n; i++)
		add(t, " %s", flags->data.v[i]);
}

static void add_mount_text(struct text *t, const struct mount_step *mount)
{
	if (mount->from == MOUNT_FROM_FS)
		add(t, "new %s on %s:", mount->source, mount->target);
	else
		add(t, "%s on %s:", mount->source, mount->target);
	add_attributes(t, &mount->flags);
	if (mount->role == ROLE_DEV)
		add(t, ", with null zero full random urandom tty");
	if (t->n && t->buf[t->n - 1] == ':')
		t->buf[--t->n] = '\0';
}

static void add_map(struct text *t, const char *label, const struct id_map *map)
{
	add(t, "%s", label);
	for (size_t i = 0; i < map->n; i++)
		add(t, " %u:%u:%u", map->v[i].inside, map->v[i].outside, map->v[i].count);
}

static void add_ids(struct text *t, const struct plan *plan)
{
	add_map(t, "uid", &plan->ids.uid);
	add_map(t, ", gid", &plan->ids.gid);
	add(t, "%s",
		plan->ids.rung == MAP_HELPERS  ? " by newuidmap and newgidmap side by side"
		: plan->ids.rung == MAP_DIRECT ? " written directly"
					       : " written directly, setgroups denied");
}

static void add_namespaces(struct text *t, const struct plan *plan)
{
	static const uint64_t flags[NS_KINDS] = {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID,
		CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWCGROUP, 0};
	add(t, "new");
	for (int ns = 0; ns < NS_KINDS; ns++)
		if (plan->clone_flags & flags[ns])
			add(t, " %s", ns_names[ns]);
}

static void add_addresses(struct text *t, const struct net_plan *net)
{
	char buf[ADDRESS_TEXT_SIZE];
	add(t, "eth0: %s/%u", address_print(&net->guest4, buf), net->prefix4);
	if (net->guest6.family)
		add(t, " %s/%u", address_print(&net->guest6, buf), net->prefix6);
	add(t, " mtu %u", net->mtu);
}

static void add_fallback(struct text *t, const struct fallback_plan *fallback)
{
	if (fallback->memory)
		add(t, " memory watched up to %llu", (unsigned long long)fallback->memory);
	if (fallback->nproc)
		add(t, " RLIMIT_NPROC %llu", (unsigned long long)fallback->nproc);
	if (fallback->cpus)
		add(t, " processors %s", fallback->cpus);
	if (fallback->n_cpus)
		add(t, " processors %u", fallback->n_cpus);
	if (fallback->mems)
		add(t, " memory nodes %s", fallback->mems);
	if (fallback->nice)
		add(t, " nice %d", fallback->nice);
	if (fallback->io_level)
		add(t, " I/O level %d", fallback->io_level);
}

/* lint: table */
void plan_step_describe(const struct plan *plan, const struct step *step, char *buf, size_t size)
{
	struct text t = {buf, size, 0};
	const struct process_spec *process = &plan->spec->process;
	buf[0] = '\0';
	switch (step->kind) {
	case STEP_CREATE_SOURCE:
	case STEP_OPEN_ROOT:
	case STEP_OPEN_SOURCE:
		add(&t, "%s", step->source.path);
		break;
	case STEP_OPEN_PORTS:
		for (size_t i = 0; i < plan->spec->n_ports; i++)
			add(&t, "%s%s", i ? " " : "",
				port_to_text(&plan->spec->ports[i], plan->spec->arena));
		break;
	case STEP_SERVE_PORTS:
		add(&t, "guscio-port to %s and %s", step->ports.guest4, step->ports.guest6);
		break;
	case STEP_CLAIM:
	case STEP_WRITE_FILES:
	case STEP_RECORD:
		add(&t, "%s", plan->container_dir);
		break;
	case STEP_KEEP:
		add(&t, "%s/containers/%s", plan->host->data_dir, plan->spec->id);
		break;
	case STEP_OVERLAY_DIRECTORY:
	case STEP_ROOT_OVERLAY:
		add(&t, "%s", step->overlay.directory ? step->overlay.directory : "in memory");
		break;
	case STEP_FILTER:
	case STEP_INSTALL_FILTER:
		add(&t, "%s",
			process->seccomp.kind == SECCOMP_PROFILE ? process->seccomp.path
								 : "default");
		break;
	case STEP_JOIN:
		add(&t, "%s of %s", ns_names[step->join.ns], step->join.from);
		break;
	case STEP_CLONE:
		add_namespaces(&t, plan);
		break;
	case STEP_MAP_IDS:
		add_ids(&t, plan);
		break;
	case STEP_ROOT_BIND:
		add(&t, "%s", plan->spec->root.path);
		break;
	case STEP_MIRROR_HOST:
	case STEP_MASK:
	case STEP_MASK_EARLY:
	case STEP_MASK_SYS:
	case STEP_READONLY_PATHS:
	case STEP_READONLY_EARLY:
		add_words(&t, step->paths);
		break;
	case STEP_SKELETON:
		for (size_t i = 0; i < step->skeleton.n; i++)
			add(&t, "%s%s", i ? " " : "", step->skeleton.v[i].path);
		break;
	case STEP_MOUNT:
	case STEP_MOUNT_LATE:
	case STEP_MOUNT_FILES:
		add_mount_text(&t, &step->mount);
		break;
	case STEP_SECRETS:
		for (size_t i = 0; i < plan->spec->n_secrets; i++)
			if (!plan->spec->secrets[i].is_env)
				add(&t, "%s%s", t.n ? " " : "", plan->spec->secrets[i].target);
		break;
	case STEP_NETWORK_HELPER:
		for (char *const *word = plan->net.helper_argv; *word; word++)
			add(&t, "%s%s", word == plan->net.helper_argv ? "" : " ", *word);
		break;
	case STEP_NETWORK_DEVICE:
		add_addresses(&t, &plan->net);
		break;
	case STEP_NETWORK_DEFAULTS:
		add(&t, "ports from 0 on, ping for groups %s", step->text);
		break;
	case STEP_HOSTNAME:
	case STEP_DOMAINNAME:
		add(&t, "%s", step->text);
		break;
	case STEP_SYSCTL:
		add(&t, "%s=%s", step->sysctl->name, step->sysctl->value);
		break;
	case STEP_SCOPE:
		add(&t, "%s", plan->cgroup.ask.v[2]);
		break;
	case STEP_CGROUP:
	case STEP_SCOPE_CGROUP:
		add(&t, "%s%s%s", plan->cgroup.parent ? plan->cgroup.parent : "",
			plan->cgroup.parent && plan->cgroup.parent[1] ? "/" : "",
			plan->cgroup.name);
		break;
	case STEP_LIMIT:
	case STEP_SCOPE_LIMIT:
		add(&t, "%s = %s%s%s", step->limit->file,
			step->limit->device ? step->limit->device : "",
			step->limit->device ? " " : "", step->limit->value);
		break;
	case STEP_FALLBACK:
		add_fallback(&t, &plan->fallback);
		break;
	case STEP_OOM_SCORE:
		add(&t, "%d", plan->spec->limits.oom_score_adj);
		break;
	case STEP_TIME:
		add(&t, "monotonic %+lld s, boottime %+lld s",
			(long long)plan->spec->monotonic_offset_s,
			(long long)plan->spec->boottime_offset_s);
		break;
	case STEP_USER:
	case STEP_USER_EARLY:
		add(&t, "%s", process->user && process->user[0] ? process->user : "default");
		break;
	case STEP_TERMINAL:
	case STEP_TERMINAL_EARLY:
		add(&t, "%s",
			process->terminal ? "new session, terminal from the container's devpts"
					  : "new session, no terminal");
		break;
	case STEP_DIRECTORY:
		add(&t, "%s", process->cwd);
		break;
	case STEP_PROGRAM_IDS:
		add(&t, "%s",
			!process->extra_groups.n
				? "the caller's groups stay where the user is the caller"
				: "with the groups asked for");
		break;
	case STEP_EXEC:
		add(&t, "%s", plan->spec->init ? "guscio-init as pid 1, then " : "");
		if (plan->name_by_candidate)
			add(&t, "a shell");
		else
			add_words(&t, &process->args);
		break;
	default:
		break;
	}
}

static void add_abilities(struct text *t, const struct plan *plan)
{
	const struct spec *spec = plan->spec;
	const struct process_spec *process = &spec->process;
	int n_caps = __builtin_popcountll(process->caps.bounding);
	add(t, "\nthe program will have\n");
	add(t, "  ids           %llu uids, %llu gids; uid 0 inside is %s\n",
		(unsigned long long)id_map_size(&plan->ids.uid),
		(unsigned long long)id_map_size(&plan->ids.gid),
		!plan->ids.root_mapped	    ? "nobody"
		: plan->ids.caller_uid == 0 ? "you"
					    : "a subordinate id of yours");
	add(t, "  capabilities  %d over its own namespaces as root, none over the host\n", n_caps);
	add(t, "  privileges    %s\n",
		process->no_new_privileges ? "none to gain: setuid programs do not work"
					   : "su and sudo work inside");
	add(t, "  system calls  %s\n",
		process->seccomp.kind == SECCOMP_UNCONFINED ? "all"
		: process->seccomp.kind == SECCOMP_PROFILE  ? process->seccomp.path
		: spec->nest ? "the default list, and what containers inside need"
			     : "the default list");
	add(t, "  network       %s\n",
		spec->namespaces[NS_NET].mode == NS_HOST      ? "the host's"
		: spec->namespaces[NS_NET].mode != NS_PRIVATE ? "a joined one"
		: !plan->net.has_device			      ? "loopback only"
		: spec->net.host_loopback ? "the outside by guscio-net, and the host's loopback"
					  : "the outside by guscio-net, not the host's loopback");
	add(t, "  root          %s\n",
		spec->root.readonly		     ? "read-only"
		: spec->root.kind == ROOT_HOST	     ? "in memory"
		: spec->root.overlay == OVERLAY_KEPT ? "changes kept aside"
		: spec->root.overlay == OVERLAY_THROWAWAY || spec->root.kind == ROOT_IMAGE
			? "changes thrown away"
			: "changes go to the directory");
	add(t, "  host paths   ");
	size_t before = t->n;
	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct mount_step *mount = &plan->steps[i].mount;
		bool is_mount =
			plan->steps[i].kind == STEP_MOUNT || plan->steps[i].kind == STEP_MOUNT_LATE;
		if (is_mount && mount->from == MOUNT_FROM_SLOT)
			add(t, " %s%s", mount->target,
				mount->flags.attr_set & MOUNT_ATTR_RDONLY ? " (read)" : " (write)");
	}
	add(t, "%s\n", t->n == before ? " none" : "");
}

const char *plan_explain(const struct plan *plan)
{
	struct text t = {.size = 256 * 1024};
	char detail[2048];
	int phase = -1;
	t.buf = arena_alloc(plan->spec->arena, t.size);
	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step_rule *rule = plan_rule(plan->steps[i].kind);
		if ((int)rule->phase != phase)
			add(&t, "%s%s\n", i ? "\n" : "", plan_phase_name(rule->phase));
		phase = (int)rule->phase;
		plan_step_describe(plan, &plan->steps[i], detail, sizeof(detail));
		add(&t, "  %-7s  %-20s  %s\n",
			plan_actor_name(plan_actor(plan, plan->steps[i].kind)), rule->name, detail);
		add(&t, "           %-20s  (%s)\n", "", rule->why);
	}
	add_abilities(&t, plan);
	return t.buf;
}
