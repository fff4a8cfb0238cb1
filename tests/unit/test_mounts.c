/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "spec/mount_options.h"

#include <string.h>

static void volumes(void **state)
{
	struct mount_spec m;
	struct mount_flags f;
	(void)state;
	assert_true(mount_from_volume("/a:/b/../c:ro,rslave", &arena, &m, &error));
	assert_string_equal(m.source, "/a");
	assert_string_equal(m.destination, "/c");
	assert_true(mount_options_parse(&m, &arena, &f, &error));
	assert_true(f.attr_set & MOUNT_ATTR_RDONLY);
	assert_true(f.attr_set & MOUNT_ATTR_NOSUID);
	assert_int_equal(f.propagation, MS_SLAVE);
	assert_true(f.recursive && f.recursive_attr && f.propagation_recursive);
	assert_true(mount_from_volume("/with\\:colon:/x", &arena, &m, &error));
	assert_string_equal(m.source, "/with:colon");
	assert_true(mount_from_volume("/only", &arena, &m, &error));
	assert_string_equal(m.type, "bind");
	assert_string_equal(m.source, MOUNT_ANONYMOUS);
	assert_true(mount_from_mount("type=volume,target=/v,volume-nocopy", &arena, &m, &error));
	assert_string_equal(m.source, MOUNT_ANONYMOUS);
	assert_true(mount_options_parse(&m, &arena, &f, &error));
	assert_true(mount_from_volume("/a:/b:nocopy", &arena, &m, &error));
	assert_false(mount_options_parse(&m, &arena, &f, &error));
	assert_true(mount_from_volume("/a:/b:O", &arena, &m, &error));
	assert_string_equal(m.type, "overlay");
}

static void volumes_that_are_wrong(void **state)
{
	static const char *const wrong[] = {
		"/a:b", "", ":/b", "na me:/b", "/a:/b:c:d", "/a:/", "/a:/..", "a"};
	struct mount_spec m = {.source = "untouched"};
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(mount_from_volume(wrong[i], &arena, &m, &error));
	assert_string_equal(m.source, "untouched");
}

static bool parse_words(const char *text, struct mount_flags *f)
{
	struct mount_spec m;
	return mount_from_volume(text, &arena, &m, &error) &&
	       mount_options_parse(&m, &arena, f, &error);
}

static void option_words(void **state)
{
	struct mount_flags f;
	(void)state;
	assert_true(parse_words("/a:/b:suid,dev,noexec", &f));
	assert_int_equal(f.attr_set, MOUNT_ATTR_NOEXEC);
	assert_true(parse_words("/a:/b:noatime", &f));
	assert_int_equal(f.attr_clr, MOUNT_ATTR__ATIME);
	assert_true(parse_words("/a:/b:bind,shared", &f));
	assert_false(f.recursive);
	assert_false(parse_words("/a:/b:noexc", &f));
	assert_non_null(strstr(error.hint, "noexec"));
	assert_false(parse_words("/a:/b:U", &f));
	assert_false(parse_words("/a:/b:size=4", &f));
}

static void mount_strings(void **state)
{
	struct mount_spec m;
	struct mount_flags f;
	(void)state;
	assert_true(mount_from_mount(
		"type=bind,source=/a,\"target=/b,c\",readonly", &arena, &m, &error));
	assert_string_equal(m.destination, "/b,c");
	assert_true(strv_has(&m.options, "ro"));
	assert_true(mount_from_mount(
		"type=tmpfs,dst=/t,tmpfs-size=8m,tmpfs-mode=700", &arena, &m, &error));
	assert_true(mount_options_parse(&m, &arena, &f, &error));
	assert_true(strv_has(&f.data, "size=8m") && strv_has(&f.data, "mode=700"));
	assert_true(mount_from_mount("type=overlay,lowerdir=/a:/b,dst=/m", &arena, &m, &error));
	static const char *const wrong[] = {"type=nfs,dst=/x", "source=/a", "dst=/b",
		"type=bind,dst=b", "type=bind,src=/a,dst=/b,wrong=1", "\"unfinished",
		"consistency=cached,src=/a,dst=/b", "type=bind,src=/a,dst=/b,readonly=perhaps"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(mount_from_mount(wrong[i], &arena, &m, &error));
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(volumes), TEST(volumes_that_are_wrong),
		TEST(option_words), TEST(mount_strings)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
