/* SPDX-License-Identifier: Apache-2.0 */
/* A network namespace made by a second thread: there, entered, and with its loopback up. */
#include "unit.h"

#include "base/own.h"
#include "sys/netns.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char stack[NETNS_STACK_SIZE] __attribute__((aligned(16)));

enum { GOOD, FORBIDDEN, SAME_NETWORK, NO_NETWORK, IS_DOWN };

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

static int make_one(bool hides_proc)
{
	struct netns_maker maker = {.fd = -1};
	struct err e = ERR_INIT;
	ino_t before = network();
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return FORBIDDEN;
	if (hides_proc && mount("none", "/proc", "tmpfs", 0, NULL) < 0)
		return FORBIDDEN;
	netns_begin(&maker, stack);
	if (!netns_adopt(&maker, &e) || !netns_finish(&maker, &e))
		return NO_NETWORK;
	if (!hides_proc && network() == before)
		return SAME_NETWORK;
	return loopback_is_up() ? GOOD : IS_DOWN;
}

static int in_a_fork(bool hides_proc)
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(make_one(hides_proc)); /* lint: child */
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
		assert_int_equal(in_a_fork(false), GOOD);
}

/* The thread cannot hand it over without /proc: the caller makes it by itself. */
static void without_proc_it_is_made_all_the_same(void **state)
{
	(void)state;
	assert_int_equal(in_a_fork(true), GOOD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_made_beside_and_entered),
		cmocka_unit_test(without_proc_it_is_made_all_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
