/* SPDX-License-Identifier: Apache-2.0 */
#include "host/check.h"
#include "base/own.h"
#include "base/text.h"
#include "host/logout.h"
#include "host/try.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

typedef void check(const struct host *host, struct check_result *r);

static void say(char *field, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void say(char *field, size_t size, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(field, size, fmt, ap);
	va_end(ap);
}

#define WHAT(...) say(r->what, sizeof(r->what), __VA_ARGS__)
#define LOST(...) say(r->lost, sizeof(r->lost), __VA_ARGS__)
#define MEND(...) say(r->mend, sizeof(r->mend), __VA_ARGS__)

static bool read_text(const char *path, char *buf, size_t size)
{
	CLEAN(clean_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);
	buf[n > 0 ? n : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return n >= 0;
}

static long read_number(const char *path, long otherwise)
{
	char text[64];
	return read_text(path, text, sizeof(text)) ? strtol(text, NULL, 10) : otherwise;
}

static void check_kernel(const struct host *host, struct check_result *r)
{
	int version = host->kernel_major * 100 + host->kernel_minor;
	WHAT("Linux %d.%d", host->kernel_major, host->kernel_minor);
	if (version < 512) {
		r->status = CHECK_BROKEN;
		LOST("guscio needs mount_setattr and openat2: Linux 5.12");
		MEND("boot a newer kernel");
	} else if (version < 606) {
		r->status = CHECK_WITHOUT;
		LOST("--overlay in memory needs Linux 6.6; --overlay=NAME works");
	}
}

/* Which of the switches is it? In the order in which the kernel looks at them. */
static void explain_userns(struct check_result *r)
{
	char text[256];
	LOST("no container can start");
	if (read_number("/proc/sys/kernel/unprivileged_userns_clone", 1) == 0) {
		WHAT("kernel.unprivileged_userns_clone is 0");
		MEND("sudo sysctl -w kernel.unprivileged_userns_clone=1");
	} else if (read_number("/proc/sys/user/max_user_namespaces", 1) == 0) {
		WHAT("user.max_user_namespaces is 0");
		MEND("sudo sysctl -w user.max_user_namespaces=15000");
	} else if (read_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 0) == 1) {
		read_text("/proc/self/attr/current", text, sizeof(text));
		WHAT("kernel.apparmor_restrict_unprivileged_userns is 1, and this program's "
		     "profile "
		     "is '%.60s'",
			text);
		MEND("sudo cp docs/apparmor/guscio /etc/apparmor.d/ && sudo apparmor_parser -r "
		     "/etc/apparmor.d/guscio");
	} else {
		WHAT("user namespaces are refused");
		MEND("if this shell runs in a container or sandbox, allow unshare and clone in its "
		     "system call filter");
	}
}

static void check_userns(const struct host *host, struct check_result *r)
{
	(void)host;
	if (try_user_namespace()) {
		WHAT("user namespaces work");
		return;
	}
	r->status = CHECK_BROKEN;
	explain_userns(r);
}

static void check_limits(const struct host *host, struct check_result *r)
{
	static const char *const kinds[] = {"user", "mnt", "pid", "uts", "ipc", "net", "cgroup"};
	char path[64];
	(void)host;
	WHAT("every kind of namespace is allowed");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		snprintf(path, sizeof(path), "/proc/sys/user/max_%s_namespaces", kinds[i]);
		if (read_number(path, 1) > 0)
			continue;
		r->status = CHECK_BROKEN;
		WHAT("user.max_%s_namespaces is 0", kinds[i]);
		LOST("no container can start");
		MEND("sudo sysctl -w user.max_%s_namespaces=15000", kinds[i]);
		return;
	}
}

static unsigned long long range_size(const struct id_range *v, size_t n)
{
	unsigned long long size = 0;
	for (size_t i = 0; i < n; i++)
		size += v[i].count;
	return size;
}

static void check_ranges(const struct host *host, struct check_result *r)
{
	unsigned long long uids = range_size(host->subuids, host->n_subuids);
	unsigned long long gids = range_size(host->subgids, host->n_subgids);
	if (host->rung == MAP_SINGLE) {
		r->status = CHECK_WITHOUT;
		WHAT("one id: %s", host->rung_reason ? host->rung_reason : "no ranges");
		LOST("programs that change users or owners fail inside (apt, su)");
		MEND("%s", host->rung_hint ? host->rung_hint : "");
		return;
	}
	WHAT("%llu subordinate uids, %llu gids%s%s", uids, gids,
		host->rung == MAP_DIRECT ? ", mapped directly" : ", by ",
		host->rung == MAP_HELPERS ? host->newuidmap : "");
	if (uids < 65536 || gids < 65536) {
		r->status = CHECK_WITHOUT;
		LOST("files of ids above that, such as nobody (65534), cannot be had");
		MEND("sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s",
			host->user_name ? host->user_name : "$USER");
	}
}

