/* SPDX-License-Identifier: Apache-2.0 */
/* update.c - other limits for a container, now and at its next starts */
#include "apply/limits.h"
#include "base/own.h"
#include "base/text.h"
#include "cmd/cgroup_command.h"
#include "spec/document.h"
#include "spec/json_limits.h"
#include "sys/cgroup.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* Shares of a scope are its manager's to keep: else they would be gone with its next reload. */
static bool set_shares(struct container_command *c, const struct running *one, struct err *e)
{
	const struct limits_spec *l = &c->to.spec.limits;
	struct arena *a = &c->to.arena;
	const char *end = strrchr(one->cgroup, '/');
	const char *parent = arena_strndup(a, one->cgroup, (size_t)(end - one->cgroup));
	const char *unit = strrchr(parent, '/');
	struct strv argv = {0};
	char answer[256] = "";
	if ((!l->cpu_weight && !l->io_weight) || !unit || !text_ends(unit, ".scope"))
		return true;
	host_find_cgroups(&c->host, true, false, a);
	if (!c->host.cgroups.manager)
		return err_msg(e, ERR_HOST, "the systemd that made its scope is not there");
	strv_add(a, &argv, arena_printf(a, "%s/guscio-scope", c->host.helper_dir));
	strv_add(a, &argv, "--set");
	strv_add(a, &argv, c->host.cgroups.manager);
	strv_add(a, &argv, unit + 1);
	if (l->cpu_weight)
		strv_add(a, &argv,
			arena_printf(a, "CPUWeight=%llu", (unsigned long long)l->cpu_weight));
	if (l->io_weight)
		strv_add(a, &argv,
			arena_printf(a, "IOWeight=%llu", (unsigned long long)l->io_weight));
	int status = spawn_filter(argv.v, "", answer, sizeof(answer), e);
	answer[strcspn(answer, "\n")] = '\0';
	return status == 0 || (status > 0 && err_msg(e, ERR_HOST, "%s", answer));
}

/* The start gave its cgroup what its limits needed; another limit may need another controller. */
static void enable(
	const struct running *one, const struct limit_file *files, size_t n, struct arena *a)
{
	CLEAN(clean_fd) int parent_fd = -1;
	struct err ignored;
	const char *end = strrchr(one->cgroup, '/');
	if (!cgroup_open(arena_strndup(a, one->cgroup, (size_t)(end - one->cgroup)), &parent_fd,
		    &ignored))
		return;
	/* Where that is refused, the file will not be there, and that is said. */
	for (size_t i = 0; i < n; i++)
		cgroup_enable(parent_fd, arena_printf(a, "+%s", files[i].controller), &ignored);
}

/* All of them or none: what was written before the one that fails gets its old value back. */
static bool write_files(
	int fd, const struct limit_file *files, size_t n, struct arena *a, struct err *e)
{
	const char **old = arena_array(a, n + 1, sizeof(*old));
	for (size_t i = 0; i < n; i++) {
		char text[256];
		if (!files[i].device && cgroup_read(fd, files[i].file, text, sizeof(text)))
			old[i] = arena_strdup(a, text);
		if (limit_write(fd, &files[i], e))
			continue;
		struct err ignored;
		while (i-- > 0)
			if (old[i])
				cgroup_write(fd, files[i].file, old[i], &ignored);
		return false;
	}
	return true;
}

static bool change_running(struct container_command *c, const char *text, struct err *e)
{
	struct running one;
	CLEAN(clean_fd) int fd = -1;
	size_t n;
	struct limit_file *files = limits_files(&c->to.spec.limits, &c->to.arena, &n);
	if (!running_get(c, text, &one, &fd, e))
		return false;
	enable(&one, files, n, &c->to.arena);
	return write_files(fd, files, n, &c->to.arena, e) && set_shares(c, &one, e);
}

