/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/capability_set.h"
#include "base/idrange.h"
#include "base/notes.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

static void numbers_have_limits(void **state)
{
	uint64_t n;
	uint32_t id;
	(void)state;
	assert_true(text_to_u64("18446744073709551615", UINT64_MAX, &n));
	assert_false(text_to_u64("18446744073709551616", UINT64_MAX, &n));
	assert_false(text_to_u64("", 9, &n));
	assert_false(text_to_u64("-1", 9, &n));
	assert_false(text_to_u64("1 ", 9, &n));
	assert_true(text_to_id("4294967294", &id));
	assert_false(text_to_id("4294967295", &id));
}

static void sizes_and_times(void **state)
{
	uint64_t n;
	(void)state;
	assert_true(text_to_bytes("64m", &n));
	assert_int_equal(n, 64 << 20);
	assert_true(text_to_bytes("2KiB", &n));
	assert_int_equal(n, 2048);
	assert_false(text_to_bytes("m", &n));
	assert_false(text_to_bytes("99999999999999t", &n));
	assert_true(text_to_ms("500ms", &n));
	assert_int_equal(n, 500);
	assert_true(text_to_ms("2", &n));
	assert_int_equal(n, 2000);
	assert_false(text_to_ms("1d", &n));
}

static void visible_text_stays_in_its_buffer(void **state)
{
	char escapes[40], out[16];
	(void)state;
	memset(escapes, '\033', sizeof(escapes) - 1);
	escapes[sizeof(escapes) - 1] = '\0';
	for (size_t size = 1; size < sizeof(out); size++) {
		memset(out, 'Z', sizeof(out));
		text_visible(out, size, escapes);
		assert_true(strlen(out) < size);
		for (size_t i = size; i < sizeof(out); i++)
			assert_int_equal(out[i], 'Z');
	}
	text_visible(out, sizeof(out), "a\nb\033[1m");
	assert_string_equal(out, "a\\nb^[[1m");
}

static void paths_are_cleaned(void **state)
{
	char out[64];
	(void)state;
	assert_true(text_path_clean("//a/./b/../c/", out, sizeof(out)));
	assert_string_equal(out, "/a/c");
	assert_true(text_path_clean("/../..", out, sizeof(out)));
	assert_string_equal(out, "/");
	assert_false(text_path_clean("a/b", out, sizeof(out)));
	assert_false(text_path_clean("/aaaaaaaaaa", out, 5));
}

static void typos_find_their_word(void **state)
{
	static const char *const words[] = {"volume", "env", "read-only", NULL};
	(void)state;
	assert_string_equal(text_nearest("raed-only", words), "read-only");
	assert_string_equal(text_nearest("volumes", words), "volume");
	assert_null(text_nearest("privileged", words));
}

static void errors_speak_once(void **state)
{
	struct err e = ERR_INIT;
	char line[2048];
	(void)state;
	errno = ENOENT;
	assert_false(err_sys(&e, "open '%s'", "/x"));
	assert_false(err_what(&e, ERR_HOST, "cannot do it"));
	err_format(&e, line, sizeof(line));
	assert_string_equal(line, "cannot do it: open '/x': No such file or directory");
	assert_int_equal(err_exit_code(&e), 125);
	err_what(&e, ERR_NOCOMMAND, "x");
	assert_int_equal(err_exit_code(&e), 127);
	err_what(&e, ERR_NOEXEC, "x");
	assert_int_equal(err_exit_code(&e), 126);
}

static void terminal_escapes_do_not_pass(void **state)
{
	struct err e = ERR_INIT;
	char line[2048];
	(void)state;
	err_what(&e, ERR_INPUT, "entry '\033[2J\n\x07'");
	err_format(&e, line, sizeof(line));
	assert_null(strchr(line, '\033'));
	assert_null(strchr(line, '\n'));
	assert_null(strchr(line, '\x07'));
}

static void long_texts_are_cut_in_the_middle(void **state)
{
	char long_path[4000], out[32];
	(void)state;
	memset(long_path, 'a', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	memcpy(long_path + sizeof(long_path) - 6, "/name", 5);
	text_fit(out, sizeof(out), long_path);
	assert_int_equal(strlen(out), sizeof(out) - 1);
	assert_non_null(strstr(out, "..."));
	assert_non_null(strstr(out, "/name"));
}

static void maps_translate_both_ways(void **state)
{
	struct id_range ranges[] = {{0, 1000, 1}, {1, 100000, 65536}};
	struct id_map map = {ranges, 2};
	uint32_t id;
	(void)state;
	assert_true(id_map_out(&map, 0, &id));
	assert_int_equal(id, 1000);
	assert_true(id_map_out(&map, 65536, &id));
	assert_int_equal(id, 165535);
	assert_false(id_map_out(&map, 65537, &id));
	assert_true(id_map_in(&map, 100000, &id));
	assert_int_equal(id, 1);
	assert_false(id_map_in(&map, 0, &id));
	assert_int_equal(id_map_size(&map), 65537);
	assert_true(id_map_valid(&map));
	ranges[1].inside = 0;
	assert_false(id_map_valid(&map));
	ranges[1] = (struct id_range){1, 4294967290u, 10};
	assert_false(id_map_valid(&map));
}

static void arrays_grow_and_keep(void **state)
{
	int *v = NULL;
	size_t n = 0;
	struct strv list = {0};
	(void)state;
	for (int i = 0; i < 1000; i++)
		*ARENA_APPEND(&arena, v, n) = i;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(v[i], i);
	for (int i = 0; i < 100; i++)
		strv_add(&arena, &list, "x");
	assert_int_equal(list.n, 100);
	assert_null(list.v[100]);
	strv_env_set(&arena, &list, "A=1");
	strv_env_set(&arena, &list, "A=2");
	assert_string_equal(strv_env(&list, "A"), "2");
	assert_int_equal(list.n, 101);
	assert_null(strv_env(&list, "B"));
}

static void notes_are_limited(void **state)
{
	struct notes notes = {0};
	(void)state;
	for (int i = 0; i < 40; i++)
		notes_add(&notes, "note %d", i);
	assert_string_equal(notes.text[0], "note 0");
	assert_non_null(strstr(notes.text[NOTES_MAX - 1], "more notes"));
}

static void capabilities_have_names(void **state)
{
	int cap;
	(void)state;
	assert_true(capability_find("net_admin", &cap));
	assert_int_equal(cap, CAP_NET_ADMIN);
	assert_true(capability_find("CAP_CHECKPOINT_RESTORE", &cap));
	assert_int_equal(cap, CAPS_KNOWN - 1);
	assert_false(capability_find("CAP_", &cap));
	assert_int_equal(CAPS_DEFAULT, 0xa80425fb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(numbers_have_limits), TEST(sizes_and_times),
		TEST(visible_text_stays_in_its_buffer), TEST(paths_are_cleaned),
		TEST(typos_find_their_word), TEST(errors_speak_once),
		TEST(terminal_escapes_do_not_pass), TEST(long_texts_are_cut_in_the_middle),
		TEST(maps_translate_both_ways), TEST(arrays_grow_and_keep), TEST(notes_are_limited),
		TEST(capabilities_have_names)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
