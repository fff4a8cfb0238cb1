/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/own.h"
#include "image/registries.h"

#include <string.h>

static bool parse(const char *text, struct registries *ret)
{
	*ret = (struct registries){0};
	error = (struct err)ERR_INIT;
	return registries_parse(&arena, text, ret, &error);
}

static void the_longest_prefix_wins(void **state)
{
	struct registries r;
	(void)state;
	assert_true(parse(
		"unqualified-search-registries = [\"a\", 'b', # c\n]\n"
		"short-name-mode=\"enforcing\"\n[aliases]\n\"x\" = \"y/x\"\n"
		"[[registry]]\nlocation = \"example.com\"\ninsecure = true\n"
		"[[registry]]\r\nprefix=\"example.com/team\"\nlocation=\"other.org/t\"\n"
		"[[registry.mirror]]\nlocation = \"m.org\"\npull-from-mirror=\"digest-only\"\n"
		"[[registry]]\nprefix=\"*.wild.org\"\nblocked=true\n",
		&r));
	assert_int_equal(r.n, 3);
	const struct registry_rule *rule = registries_find(&r, "example.com/team/x");
	assert_string_equal(rule->location, "other.org/t");
	assert_int_equal(rule->n_mirrors, 1);
	assert_true(rule->mirrors[0].by_digest_only);
	assert_string_equal(registries_replace(&arena, rule, rule->location, "example.com/team/x"),
		"other.org/t/x");
	assert_true(registries_find(&r, "example.com/teams/x")->is_insecure);
	assert_true(registries_find(&r, "a.wild.org/x")->is_blocked);
	assert_null(registries_find(&r, "wild.org/x"));
	assert_null(registries_find(&r, "example.com.evil.org/x"));
}

static void broken_lines_are_named(void **state)
{
	static const char *const bad[] = {"x", "x =", "= 1", "x = \"a", "x = [1", "x = [[1]]",
		"x = 1 2", "[[registry", "[registry\n]", "[[registry.mirror]]\nlocation='x'",
		"[[registry]]\ninsecure = true", "x = {a=1}", "x = \"\\q\"",
		"[[registry]]\nlocation='a'\n[[registry.mirror]]\ninsecure=true"};
	struct registries r;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(parse(bad[i], &r));
	assert_false(parse("\n\nx", &r));
	assert_non_null(strstr(error.cause, "line 3"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_longest_prefix_wins), TEST(broken_lines_are_named)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
