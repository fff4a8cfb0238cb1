/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "plan/build.h"

#include <stdlib.h>
#include <string.h>

static bool is_host(const struct plan *plan, enum ns_kind ns)
{
	return plan->spec->namespaces[ns].mode == NS_HOST;
}

static struct mount_step *add_mount(
	struct plan *plan, enum mount_from from, const char *source, const char *target)
{
	struct mount_step *mount = &plan_add(plan, STEP_MOUNT)->mount;
	mount->from = from;
	mount->source = source;
	mount->target = target;
	return mount;
}

static int add_source(struct plan *plan, const char *path, bool clone, bool recursive)
{
	struct step *open = plan_add(plan, STEP_OPEN_SOURCE);
	open->source.path = path;
	open->source.slot = (int)plan->n_slots++;
	open->source.clone = clone;
	open->source.recursive = recursive;
	return open->source.slot;
}

/* A file system that the namespace does not allow anew: the host's own, with the same flags. */
static void add_host_bind(struct plan *plan, const char *path, const struct mount_flags *flags)
{
	struct mount_step *mount = add_mount(plan, MOUNT_FROM_PATH, path, path);
	mount->flags = *flags;
	mount->flags.data = (struct strv){0};
	mount->flags.recursive = true;
	mount->flags.recursive_attr = true;
	/* atime and the like are locked on the host's mounts: leave them. */
	mount->flags.attr_set &=
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	mount->flags.attr_clr = 0;
	mount->flags.propagation = MS_SLAVE;
	mount->may_be_missing = true;
	mount->role = !strcmp(path, "/proc")  ? ROLE_PROC
		      : !strcmp(path, "/sys") ? ROLE_SYS
					      : ROLE_PLAIN;
}

/* gid=5 (tty) is in every OCI config; where 5 is not mapped the kernel refuses the mount. */
static void drop_unmapped_gid(const struct plan *plan, struct mount_flags *flags)
{
	struct strv kept = {0};
	for (size_t i = 0; i < flags->data.n; i++) {
		const char *option = flags->data.v[i];
		uint32_t gid, outside;
		/* A joined namespace has a map that is not known here: then also without. */
		bool is_lost = text_starts(option, "gid=") && text_to_id(option + 4, &gid) &&
			       !id_map_out(&plan->ids.gid, gid, &outside);
		if (!is_lost)
			strv_add(plan->spec->arena, &kept, option);
	}
	flags->data = kept;
}

static const char *data_value(const struct mount_flags *flags, const char *key)
{
	return strv_env(&flags->data, key);
}

/* One O_PATH slot a directory: "a:b" with "\:" for a colon in a name. */
static int add_lower_sources(struct plan *plan, const char *list, int *ret_first)
{
	struct arena *a = plan->spec->arena;
	char *path = arena_alloc(a, strlen(list) + 1);
	size_t n = 0;
	int count = 0;
	for (const char *p = list;; p++) {
		if (*p == '\\' && p[1]) {
			path[n++] = *++p;
			continue;
		}
		if (*p && *p != ':') {
			path[n++] = *p;
			continue;
		}
		if (n) {
			int slot = add_source(plan, arena_strndup(a, path, n), false, false);
			if (count++ == 0)
				*ret_first = slot;
		}
		n = 0;
		if (!*p)
			return count;
	}
}

static bool add_overlay(
	struct plan *plan, const struct mount_spec *m, struct mount_flags *flags, struct err *e)
{
	struct mount_step *mount;
	const char *lower = data_value(flags, "lowerdir");
	const char *upper = data_value(flags, "upperdir"), *work = data_value(flags, "workdir");
	int first = -1, count;
	if (!upper != !work)
		return err_what(e, ERR_USAGE, "overlay on '%s' needs upperdir and workdir together",
			m->destination);
	if (lower)
		count = add_lower_sources(plan, lower, &first);
	else
		first = add_source(plan, m->source, false, false), count = 1;
	if (count == 0)
		return err_what(
			e, ERR_USAGE, "overlay on '%s' has no lower directory", m->destination);
	if (upper) {
		add_source(plan, upper, false, false);
		add_source(plan, work, false, false);
	}
	mount = add_mount(plan, MOUNT_FROM_FS, "overlay", m->destination);
	mount->slot = first;
	mount->n_lower = count;
	mount->has_upper = upper != NULL;
	mount->flags = *flags;
	return true;
}

static bool add_bind(struct plan *plan, const struct mount_spec *m, struct mount_flags *flags)
{
	if (flags->create_source)
		plan_add(plan, STEP_CREATE_SOURCE)->source.path = m->source;
	int slot = add_source(plan, m->source, true, flags->recursive);
	struct mount_step *mount = add_mount(plan, MOUNT_FROM_SLOT, m->source, m->destination);
	mount->slot = slot;
	mount->flags = *flags;
	return true;
}

static bool add_file_system(struct plan *plan, const struct mount_spec *m, const char *type,
	enum mount_role role, const struct mount_flags *flags)
{
	struct mount_step *mount = add_mount(plan, MOUNT_FROM_FS, type, m->destination);
	mount->role = role;
	mount->flags = *flags;
	mount->may_be_missing = !strcmp(type, "cgroup2") || !strcmp(type, "mqueue");
	return true;
}

