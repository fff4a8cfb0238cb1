/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "spec/passwd.h"

#include <string.h>

static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\n"
			     "broken:x:notanumber:0::/:\n"
			     "alice:x:1000:1000:A:/home/alice:/bin/zsh\n"
			     "alice:x:1:1:second:/x:/y\n"
			     "relative:x:7:7::home:\n"
			     ":x:5:5::/:\n"
			     "last:x:9:9::/l:/s";
static const char group[] = "root:x:0:\nalice:x:1000:\nproject:x:2000:bob,alice\nx:x:1:\n";

static bool find(const char *text, uint32_t otherwise, struct user_id *user)
{
	return passwd_find_user(
		text, otherwise, passwd, strlen(passwd), group, strlen(group), user, &error);
}

static void names_and_numbers(void **state)
{
	struct user_id user;
	(void)state;
	assert_true(find("", 0, &user));
	assert_string_equal(user.home, "/root");
	assert_true(find("alice", 0, &user));
	assert_int_equal(user.uid, 1000);
	assert_string_equal(user.shell, "/bin/zsh");
	assert_int_equal(user.n_groups, 1);
	assert_int_equal(user.groups[0], 2000);
	assert_true(find("1000", 0, &user));
	assert_string_equal(user.name, "alice");
	assert_true(find("4242", 0, &user));
	assert_int_equal(user.gid, 0);
	assert_string_equal(user.home, "/");
	assert_true(find("last", 0, &user));
	assert_string_equal(user.shell, "/s");
}

static void groups(void **state)
{
	struct user_id user;
	uint32_t gid;
	(void)state;
	assert_true(find("alice:project", 0, &user));
	assert_int_equal(user.gid, 2000);
	assert_int_equal(user.n_groups, 0);
	assert_true(find("7:8", 0, &user));
	assert_int_equal(user.gid, 8);
	assert_false(find("alice:nobody", 0, &user));
	assert_false(find("alice:", 0, &user));
	assert_true(passwd_find_group("project", group, strlen(group), &gid));
	assert_int_equal(gid, 2000);
	assert_false(passwd_find_group("none", group, strlen(group), &gid));
}

static void hostile_lines(void **state)
{
	struct user_id user = {.uid = 77};
	(void)state;
	assert_false(find("broken", 0, &user));
	assert_int_equal(user.uid, 77);
	assert_true(find("relative", 0, &user));
	assert_string_equal(user.home, "/");
	assert_false(find("bob", 0, &user));
	assert_false(find("4294967295", 0, &user));
	assert_true(passwd_find_user("3", 0, NULL, 0, NULL, 0, &user, &error));
	assert_int_equal(user.uid, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_and_numbers), TEST(groups), TEST(hostile_lines)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