static void check_helpers(const struct host *host, struct check_result *r)
{
	static const char *const names[] = {
		"guscio-init", "guscio-subid", "guscio-net", "guscio-unpack"};
	char path[4200];
	WHAT("helpers in %.150s", host->helper_dir);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", host->helper_dir, names[i]);
		if (access(path, X_OK) == 0)
			continue;
		r->status = i == 0 ? CHECK_BROKEN : CHECK_WITHOUT;
		WHAT("%s is not in %.120s", names[i], host->helper_dir);
		LOST("guscio is installed by halves");
		MEND("install guscio whole: meson install");
		return;
	}
}

/* The nearest parent that is there already. */
static void existing_parent(const char *path, char *buf, size_t size)
{
	snprintf(buf, size, "%s", path);
	while (access(buf, F_OK) < 0) {
		char *slash = strrchr(buf, '/');
		if (!slash || slash == buf) {
			snprintf(buf, size, "/");
			return;
		}
		*slash = '\0';
	}
}

static const char *network_file_system(const char *path)
{
	static const struct {
		unsigned long magic;
		const char *name;
	} known[] = {{NFS_SUPER_MAGIC, "NFS"}, {0x0bd00bd0, "Lustre"}, {0x47504653, "GPFS"},
		{0x19830326, "BeeGFS"}, {AFS_SUPER_MAGIC, "AFS"}, {SMB_SUPER_MAGIC, "SMB"},
		{0xff534d42, "CIFS"}, {0xfe534d42, "SMB2"}, {CEPH_SUPER_MAGIC, "Ceph"},
		{0x65735546, "FUSE"}, {V9FS_MAGIC, "9P"}};
	struct statfs fs;
	if (statfs(path, &fs) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if ((unsigned long)fs.f_type == known[i].magic)
			return known[i].name;
	return NULL;
}

static void check_home(const struct host *host, struct check_result *r)
{
	char parent[4096];
	existing_parent(host->data_dir, parent, sizeof(parent));
	const char *name = network_file_system(parent);
	if (!name) {
		WHAT("%.150s is on a local file system", host->data_dir);
		return;
	}
	r->status = CHECK_WITHOUT;
	WHAT("%.120s is on %s", host->data_dir, name);
	LOST("overlays and files of subordinate ids cannot be kept there");
	MEND("export XDG_DATA_HOME=/var/tmp/$USER XDG_CACHE_HOME=/var/tmp/$USER");
}

static void check_overlay(const struct host *host, struct check_result *r)
{
	char parent[4096];
	existing_parent(host->data_dir, parent, sizeof(parent));
	if (access(parent, W_OK) < 0) {
		r->status = CHECK_WITHOUT;
		WHAT("%.150s cannot be written", parent);
		LOST("--overlay=NAME and tarballs need a directory of yours");
		MEND("export XDG_DATA_HOME=DIRECTORY");
		return;
	}
	if (try_overlay(parent)) {
		WHAT("kernel overlay works on the file system of %.120s", parent);
		return;
	}
	r->status = CHECK_WITHOUT;
	WHAT("no kernel overlay on the file system of %.120s", parent);
	LOST("--overlay=NAME; directories can still be entered in place");
	MEND("export XDG_DATA_HOME=DIRECTORY on ext4, xfs, btrfs or tmpfs");
}

static void check_cgroup(const struct host *host, struct check_result *r)
{
	char path[128], controllers[128];
	struct statfs fs;
	bool is_unified = statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
	if (!is_unified) {
		r->status = CHECK_WITHOUT;
		WHAT("no unified cgroup v2 at /sys/fs/cgroup");
		LOST("limits by cgroups (weaker means stand in), pause, stats, guscio boot");
		MEND("boot with systemd.unified_cgroup_hierarchy=1");
		return;
	}
	snprintf(path, sizeof(path),
		"/sys/fs/cgroup/user.slice/user-%u.slice/user@%u.service/cgroup.controllers",
		host->uid, host->uid);
	if (!read_text(path, controllers, sizeof(controllers))) {
		r->status = CHECK_WITHOUT;
		WHAT("cgroup v2, but no delegated subtree for you");
		LOST("limits by cgroups (weaker means stand in), pause, stats, guscio boot");
		MEND("log in through systemd (ssh, a terminal), or: sudo loginctl enable-linger %s",
			host->user_name ? host->user_name : "$USER");
		return;
	}
	WHAT("cgroup v2 delegates to you: %.120s", controllers);
	if (strstr(controllers, "io") && strstr(controllers, "cpuset") &&
		strstr(controllers, "memory"))
		return;
	r->status = CHECK_WITHOUT;
	LOST("limits of the controllers that are not named there, of cpu cpuset io memory pids");
	MEND("sudo systemctl edit user@.service: [Service] Delegate=cpu cpuset io memory pids");
}

static void check_linger(const struct host *host, struct check_result *r)
{
	struct arena arena = {0};
	struct logout_facts facts = {0};
	struct err ignored = ERR_INIT;
	if (arena_init(&arena, &ignored))
		logout_find(host->user_name ? host->user_name : "-", NULL, &arena, &facts);
	arena_done(&arena);
	if (!facts.is_managed) {
		r->status = CHECK_WITHOUT;
		WHAT("there is no systemd here");
		LOST("containers that start at boot by a unit");
		MEND("crontab's @reboot: guscio start NAME");
	} else if (facts.lingers) {
		WHAT("linger is on: your services live on after logout");
	} else {
		r->status = CHECK_WITHOUT;
		WHAT("linger is off");
		LOST("your containers may end at logout, and start at no boot");
		MEND("loginctl enable-linger");
	}
}

static void check_tun(const struct host *host, struct check_result *r)
{
	CLEAN(clean_fd) int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	(void)host;
	if (fd >= 0) {
		WHAT("/dev/net/tun can be opened");
		return;
	}
	r->status = CHECK_WITHOUT;
	WHAT("/dev/net/tun cannot be opened");
	LOST("a user-mode network for containers");
	MEND("sudo modprobe tun; sudo chmod 666 /dev/net/tun");
}

static void check_ping(const struct host *host, struct check_result *r)
{
	char text[64];
	long low = 1, high = 0;
	read_text("/proc/sys/net/ipv4/ping_group_range", text, sizeof(text));
	sscanf(text, "%ld %ld", &low, &high);
	if (low <= (long)host->gid && (long)host->gid <= high) {
		WHAT("ping is allowed for your group");
		return;
	}
	r->status = CHECK_WITHOUT;
	WHAT("net.ipv4.ping_group_range is '%s'", text);
	LOST("ping from containers to the outside");
	MEND("sudo sysctl -w net.ipv4.ping_group_range='0 2147483647'");
}

static void check_ports(const struct host *host, struct check_result *r)
{
	long first = read_number("/proc/sys/net/ipv4/ip_unprivileged_port_start", 1024);
	(void)host;
	WHAT("host ports from %ld on are yours", first);
	if (first <= 80)
		return;
	r->status = CHECK_WITHOUT;
	LOST("publishing host ports below %ld", first);
	MEND("sudo sysctl -w net.ipv4.ip_unprivileged_port_start=80");
}

static void check_runtime(const struct host *host, struct check_result *r)
{
	WHAT("state of running containers in %.150s", host->runtime_dir);
	if (!text_starts(host->runtime_dir, "/tmp/") &&
		!text_starts(host->runtime_dir, "/dev/shm/"))
		return;
	r->status = CHECK_WITHOUT;
	LOST("it is in a directory that all users share: you have no runtime directory");
	MEND("log in through systemd, or: export XDG_RUNTIME_DIR=DIRECTORY with mode 0700");
}

static const struct {
	const char *id;
	check *look;
} checks[] = {{"kernel", check_kernel}, {"user-namespaces", check_userns},
	{"namespace-limits", check_limits}, {"ids", check_ranges}, {"helpers", check_helpers},
	{"runtime-dir", check_runtime}, {"data-dir", check_home}, {"overlay", check_overlay},
	{"cgroups", check_cgroup}, {"linger", check_linger}, {"tun", check_tun},
	{"ping", check_ping}, {"low-ports", check_ports}};

size_t check_all(const struct host *host, struct check_result *results)
{
	size_t n = ARRAY_LEN(checks);
	for (size_t i = 0; i < n; i++) {
		results[i] = (struct check_result){.id = checks[i].id};
		checks[i].look(host, &results[i]);
	}
	return n;
}
