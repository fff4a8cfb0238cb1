/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "spec/document.h"
#include "spec/limits.h"

#include <stdlib.h>
#include <string.h>

static bool set(struct limits_spec *l, const char *option, const char *text)
{
	return limits_option(l, option, text, &arena, &error);
}

static const char *value_of(const struct limits_spec *l, const char *file)
{
	size_t n;
	struct limit_file *files = limits_files(l, &arena, &n);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(files[i].file, file))
			return files[i].value;
	return NULL;
}

static void options_become_files(void **state)
{
	static const struct {
		const char *option, *text, *file, *value;
	} known[] = {{"memory", "64m", "memory.max", "67108864"},
		{"memory", "-1", "memory.max", "max"},
		{"memory-high", "1g", "memory.high", "1073741824"},
		{"memory-reservation", "1k", "memory.low", "1024"},
		{"cpus", "1.5", "cpu.max", "150000 100000"},
		{"cpus", ".25", "cpu.max", "25000 100000"},
		{"cpu-shares", "1024", "cpu.weight", "39"}, {"cpu-shares", "2", "cpu.weight", "1"},
		{"cpu-shares", "262144", "cpu.weight", "10000"},
		{"cpu-weight", "7", "cpu.weight", "7"}, {"pids-limit", "9", "pids.max", "9"},
		{"pids-limit", "-1", "pids.max", "max"},
		{"io-weight", "50", "io.weight", "default 50"},
		{"device-read-bps", "/dev/sda:1m", "io.max", "rbps=1048576"},
		{"device-write-iops", "/dev/sda:9", "io.max", "wiops=9"},
		{"cpuset-cpus", "0-1,3", "cpuset.cpus", "0-1,3"},
		{"oom-group", "true", "memory.oom.group", "1"},
		{"cgroup-conf", "memory.zswap.max=0", "memory.zswap.max", "0"}};
	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct limits_spec l = {0};
		assert_true(set(&l, known[i].option, known[i].text));
		assert_true(limits_any(&l));
		assert_string_equal(value_of(&l, known[i].file), known[i].value);
	}
}

static void wrong_texts_are_refused(void **state)
{
	static const char *const wrong[][2] = {{"memory", "x"}, {"memory", ""}, {"memory", "9e9"},
		{"memory", "99999999999999999999"}, {"cpus", "0"}, {"cpus", "1.2.3"},
		{"cpus", "-1"}, {"cpus", "."}, {"cpu-weight", "0"}, {"cpu-weight", "10001"},
		{"cpu-shares", "1"}, {"cpuset-cpus", "0-"}, {"cpuset-cpus", "2-1"},
		{"cpuset-cpus", "0,,1"}, {"cpuset-cpus", "99999"}, {"pids-limit", "x"},
		{"io-weight", "0"}, {"device-read-bps", "sda:1m"}, {"device-read-bps", "/dev/sda"},
		{"device-read-bps", "/dev/sda:0"}, {"oom-score-adj", "1001"}, {"oom-group", "1"},
		{"cgroup-conf", "cgroup.kill=1"}, {"cgroup-conf", "../x.y=1"},
		{"cgroup-conf", "x=1"}, {"cgroup-conf", ".x=1"}, {"cgroup-conf", "memory.max"},
		{"cgroup-parent", "x"}, {"cgroup-parent", "a/b.slice"}, {"limit-mode", "soft"},
		{"cgroups", "no"}};
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct limits_spec l = {0};
		if (set(&l, wrong[i][0], wrong[i][1]))
			fail_msg("--%s '%s' was taken", wrong[i][0], wrong[i][1]);
		assert_non_null(strstr(error.what, wrong[i][0]));
	}
}

static void swap_is_what_docker_means(void **state)
{
	struct limits_spec l = {0};
	(void)state;
	assert_true(set(&l, "memory-swap", "96m"));
	assert_false(limits_freeze(&l, &error));
	assert_true(set(&l, "memory", "64m"));
	assert_true(limits_freeze(&l, &error));
	assert_string_equal(value_of(&l, "memory.swap.max"), "33554432");
	assert_true(set(&l, "memory-swap", "64m"));
	assert_string_equal(value_of(&l, "memory.swap.max"), "0");
	assert_true(set(&l, "memory-swap", "-1"));
	assert_string_equal(value_of(&l, "memory.swap.max"), "max");
	assert_true(set(&l, "memory-swap", "32m"));
	assert_false(limits_freeze(&l, &error));
	l = (struct limits_spec){0};
	assert_true(set(&l, "memory", "4k"));
	assert_false(limits_freeze(&l, &error));
}

