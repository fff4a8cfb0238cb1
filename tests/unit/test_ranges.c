/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "host/host_parts.h"

static void answers_of_the_helper(void **state)
{
	struct host host = {0};
	(void)state;
	assert_true(ranges_parse(&host, &arena, "u 100000 65536\nu 5 1\ng 100000 65536\n"));
	assert_int_equal(host.n_subuids, 2);
	assert_int_equal(host.n_subgids, 1);
	assert_int_equal(host.subuids[1].outside, 5);
	static const char *const wrong[] = {
		"x 1 2\n", "u 1\n", "u 1 0\n", "u 4294967295 5\n", "u a b\n"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(ranges_parse(&host, &arena, wrong[i]));
}

static void ids_of_our_own_namespace(void **state)
{
	struct id_range *v;
	size_t n;
	(void)state;
	assert_true(ranges_from_map("0 1000 1\n1 100000 65536\n", 0, &arena, &v, &n));
	assert_int_equal(n, 1);
	assert_int_equal(v[0].outside, 1);
	assert_true(ranges_from_map("0 100000 65536\n", 1000, &arena, &v, &n));
	assert_int_equal(n, 2);
	assert_int_equal(v[0].count, 1000);
	assert_int_equal(v[1].outside, 1001);
	assert_int_equal(v[1].count, 65536 - 1001);
	assert_false(ranges_from_map("0 1000 1\n", 0, &arena, &v, &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_of_the_helper), TEST(ids_of_our_own_namespace)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
