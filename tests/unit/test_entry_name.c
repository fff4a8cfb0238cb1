/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unpack/entry_name.h"

#include <string.h>

static void names(void **state)
{
	const char *clean = NULL;
	static char long_name[5000];
	(void)state;
	assert_true(entry_name_check("./bin/sh", &clean));
	assert_string_equal(clean, "bin/sh");
	assert_true(entry_name_check("//etc/..x/x..", &clean));
	assert_string_equal(clean, "etc/..x/x..");
	assert_true(entry_name_check("./", &clean));
	assert_string_equal(clean, "");
	static const char *const wrong[] = {"..", "../x", "a/../b", "a/..", "/..", "./.././x"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(entry_name_check(wrong[i], &clean));
	memset(long_name, 'a', sizeof(long_name) - 1);
	assert_false(entry_name_check(long_name, &clean));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
