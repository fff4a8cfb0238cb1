/* SPDX-License-Identifier: Apache-2.0 */
/* The containers of a named network, as guscio-net keeps them, asked as guscio asks. */
#include "unit.h"

#include "base/own.h"
#include "net/lease.h"
#include "net/members.h"
#include "wire/net_ask.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Descriptors enough for this number of places. */
#define PLACES 300

static char directory[] = "/tmp/guscio-members.XXXXXX";
static int dir_fd;
static pid_t helper;
static char *name[] = {"web", NULL};
static const struct strv names = {.v = name, .n = 1};

static void serve(int listen_fd)
{
	struct net_settings settings = {
		.control_fd = listen_fd, .uid = getuid(), .files = 4 * PLACES, .has_v6 = true};
	struct err e = ERR_INIT;
	struct loop *loop = loop_new(&e);
	inet_pton(AF_INET, "10.89.0.3", &settings.guest4);
	inet_pton(AF_INET, "255.255.0.0", &settings.mask4);
	inet_pton(AF_INET, "10.89.0.1", &settings.gateway4);
	inet_pton(AF_INET, "10.89.0.2", &settings.dns4);
	inet_pton(AF_INET6, "fd89::3", &settings.guest6);
	inet_pton(AF_INET6, "fd89::1", &settings.gateway6);
	inet_pton(AF_INET6, "fd89::2", &settings.dns6);
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (loop && members_new(loop, &settings, &settings.names, null_fd, null_fd, &e))
		for (;;)
			loop_wait(loop, -1);
	_exit(1);
}

static int begin(void **state)
{
	int listen_fd;
	strcpy(directory + sizeof(directory) - 7, "XXXXXX");
	if (arena_setup(state) < 0 || !mkdtemp(directory) ||
		!net_open(directory, "back", &dir_fd, &error) ||
		!net_listen(dir_fd, &listen_fd, &error))
		return -1;
	helper = fork();
	if (helper == 0) {
		close(dir_fd); /* or its lock would be ours too */
		serve(listen_fd);
	}
	close(listen_fd);
	return helper < 0 ? -1 : 0;
}

static int end(void **state)
{
	kill(helper, SIGKILL);
	waitpid(helper, NULL, 0);
	net_forget(dir_fd, directory, "back");
	char path[64];
	snprintf(path, sizeof(path), "%s/networks", directory);
	rmdir(path);
	rmdir(directory);
	return arena_teardown(state);
}

static bool join(struct net_lease *ret, const char *ip4, const char *ip6)
{
	struct net_wish wish = {.id = "0123456789ab", .names = &names};
	*ret = (struct net_lease)NET_LEASE_INIT;
	error = (struct err)ERR_INIT;
	if (ip4)
		assert_true(address_parse(ip4, &wish.ip4));
	if (ip6)
		assert_true(address_parse(ip6, &wish.ip6));
	bool ok = net_connect(dir_fd, &ret->control_fd, &error) && net_join(ret, &wish, &error);
	clean_fd(&ret->userns_fd);
	clean_fd(&ret->netns_fd);
	return ok;
}

static size_t places(void)
{
	size_t n;
	assert_true(net_count_places(dir_fd, &n, &error));
	return n;
}

static void whoever_finds_no_room_is_told_so(void **state)
{
	struct net_lease lease[PLACES], another;
	(void)state;
	for (size_t i = 0; i < PLACES; i++)
		assert_true(join(&lease[i], NULL, NULL));
	assert_false(join(&another, NULL, NULL));
	assert_int_equal(error.kind, ERR_STATE);
	assert_non_null(strstr(error.what, "no room"));
	net_lease_done(&another);
	/* Those who only look are let in all the same. */
	assert_int_equal(places(), PLACES);
	for (size_t i = 0; i < PLACES; i++)
		net_lease_done(&lease[i]);
	assert_int_equal(places(), 0);
	assert_true(join(&another, NULL, NULL));
	net_lease_done(&another);
}

static void more_connections_than_there_is_room_for(void **state)
{
	int fd[PLACES + 64], n = 0;
	struct net_lease another;
	(void)state;
	for (; n < PLACES + 64; n++)
		assert_true(net_connect(dir_fd, &fd[n], &error));
	assert_false(join(&another, NULL, NULL));
	/* ERR_NONE would mean that the helper has ended: a second one would be started. */
	assert_int_equal(error.kind, ERR_STATE);
	net_lease_done(&another);
	while (n > 0)
		close(fd[--n]);
}

