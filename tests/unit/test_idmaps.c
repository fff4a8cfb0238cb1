/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "plan/idmaps.h"
#include "spec/document.h"
#include "spec/options.h"

#include <string.h>

static struct id_range range[2];
static struct spec spec;
static struct host host;
static struct idmaps maps;
static struct notes notes;

static int machine_setup(void **state)
{
	arena_setup(state);
	spec_init(&spec, &arena);
	notes = (struct notes){0};
	range[0] = (struct id_range){0, 100000, 65536};
	host = (struct host){.uid = 1000,
		.gid = 1000,
		.rung = MAP_HELPERS,
		.subuids = range,
		.n_subuids = 1,
		.subgids = range,
		.n_subgids = 1};
	return 0;
}

static bool plan(void)
{
	return idmaps_plan(&spec, &host, &arena, &maps, &notes, &error);
}

static uint32_t out(uint32_t inside)
{
	uint32_t id = UINT32_MAX;
	id_map_out(&maps.uid, inside, &id);
	return id;
}

static void automatic(void **state)
{
	(void)state;
	assert_true(plan());
	assert_int_equal(out(0), 1000);
	assert_int_equal(out(1), 100000);
	assert_int_equal(out(65536), 165535);
	assert_int_equal(notes.n, 0);
	assert_true(id_map_valid(&maps.uid));
	assert_int_equal(maps.default_uid, 0);
}

static void keep_id(void **state)
{
	(void)state;
	spec.userns = USERNS_KEEP_ID;
	assert_true(plan());
	assert_int_equal(out(1000), 1000);
	assert_int_equal(out(0), 100000);
	assert_int_equal(out(999), 100999);
	assert_int_equal(out(1001), 101000);
	assert_true(id_map_valid(&maps.uid));
	assert_int_equal(maps.default_uid, 1000);
	assert_true(maps.root_mapped);
}

static void keep_id_beyond_a_short_range(void **state)
{
	(void)state;
	spec.userns = USERNS_KEEP_ID;
	range[0].count = 10;
	assert_true(plan());
	assert_int_equal(out(9), 100009);
	assert_int_equal(out(10), UINT32_MAX);
	assert_int_equal(out(1000), 1000);
	assert_true(id_map_valid(&maps.uid));
}

static void small_ranges_work_and_say_so(void **state)
{
	(void)state;
	range[0].count = 2000;
	assert_true(plan());
	assert_int_equal(out(2000), 101999);
	assert_int_equal(notes.n, 1);
	assert_non_null(strstr(notes.text[0], "2001 ids"));
}

static void a_range_that_holds_the_own_id(void **state)
{
	(void)state;
	range[0] = (struct id_range){0, 900, 200};
	assert_true(plan());
	assert_true(id_map_valid(&maps.uid));
	assert_int_equal(id_map_size(&maps.uid), 200);
	assert_int_equal(out(0), 1000);
}

static void several_ranges_follow_each_other(void **state)
{
	(void)state;
	range[0].count = 100;
	range[1] = (struct id_range){0, 500000, 100};
	host.n_subuids = host.n_subgids = 2;
	assert_true(plan());
	assert_int_equal(out(100), 100099);
	assert_int_equal(out(101), 500000);
}

static void without_ranges_one_id(void **state)
{
	(void)state;
	host.rung = MAP_SINGLE;
	host.n_subuids = host.n_subgids = 0;
	host.rung_reason = "you have none";
	assert_true(plan());
	assert_int_equal(id_map_size(&maps.uid), 1);
	assert_int_equal(notes.n, 1);
	assert_non_null(strstr(notes.text[0], "you have none"));
	spec.userns = USERNS_KEEP_ID;
	assert_true(plan());
	assert_int_equal(out(1000), 1000);
	assert_false(maps.root_mapped);
}

static void by_hand(void **state)
{
	(void)state;
	spec.userns = USERNS_MANUAL;
	assert_true(spec_add_id_range(&spec, &spec.uid_map, "0:100000:10", &error));
	assert_true(plan());
	assert_int_equal(maps.gid.n, 1);
	assert_true(spec_add_id_range(&spec, &spec.uid_map, "5:1000", &error));
	assert_false(plan());
	spec.uid_map = (struct id_map){0};
	assert_true(spec_add_id_range(&spec, &spec.uid_map, "0:0", &error));
	assert_false(plan());
	assert_non_null(strstr(error.what, "not yours"));
}

#define MAP_TEST(name) cmocka_unit_test_setup_teardown(name, machine_setup, arena_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {MAP_TEST(automatic), MAP_TEST(keep_id),
		MAP_TEST(keep_id_beyond_a_short_range), MAP_TEST(small_ranges_work_and_say_so),
		MAP_TEST(a_range_that_holds_the_own_id), MAP_TEST(several_ranges_follow_each_other),
		MAP_TEST(without_ranges_one_id), MAP_TEST(by_hand)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
