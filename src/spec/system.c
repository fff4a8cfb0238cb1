/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/system.h"
#include "base/capability_set.h"
#include "base/own.h"
#include "base/text.h"
#include "spec/spec.h"

#include <linux/capability.h>
#include <string.h>

#define STOP_TIMEOUT_MS 10000 /* what spec_init() sets */
#define LONG_STOP_MS	90000 /* systemd's own patience with a service */

const char *const system_inits[] = {"/sbin/init", "/usr/sbin/init", "/lib/systemd/systemd",
	"/usr/lib/systemd/systemd", "/bin/init", NULL};

bool system_is_init(const char *program)
{
	for (const char *const *init = system_inits; *init; init++)
		if (!strcmp(program, *init))
			return true;
	return !strcmp(program, "/usr/local/sbin/init") || !strcmp(program, "init") ||
	       !strcmp(program, "systemd");
}

static bool is_mounted(const struct spec *spec, const char *destination)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (!strcmp(spec->mounts[i].destination, destination))
			return true;
	return false;
}

static void add_tmpfs(struct spec *spec, const char *destination, const char *mode)
{
	if (is_mounted(spec, destination))
		return;
	struct mount_spec *m = ARENA_APPEND(spec->arena, spec->mounts, spec->n_mounts);
	*m = (struct mount_spec){.destination = destination, .type = "tmpfs", .source = "tmpfs"};
	strv_add(spec->arena, &m->options, "nosuid");
	strv_add(spec->arena, &m->options, "nodev");
	strv_add(spec->arena, &m->options, mode);
}

/* Only what is its own: the limits are on a directory that its namespace may not write. */
static void open_cgroup(struct spec *spec)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		struct mount_spec *m = &spec->mounts[i];
		struct strv kept = {0};
		if (strcmp(m->type, "cgroup"))
			continue;
		for (size_t k = 0; k < m->options.n; k++)
			if (strcmp(m->options.v[k], "ro"))
				strv_add(spec->arena, &kept, m->options.v[k]);
		m->options = kept;
	}
}

static void add_capabilities(struct spec *spec)
{
	/* systemd-nspawn's, over namespaces of its own; over the network only where it has one. */
	static const int wanted[] = {CAP_SYS_ADMIN, CAP_SYS_BOOT, CAP_SYS_NICE, CAP_SYS_PTRACE,
		CAP_SYS_RESOURCE, CAP_SYS_TTY_CONFIG, CAP_DAC_READ_SEARCH, CAP_IPC_OWNER, CAP_LEASE,
		CAP_LINUX_IMMUTABLE, CAP_NET_BROADCAST, CAP_AUDIT_CONTROL};
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		spec->process.caps.bounding |= CAPS_BIT(wanted[i]);
	if (spec->namespaces[NS_NET].mode == NS_PRIVATE)
		spec->process.caps.bounding |= CAPS_BIT(CAP_NET_ADMIN);
}

static void add_words(struct spec *spec)
{
	struct arena *a = spec->arena;
	const char *id = spec->id;
	/* From this a system without a machine id makes one, the same for this container's life. */
	strv_env_set(a, &spec->process.env,
		arena_printf(a, "container_uuid=%.8s-%.4s-%.4s-%.4s-%.12s", id, id + 8, id + 12,
			id + 16, id + 20));
	strv_env_set(a, &spec->process.env, "NOTIFY_SOCKET=" SYSTEM_NOTIFY_PATH);
	if (!strv_env(&spec->process.env, "TERM"))
		strv_env_set(a, &spec->process.env, "TERM=linux");
}

static bool check(const struct spec *spec, struct err *e)
{
	if (spec->namespaces[NS_PID].mode != NS_PRIVATE) {
		err_what(e, ERR_USAGE, "an init must be pid 1 of a PID namespace of its own");
		return err_hint(e, "leave --pid out, or say --systemd=false");
	}
	if (spec->namespaces[NS_CGROUP].mode != NS_PRIVATE) {
		err_what(e, ERR_USAGE, "an init needs a cgroup namespace of its own");
		return err_hint(e, "leave --cgroupns out, or say --systemd=false");
	}
	if (spec->userns == USERNS_KEEP_ID) {
		err_what(e, ERR_USAGE,
			"an init needs a cgroup that is root's, and root would not be you");
		return err_hint(e, "leave --userns=keep-id out");
	}
	return true;
}

bool spec_settle_system(struct spec *spec, struct err *e)
{
	const struct strv *args = &spec->process.args;
	bool is_asked = spec->system == SYSTEM_ALWAYS || spec->system == SYSTEM_BOOT;
	if (spec->system == SYSTEM_NEVER ||
		(!is_asked && (!args->n || !system_is_init(args->v[0]))))
		return true;
	/* An init of an image that nobody asked for by name may be one that needs no cgroup. */
	if (!is_asked && spec->namespaces[NS_PID].mode != NS_PRIVATE)
		return true;
	if (!check(spec, e))
		return false;
	if (spec->limits.cgroup == CGROUP_WITH_LIMITS)
		spec->limits.cgroup = is_asked ? CGROUP_ALWAYS : CGROUP_IF_POSSIBLE;
	spec->is_system = true;
	spec->notify_path = SYSTEM_NOTIFY_PATH;
	spec->init = false;
	spec->process.terminal = true;
	if (spec->stop_signal == SIGTERM)
		spec->stop_signal = SIGRTMIN + 3;
	if (spec->stop_timeout_ms == STOP_TIMEOUT_MS)
		spec->stop_timeout_ms = LONG_STOP_MS;
	open_cgroup(spec);
	add_tmpfs(spec, "/run", "mode=755");
	add_tmpfs(spec, "/run/lock", "mode=755");
	add_tmpfs(spec, "/tmp", "mode=1777");
	add_capabilities(spec);
	add_words(spec);
	return true;
}
