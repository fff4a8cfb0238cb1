/* SPDX-License-Identifier: Apache-2.0 */
/* What a second thread does: a network with its loopback up, its defaults, the old root gone. */
#include "unit.h"

#include "base/own.h"
#include "sys/aside.h"
#include "sys/mount.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char stack[ASIDE_STACK_SIZE] __attribute__((aligned(16)));

enum { GOOD, FORBIDDEN, SAME_NETWORK, NO_NETWORK, IS_DOWN, NO_DEFAULTS, OLD_ROOT };

static ino_t network(void)
{
	struct stat st = {.st_ino = 0};
	CLEAN(clean_fd) int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return fd >= 0 && fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static bool loopback_is_up(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	CLEAN(clean_fd) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP);
}

/* What a test's fork does in a user namespace of its own. */
enum place { PLAIN, WITHOUT_PROC };

static int make_network(int place)
{
	struct aside aside = {.network_fd = -1};
	struct err e = ERR_INIT;
	ino_t before = network();
	if (place == WITHOUT_PROC && mount("none", "/proc", "tmpfs", 0, NULL) < 0)
		return FORBIDDEN;
	aside_network_begin(&aside, stack);
	if (!aside_network_adopt(&aside, &e) || !aside_finish(&aside, &e))
		return NO_NETWORK;
	if (place == PLAIN && network() == before)
		return SAME_NETWORK;
	return loopback_is_up() ? GOOD : IS_DOWN;
}

static bool reads(int dir_fd, const char *path, const char *wanted)
{
	char text[32] = "";
	CLEAN(clean_fd) int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 &&
	       !strncmp(text, wanted, strlen(wanted));
}

/* Whichever of the two threads comes first: both are right, and none does it by halves. */
static int write_defaults(int wait_us)
{
	struct aside aside = {.network_fd = -1};
	struct err e = ERR_INIT;
	CLEAN(clean_fd) int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	aside_network_begin(&aside, stack);
	if (!aside_network_adopt(&aside, &e))
		return NO_NETWORK;
	aside_network_defaults(&aside, proc_fd, "0 0");
	usleep((useconds_t)wait_us);
	bool are_there = aside_network_has_defaults(&aside);
	if (!aside_finish(&aside, &e))
		return IS_DOWN;
	/* Then it never comes to them any more. */
	if (!are_there)
		return GOOD;
	return reads(proc_fd, PING_GROUPS_FILE, "0\t0\n") && reads(proc_fd, LOW_PORTS_FILE, "0\n")
		       ? GOOD
		       : NO_DEFAULTS;
}

static int leave_old_root(int has_network)
{
	struct aside aside = {.network_fd = -1};
	struct err e = ERR_INIT;
	char where[] = "/tmp/guscio-aside.XXXXXX";
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", "/tmp", "tmpfs", 0, NULL) < 0 || !mkdtemp(where) ||
		mount(where, where, NULL, MS_BIND, NULL) < 0)
		return FORBIDDEN;
	CLEAN(clean_fd) int root_fd = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (has_network)
		aside_network_begin(&aside, stack);
	if (has_network && !aside_network_adopt(&aside, &e))
		return NO_NETWORK;
	if (!mount_pivot_below(root_fd, &e))
		return FORBIDDEN;
	if (!aside_detach_old_root(&aside, stack, &e) || !aside_finish(&aside, &e))
		return OLD_ROOT;
	/* Nothing is left to take off, and the way up ends here. */
	bool is_gone = umount2("/", MNT_DETACH) < 0 && access("/tmp", F_OK) < 0 &&
		       access("/../tmp", F_OK) < 0;
	return is_gone ? GOOD : OLD_ROOT;
}

static bool write_to(const char *path, const char *text)
{
	CLEAN(clean_fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* Root of a user namespace of its own, with one id. */
static bool become_root(void)
{
	char uids[32], gids[32];
	snprintf(uids, sizeof(uids), "0 %u 1", geteuid());
	snprintf(gids, sizeof(gids), "0 %u 1", getegid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
	       write_to("/proc/self/setgroups", "deny") && write_to("/proc/self/uid_map", uids) &&
	       write_to("/proc/self/gid_map", gids);
}

static int in_a_fork(int (*run)(int), int argument)
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(become_root() ? run(argument) : FORBIDDEN); /* lint: child */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == FORBIDDEN)
		skip();
	return WEXITSTATUS(status);
}

static void it_is_made_beside_and_entered(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(in_a_fork(make_network, PLAIN), GOOD);
}

/* The thread cannot hand it over without /proc: the caller makes it by itself. */
static void without_proc_it_is_made_all_the_same(void **state)
{
	(void)state;
	assert_int_equal(in_a_fork(make_network, WITHOUT_PROC), GOOD);
}

static void defaults_are_written_once(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(in_a_fork(write_defaults, 0), GOOD);
		assert_int_equal(in_a_fork(write_defaults, 50000), GOOD);
	}
}

static void the_old_root_is_gone(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(in_a_fork(leave_old_root, false), GOOD);
		assert_int_equal(in_a_fork(leave_old_root, true), GOOD);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_made_beside_and_entered),
		cmocka_unit_test(without_proc_it_is_made_all_the_same),
		cmocka_unit_test(defaults_are_written_once),
		cmocka_unit_test(the_old_root_is_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
