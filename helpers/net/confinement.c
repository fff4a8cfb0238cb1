/* SPDX-License-Identifier: Apache-2.0 */
#include "net/confinement.h"
#include "base/own.h"
#include "confine/confine.h"
#include "net/resolv_watch.h"
#include "sys/aside.h"
#include "sys/caps.h"
#include "sys/mount.h"
#include "sys/path.h"

#include <fcntl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define FILES_MAX 16384 /* descriptors: each flow has one */

/* Daemons put resolv.conf here: the link may lead to one of them tomorrow. */
static const char *const more_directories[] = {
	"/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/run/connman"};

bool confinement_leave_session(int keep_fds, unsigned *ret_files, struct err *e)
{
	static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGPIPE, SIGUSR1, SIGUSR2};
	struct rlimit files;
	/* Fails for a leader of a group; then ignoring has to do. */
	setsid();
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0)
		return err_sys(e, "open '/dev/null'");
	for (int fd = 0; fd <= 2; fd++)
		dup2(null_fd, fd);
	if (close_range((unsigned)keep_fds, ~0u, 0) < 0)
		return err_sys(e, "close what we were left");
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max < FILES_MAX ? files.rlim_max : FILES_MAX;
		setrlimit(RLIMIT_NOFILE, &files);
		*ret_files = (unsigned)files.rlim_cur;
	}
	return true;
}

static bool write_file(const char *path, const char *text)
{
	CLEAN(clean_fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* Our own ids, so that files stay readable as before. */
static bool map_ids(uid_t uid, gid_t gid)
{
	char uid_map[64], gid_map[64];
	snprintf(uid_map, sizeof(uid_map), "%u %u 1\n", uid, uid);
	snprintf(gid_map, sizeof(gid_map), "%u %u 1\n", gid, gid);
	return write_file("/proc/self/setgroups", "deny") &&
	       write_file("/proc/self/uid_map", uid_map) &&
	       write_file("/proc/self/gid_map", gid_map);
}

/* A directory of the host at the same name in the new root. One that is not there is left out. */
static bool show_directory(int root_fd, const char *path, struct err *e)
{
	static const struct mount_change quiet = {.attr_set = MOUNT_ATTR_RDONLY |
							      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
							      MOUNT_ATTR_NOEXEC,
		.recursive = true};
	CLEAN(clean_fd) int mount_fd = -1;
	CLEAN(clean_fd) int target_fd = -1;
	struct err ignored;
	if (!mount_clone(AT_FDCWD, path, true, &mount_fd, &ignored))
		return true;
	return mount_change(mount_fd, &quiet, e) &&
	       path_make_in_root(root_fd, path, PATH_DIRECTORY, &target_fd, e) &&
	       mount_attach(mount_fd, target_fd, "", e);
}

static bool is_below_shown(const struct resolv_chain *shown, const char *path)
{
	for (size_t i = 0; i < shown->n; i++) {
		size_t length = strlen(shown->directories[i]);
		if (!strncmp(path, shown->directories[i], length) &&
			(path[length] == '/' || !path[length]))
			return true;
	}
	return false;
}

static bool show_directories(int root_fd, struct err *e)
{
	struct resolv_chain wanted, shown = {0};
	resolv_chain_find(&wanted);
	for (size_t i = 0; i < ARRAY_LEN(more_directories) && wanted.n < RESOLV_CHAIN_MAX; i++)
		strcpy(wanted.directories[wanted.n++], more_directories[i]);
	for (size_t i = 0; i < wanted.n; i++) {
		const char *path = wanted.directories[i];
		struct stat st;
		/* The whole root would be no confinement: a file in "/" is not followed. */
		if (!strcmp(path, "/") || is_below_shown(&shown, path) || stat(path, &st) < 0)
			continue;
		if (!show_directory(root_fd, path, e))
			return false;
		strcpy(shown.directories[shown.n++], path);
	}
	return true;
}

static bool change_root(struct aside *aside, struct err *e)
{
	static char stack[ASIDE_STACK_SIZE]
		__attribute__((aligned(16))); /* lint: scratch, of the thread */
	char *data[] = {"size=64k", "nr_inodes=64", "mode=0700"};
	static const struct mount_change read_only = {.attr_set = MOUNT_ATTR_RDONLY};
	CLEAN(clean_fd) int root_fd = -1;
	/* Slave: what the host unmounts must not stay busy because of us. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_sys(e, "separate our mounts");
	return mount_new("tmpfs", data, ARRAY_LEN(data),
		       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, &root_fd, e) &&
	       mount_attach_over_root(root_fd, e) && show_directories(root_fd, e) &&
	       mount_pivot_below(root_fd, e) && aside_detach_old_root(aside, stack, e) &&
	       mount_change(root_fd, &read_only, e);
}

static bool drop_capabilities(struct err *e)
{
	int last = 63;
	while (last > 0 && prctl(PR_CAPBSET_READ, (long)last, 0L, 0L, 0L) < 0)
		last--;
	const long locked = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
			    SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
			    SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
	if (prctl(PR_SET_SECUREBITS, locked, 0L, 0L, 0L) < 0)
		return err_sys(e, "lock the secure bits");
	return caps_limit_bounding(0, last, e) && caps_set(0, 0, 0, e);
}

static bool restrict_files(struct err *e)
{
	struct resolv_chain chain;
	const char *readable[RESOLV_CHAIN_MAX + ARRAY_LEN(more_directories) + 1] = {NULL};
	size_t n = 0;
	bool ignored;
	resolv_chain_find(&chain);
	for (size_t i = 0; i < chain.n; i++)
		if (strcmp(chain.directories[i], "/") != 0)
			readable[n++] = chain.directories[i];
	for (size_t i = 0; i < ARRAY_LEN(more_directories); i++)
		readable[n++] = more_directories[i];
	return confine_files(readable, -1, &ignored, e);
}

bool confinement_enter(struct err *e)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	struct aside aside = {.network_fd = -1};
	/* Refused by a limit, by another sandbox or by its owner: nothing is half done then. */
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) {
		if (!map_ids(uid, gid))
			return err_sys(e, "map our own ids");
		if (!change_root(&aside, e) || !drop_capabilities(e))
			return false;
	}
	/* The old root goes meanwhile: the kernel takes its time for that. */
	return confine_process(e) && restrict_files(e) && aside_finish(&aside, e) &&
	       confine_calls_allow(confine_net_calls, e);
}
