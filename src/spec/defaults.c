/* SPDX-License-Identifier: Apache-2.0 */
#include "base/capability_set.h"
#include "spec/document.h"

/* The OCI runtime's default file systems [runtime-spec config-linux.md]. */
static const struct {
	const char *destination, *type, *source;
	const char *const options[8];
} default_mounts[] = {
	{"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}},
	{"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
	{"/dev/pts", "devpts", "devpts",
		{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
	{"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
	{"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}},
	{"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}},
	{"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}},
};

static const char *const masked[] = {"/proc/acpi", "/proc/asound", "/proc/interrupts",
	"/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
	"/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware"};

static const char *const readonly[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};

static const char *const environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "container=guscio"};

#define ADD_ALL(list, words)                                                                       \
	for (size_t i_ = 0; i_ < sizeof(words) / sizeof((words)[0]); i_++)                         \
	strv_add(arena, &(list), (words)[i_])

void spec_init(struct spec *spec, struct arena *arena)
{
	*spec = (struct spec){.arena = arena,
		.root = {.kind = ROOT_HOST, .path = "@host"},
		.namespaces = {[NS_TIME] = {.mode = NS_HOST}},
		.userns = USERNS_AUTO,
		.init = true,
		.stop_signal = SIGTERM,
		.stop_timeout_ms = 10000,
		.process = {
			.cwd = "/", .user = "", .umask = 022, .caps = {.bounding = CAPS_DEFAULT}}};
	for (size_t i = 0; i < sizeof(default_mounts) / sizeof(default_mounts[0]); i++) {
		struct mount_spec *m = ARENA_APPEND(arena, spec->mounts, spec->n_mounts);
		m->destination = default_mounts[i].destination;
		m->type = default_mounts[i].type;
		m->source = default_mounts[i].source;
		for (const char *const *option = default_mounts[i].options; *option; option++)
			strv_add(arena, &m->options, *option);
	}
	ADD_ALL(spec->masked_paths, masked);
	ADD_ALL(spec->readonly_paths, readonly);
	ADD_ALL(spec->process.env, environment);
}
