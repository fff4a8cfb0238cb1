/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "net/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct net_record sample(void)
{
	struct net_record record = {.name = "back", .id = ID, .mtu = 1500, .created = 1700000000};
	assert_true(address_parse_net("10.89.4.0/24", &record.subnet4));
	assert_true(address_parse("10.89.4.1", &record.gateway4));
	assert_true(address_parse_net("fd89::/64", &record.subnet6));
	assert_true(address_parse("fd89::1", &record.gateway6));
	strv_add(&arena, &record.labels, "team=blue");
	strv_add(&arena, &record.labels, "empty=");
	record.is_internal = true;
	return record;
}

static void what_is_printed_reads_back(void **state)
{
	struct net_record record = sample(), again;
	(void)state;
	char *text = net_record_print(&record);
	assert_true(net_record_parse(text, strlen(text), "back", &arena, &again, &error));
	assert_string_equal(again.id, ID);
	assert_true(address_equal(&again.gateway6, &record.gateway6));
	assert_int_equal(again.subnet4.prefix, 24);
	assert_int_equal(again.mtu, 1500);
	assert_int_equal(again.created, 1700000000);
	assert_true(again.is_internal && !again.has_host_loopback);
	assert_string_equal(strv_env(&again.labels, "team"), "blue");
	char *second = net_record_print(&again);
	assert_string_equal(text, second);
	free(text);
	free(second);
}

/* Replaces the first @from of a printed record by @to, and reads that. */
static bool reads_with(const char *from, const char *to)
{
	struct net_record record = sample(), again;
	char *text = net_record_print(&record);
	const char *at = strstr(text, from);
	assert_non_null(at);
	const char *changed =
		arena_printf(&arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	bool ok = net_record_parse(changed, strlen(changed), "back", &arena, &again, &error);
	free(text);
	return ok;
}

static void damaged_ones_are_refused(void **state)
{
	static const struct {
		const char *from, *to;
	} damage[] = {{"\"version\": 1", "\"version\": 2"}, {ID, "0123"}, {ID, "../../../../x"},
		{"10.89.4.0/24", "10.89.4.0"}, {"\"10.89.4.1\"", "\"10.88.4.1\""},
		{"\"10.89.4.1\"", "7"}, {"\"1500\"", "\"9\""}, {"fd89::/64", "10.90.0.0/24"},
		{"2023-", "yesterday-"}, {"{", "["}};
	(void)state;
	assert_true(reads_with("blue", "red"));
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		assert_false(reads_with(damage[i].from, damage[i].to));
		assert_int_equal(error.kind, ERR_INPUT);
	}
}

static void subnets_keep_out_of_each_others_way(void **state)
{
	struct address_net taken[3], net;
	char buf[ADDRESS_TEXT_SIZE];
	(void)state;
	assert_true(address_parse_net("10.89.0.7/24", &taken[0]));
	assert_true(address_parse_net("10.89.1.128/25", &taken[1]));
	assert_true(address_parse_net("fd89:0:0:0::/64", &taken[2]));
	assert_true(net_choose_subnet(taken, 3, AF_INET, &net));
	assert_string_equal(address_print(&net.address, buf), "10.89.2.0");
	assert_true(net_choose_subnet(taken, 3, AF_INET6, &net));
	assert_string_equal(address_print(&net.address, buf), "fd89:0:0:1::");
	assert_true(address_parse_net("10.0.0.0/8", &taken[0]));
	assert_false(net_choose_subnet(taken, 3, AF_INET, &net));
}

static void files(void **state)
{
	char path[] = "/tmp/guscio-unit.XXXXXX";
	struct net_record record = sample(), *all, found;
	size_t n, damaged;
	(void)state;
	assert_non_null(mkdtemp(path));
	assert_true(net_record_list(path, &arena, &all, &n, &damaged, &error) && n == 0);
	assert_true(net_record_write(path, &record, true, &error));
	assert_false(net_record_write(path, &record, true, &error));
	assert_int_equal(error.kind, ERR_STATE);
	assert_true(net_record_list(path, &arena, &all, &n, &damaged, &error) && n == 1);
	assert_true(net_record_read(path, "0123", &arena, &found, &error));
	assert_string_equal(found.name, "back");
	assert_false(net_record_read(path, "front", &arena, &found, &error));
	assert_true(net_record_remove(path, "back", &error));
	assert_false(net_record_read(path, "back", &arena, &found, &error));
	char command[64];
	snprintf(command, sizeof(command), "rm -r %s", path);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(what_is_printed_reads_back),
		TEST(damaged_ones_are_refused), TEST(subnets_keep_out_of_each_others_way),
		TEST(files)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