/* The document of one that stays, for its next start. */
static bool read_document(struct container_command *c, const char *id,
	struct limits_spec *ret_merged, char **ret_text, struct err *e)
{
	struct spec spec;
	struct notes ignored = {0};
	size_t size;
	const char *dir = arena_printf(&c->to.arena, "%s/containers/%s", c->host.data_dir, id);
	const char *text = arena_read_file(&c->to.arena, AT_FDCWD,
		arena_printf(&c->to.arena, "%s/config.json", dir), &size, e);
	if (!text)
		return false;
	spec_init(&spec, &c->to.arena);
	if (!spec_from_json(&spec, text, size, dir, &ignored, e))
		return false;
	limits_merge(&spec.limits, &c->to.spec.limits, &c->to.arena);
	*ret_merged = spec.limits;
	return limits_freeze(ret_merged, e) &&
	       limits_patch_json(text, size, ret_merged, &c->to.arena, ret_text, e);
}

static bool update_one(struct container_command *c, const char *text, struct err *e)
{
	struct container record;
	struct limits_spec merged;
	CLEAN(clean_fd) int lock_fd = -1;
	CLEAN(clean_free) char *document = NULL;
	if (!container_get(c, text, &record, e))
		return false;
	bool stays = !record.is_foreground;
	if (stays && (!container_lock(c->all_fd, record.id, &lock_fd, e) ||
			     !read_document(c, record.id, &merged, &document, e)))
		return err_what(e, e->kind, "cannot update container '%s'", text);
	bool runs = live_process_is_there(&record.first, record.boot_id);
	if (runs && !change_running(c, text, e))
		return false;
	if (stays && !container_write_file(lock_fd, "config.json", document, true, e))
		return err_what(
			e, ERR_HOST, "cannot write down the limits of container '%s'", text);
	return print_out(arena_printf(&c->to.arena, "%s\n", text), e);
}

static bool update(struct container_command *c, struct err *e)
{
	if (!limits_any(&c->to.spec.limits)) {
		err_what(e, ERR_USAGE, "update needs a limit");
		return err_hint(e, "guscio update --memory 1g NAME");
	}
	return limits_freeze(&c->to.spec.limits, e) && container_each(c, update_one, e);
}

static int run_update(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 1, -1, ARGUMENTS_MIXED, update, e);
}

/* lint: table */
static const struct option_def update_options[] = {
	{"cgroup-conf", 0, "FILE=VALUE", "write a file of the container's cgroup", set_cgroup_conf},
	{"cpu-shares", 0, "N", "share of the processors on docker's scale (1024)", set_cpu_shares},
	{"cpu-weight", 0, "N", "share of the processors (1 to 10000, 100)", set_cpu_weight},
	{"cpus", 0, "N", "processor time of N processors", set_cpus},
	{"cpuset-cpus", 0, "LIST", "only these processors: 0-2,4", set_cpuset_cpus},
	{"cpuset-mems", 0, "LIST", "only memory of these nodes", set_cpuset_mems},
	{"device-read-bps", 0, "DEV:RATE", "read no more bytes a second", set_device_read_bps},
	{"device-read-iops", 0, "DEV:N", "no more reads a second", set_device_read_iops},
	{"device-write-bps", 0, "DEV:RATE", "write no more bytes a second", set_device_write_bps},
	{"device-write-iops", 0, "DEV:N", "no more writes a second", set_device_write_iops},
	{"io-weight", 0, "N", "share of the disks (1 to 10000, 100)", set_io_weight},
	{"memory", 'm', "SIZE", "no more memory than this; -1: any", set_memory},
	{"memory-high", 0, "SIZE", "past this much memory it is slowed down", set_memory_high},
	{"memory-reservation", 0, "SIZE", "memory that is taken from others first",
		set_memory_reservation},
	{"memory-swap", 0, "SIZE", "no more memory and swap together; with --memory",
		set_memory_swap},
	{"pids-limit", 0, "N", "no more processes than N; -1: any", set_pids_limit},
	{0},
};

const struct command command_update = {.name = "update",
	.arguments = "[OPTIONS] CONTAINER...",
	.summary = "Change the limits of containers",
	.details = "\nAt once for one that runs; one that stays keeps them for its next starts.\n",
	.options = update_options,
	.run = run_update};