static void a_list_that_is_read_slowly_is_whole(void **state)
{
	struct msg m = {.kind = MSG_ASK, .value = NET_ASK_LIST};
	struct net_lease lease[PLACES];
	struct net_members members;
	size_t n = 0;
	int fd, self_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	(void)state;
	for (size_t i = 0; i < PLACES; i++) {
		assert_true(join(&lease[i], NULL, NULL));
		/* The last one has a place and no container yet. */
		assert_true(i == PLACES - 1 || net_bind(&lease[i], self_fd, &error));
	}
	assert_true(net_connect(dir_fd, &fd, &error));
	assert_true(msg_send(fd, &m, NULL, 0, &error));
	usleep(200000);
	while (msg_receive(fd, &m, NULL, NULL, &error) == MSG_GOT_RECORD && m.kind == MSG_NOTE)
		n++;
	assert_int_equal(n, PLACES);
	assert_int_equal(m.kind, MSG_DONE);
	/* The same connection may ask again. */
	m = (struct msg){.kind = MSG_ASK, .value = NET_ASK_LIST};
	assert_true(msg_send(fd, &m, NULL, 0, &error));
	assert_int_equal(msg_receive(fd, &m, NULL, NULL, &error), MSG_GOT_RECORD);
	assert_int_equal(m.kind, MSG_NOTE);
	close(fd);
	assert_true(net_list_members(directory, "back", &arena, &members, &error));
	assert_int_equal(members.n, PLACES - 1);
	assert_int_equal(places(), PLACES);
	for (size_t i = 0; i < PLACES; i++)
		net_lease_done(&lease[i]);
	/* Bound ones stay as long as this process. */
	assert_int_equal(places(), PLACES - 1);
	close(self_fd);
}

static void a_helper_that_is_stopped_is_not_waited_for(void **state)
{
	struct net_members members;
	struct net_lease lease;
	(void)state;
	kill(helper, SIGSTOP);
	error = (struct err)ERR_INIT;
	assert_false(net_list_members(directory, "back", &arena, &members, &error));
	assert_non_null(strstr(error.cause, "does not answer"));
	assert_false(join(&lease, NULL, NULL));
	assert_int_equal(error.kind, ERR_STATE);
	net_lease_done(&lease);
	kill(helper, SIGCONT);
	assert_true(join(&lease, NULL, NULL));
	net_lease_done(&lease);
}

static void no_address_is_given_twice(void **state)
{
	struct net_lease first, second, third;
	(void)state;
	/* The one that the next container's IPv4 address would lead to. */
	assert_true(join(&first, "10.89.9.9", "fd89::a59:3"));
	assert_true(join(&second, NULL, NULL));
	assert_false(address_equal(&first.ip6, &second.ip6));
	assert_false(join(&third, NULL, "fd89::a59:3"));
	assert_non_null(strstr(error.what, "is taken"));
	net_lease_done(&third);
	assert_false(join(&third, "10.89.0.3", NULL));
	net_lease_done(&third);
	net_lease_done(&second);
	net_lease_done(&first);
}

static void a_network_is_removed_under_its_lock(void **state)
{
	int waiting_fd;
	(void)state;
	pid_t starter = fork();
	if (starter == 0) {
		/* It waits for the lock of a directory that is gone when it has it. */
		struct err e = ERR_INIT;
		close(dir_fd);
		bool ok = net_open(directory, "back", &waiting_fd, &e) &&
			  access(directory, F_OK) == 0;
		char path[64];
		snprintf(path, sizeof(path), "/proc/self/fd/%d/.", waiting_fd);
		_exit(ok && access(path, F_OK) == 0 ? 0 : 1);
	}
	usleep(100000);
	net_forget(dir_fd, directory, "back");
	int status;
	assert_int_equal(waitpid(starter, &status, 0), starter);
	assert_int_equal(status, 0);
	assert_true(net_open(directory, "back", &dir_fd, &error));
}

#define MEMBERS_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {MEMBERS_TEST(whoever_finds_no_room_is_told_so),
		MEMBERS_TEST(more_connections_than_there_is_room_for),
		MEMBERS_TEST(a_list_that_is_read_slowly_is_whole),
		MEMBERS_TEST(a_helper_that_is_stopped_is_not_waited_for),
		MEMBERS_TEST(no_address_is_given_twice),
		MEMBERS_TEST(a_network_is_removed_under_its_lock)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