static bool add_spec_mount(struct plan *plan, const struct mount_spec *m, struct err *e)
{
	struct mount_flags flags;
	if (!mount_options_parse(m, plan->spec->arena, &flags, e))
		return false;
	if (!strcmp(m->type, "bind"))
		return add_bind(plan, m, &flags);
	if (!strcmp(m->type, "overlay"))
		return add_overlay(plan, m, &flags, e);
	if (!strcmp(m->type, "proc")) {
		if (is_host(plan, NS_PID))
			return add_host_bind(plan, "/proc", &flags), true;
		return add_file_system(plan, m, "proc", ROLE_PROC, &flags);
	}
	if (!strcmp(m->type, "sysfs")) {
		/* A new sysfs shows a network namespace's devices and belongs to its owner. */
		if (is_host(plan, NS_NET))
			return add_host_bind(plan, "/sys", &flags), true;
		return add_file_system(plan, m, "sysfs", ROLE_SYS, &flags);
	}
	if (!strcmp(m->type, "cgroup")) {
		if (!is_host(plan, NS_CGROUP))
			return add_file_system(plan, m, "cgroup2", ROLE_PLAIN, &flags);
		/* The host's /sys brings it along. */
		if (!is_host(plan, NS_NET))
			add_host_bind(plan, "/sys/fs/cgroup", &flags);
		return true;
	}
	if (!strcmp(m->type, "mqueue") && is_host(plan, NS_IPC))
		return add_host_bind(plan, "/dev/mqueue", &flags), true;
	if (!strcmp(m->type, "tmpfs") && !strcmp(m->destination, "/dev/shm") &&
		is_host(plan, NS_IPC))
		return add_host_bind(plan, "/dev/shm", &flags), true;
	enum mount_role role = ROLE_PLAIN;
	if (!strcmp(m->type, "tmpfs") && !strcmp(m->destination, "/dev"))
		role = ROLE_DEV;
	if (!strcmp(m->type, "devpts")) {
		role = ROLE_PTS;
		drop_unmapped_gid(plan, &flags);
	}
	return add_file_system(plan, m, m->type, role, &flags);
}

static bool is_replaced(const struct spec *spec, size_t index)
{
	for (size_t i = index + 1; i < spec->n_mounts; i++)
		if (!strcmp(spec->mounts[i].destination, spec->mounts[index].destination))
			return true;
	return false;
}

static bool is_mounted(const struct spec *spec, const char *destination)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (!strcmp(spec->mounts[i].destination, destination))
			return true;
	return false;
}

/* The container's own hosts, hostname and resolv.conf, where the user put nothing there. */
static void add_own_files(struct plan *plan)
{
	static const char *const files[] = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"};
	struct arena *a = plan->spec->arena;
	for (size_t i = 0; i < 3; i++) {
		if (is_mounted(plan->spec, files[i]) || is_mounted(plan->spec, "/etc"))
			continue;
		const char *name = strrchr(files[i], '/');
		struct mount_step *mount = &plan_add(plan, STEP_MOUNT_FILES)->mount;
		mount->from = MOUNT_FROM_PATH;
		mount->source = arena_printf(a, "%s%s", plan->container_dir, name);
		mount->target = files[i];
		mount->flags.propagation = MS_PRIVATE;
		mount->flags.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
		mount->only_with_parent = true;
		plan->wants_files = true;
	}
	if (plan->spec->notify_path) {
		struct mount_step *mount = &plan_add(plan, STEP_MOUNT_FILES)->mount;
		mount->from = MOUNT_FROM_PATH;
		mount->source = arena_printf(a, "%s/notify", plan->container_dir);
		mount->target = plan->spec->notify_path;
		mount->flags.propagation = MS_PRIVATE;
		plan->wants_files = true;
	}
	if (!plan->wants_files)
		return;
	plan_add(plan, STEP_WRITE_FILES);
	plan_add(plan, STEP_FILES_READY);
	plan_add(plan, STEP_AWAIT_FILES);
}

static void add_device(struct plan *plan, const char *source, const char *destination)
{
	int slot = add_source(plan, source, true, true);
	struct mount_step *mount = add_mount(plan, MOUNT_FROM_SLOT, source, destination);
	mount->slot = slot;
	mount->flags.propagation = MS_PRIVATE;
	mount->flags.recursive = true;
}

static void add_devices(struct plan *plan)
{
	const struct spec *spec = plan->spec;
	for (size_t i = 0; i < spec->n_devices; i++)
		add_device(plan, spec->devices[i].source, spec->devices[i].destination);
	/* The containers inside want networks of their own. */
	if (spec->nest && plan->host->has_tun)
		add_device(plan, "/dev/net/tun", "/dev/net/tun");
}

bool plan_add_mounts(struct plan *plan, struct err *e)
{
	const struct spec *spec = plan->spec;
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (!is_replaced(spec, i) && !add_spec_mount(plan, &spec->mounts[i], e))
			return false;
	add_devices(plan);
	add_own_files(plan);
	for (size_t i = 0; i < spec->n_secrets; i++)
		if (!spec->secrets[i].is_env) {
			plan_add(plan, STEP_SECRETS);
			break;
		}
	return true;
}