static void lists_lie_within_others(void **state)
{
	(void)state;
	assert_true(limits_list_within("0,2-3", "0-3"));
	assert_false(limits_list_within("0,4", "0-3"));
	assert_false(limits_list_within("1", "0,2-3"));
	assert_false(limits_list_within("x", "0-3"));
}

static void documents_keep_them(void **state)
{
	static const char text[] =
		"{\"linux\":{\"resources\":{\"memory\":{\"limit\":67108864,\"swap\":134217728},"
		"\"cpu\":{\"shares\":512,\"quota\":50000,\"period\":100000,\"cpus\":\"0\"},"
		"\"pids\":{\"limit\":32},\"blockIO\":{\"weight\":500,\"throttleReadBpsDevice\":"
		"[{\"major\":8,\"minor\":0,\"rate\":1000}]},\"unified\":{\"memory.high\":\"1000\"},"
		"\"devices\":[{\"allow\":false}]},\"cgroupsPath\":\"a.slice:b:c\"}}";
	struct spec spec, again;
	struct notes notes = {0};
	(void)state;
	spec_init(&spec, &arena);
	spec.id = "0123456789abcdef";
	assert_true(spec_from_json(&spec, text, strlen(text), "/b", &notes, &error));
	assert_true(set(&spec.limits, "device-write-bps", "/dev/sda:1m"));
	assert_true(set(&spec.limits, "device-write-bps", "/dev/sdb:2m"));
	assert_true(set(&spec.limits, "limit-mode", "hard"));
	assert_true(set(&spec.limits, "oom-score-adj", "-5"));
	assert_int_equal(spec.limits.memory_high, 1000);
	assert_int_equal(spec.limits.conf.n, 0);
	assert_string_equal(value_of(&spec.limits, "memory.swap.max"), "67108864");
	assert_string_equal(value_of(&spec.limits, "cpu.max"), "50000 100000");
	assert_string_equal(value_of(&spec.limits, "io.max"), "rbps=1000");
	char *first = spec_to_json(&spec);
	spec_init(&again, &arena);
	again.id = "0123456789abcdef";
	assert_true(spec_from_json(&again, first, strlen(first), "/b", &notes, &error));
	assert_int_equal(again.limits.n_io, 3);
	assert_string_equal(again.limits.unit, "b-c");
	assert_int_equal(again.limits.mode, LIMIT_HARD);
	assert_int_equal(again.limits.oom_score_adj, -5);
	char *second = spec_to_json(&again);
	assert_string_equal(first, second);
	free(first);
	free(second);
}

static void cgroups_paths_are_taken_apart(void **state)
{
	static const char *const wrong[] = {"/", "a//b", "../a", "a/..", ".a", "a/cgroup.procs",
		"a b", "x:y", "a:b:c:d", "no:p:n", "a.slice:p:", "a.slice:p:n.slice",
		"a.slice:p/q:n", ":.p:n", "a/", NULL};
	struct limits_spec l = {0};
	(void)state;
	for (size_t i = 0; wrong[i]; i++)
		assert_non_null(limits_cgroups_path(&l, wrong[i], &arena));
	assert_null(l.cgroups_path);
	assert_null(limits_cgroups_path(&l, "work.slice:libpod:abc", &arena));
	assert_string_equal(l.parent, "work.slice");
	assert_string_equal(l.unit, "libpod-abc");
	l = (struct limits_spec){0};
	assert_null(limits_cgroups_path(&l, "::abc", &arena));
	assert_null(l.parent);
	assert_string_equal(l.unit, "abc");
	l = (struct limits_spec){0};
	assert_null(limits_cgroups_path(&l, "/a/b", &arena));
	assert_string_equal(l.below, "/a/b");
	assert_true(limits_want_cgroup(&l));
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(options_become_files),
		TEST(wrong_texts_are_refused), TEST(swap_is_what_docker_means),
		TEST(lists_lie_within_others), TEST(documents_keep_them),
		TEST(cgroups_paths_are_taken_apart)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
