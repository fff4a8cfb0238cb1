/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "host/logout.h"

static bool setting(const char *text, bool before)
{
	logout_read_setting(arena_strdup(&arena, text), &before);
	return before;
}

static void the_last_assignment_counts_and_comments_do_not(void **state)
{
	(void)state;
	assert_true(setting("[Login]\n#KillUserProcesses=no\nKillUserProcesses=yes\n", false));
	assert_false(setting("[Login]\nKillUserProcesses=yes\n  KillUserProcesses= no", true));
	assert_true(setting("", true));
	assert_false(setting("[Login]\n#KillUserProcesses=yes\nKillUserProcesses", false));
	assert_true(setting("KillUserProcesses=1", false));
}

static void a_session_is_told_by_its_scope(void **state)
{
	struct logout_facts facts;
	(void)state;
	logout_find(
		"nobody-of-that-name", "/user.slice/user-1.slice/session-4.scope", &arena, &facts);
	assert_true(facts.in_session);
	assert_int_equal(facts.lingers, !facts.is_managed);
	logout_find(
		NULL, "/user.slice/user-1.slice/user@1.service/app.slice/x.scope", &arena, &facts);
	assert_false(facts.in_session || facts.is_ended);
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(the_last_assignment_counts_and_comments_do_not),
		TEST(a_session_is_told_by_its_scope)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
