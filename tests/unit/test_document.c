/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "spec/document.h"
#include "spec/options.h"

#include <stdlib.h>
#include <string.h>

static bool read_text(struct spec *spec, const char *text)
{
	struct notes notes = {0};
	spec_init(spec, &arena);
	spec->id = "0123456789abcdef";
	return spec_from_json(spec, text, strlen(text), "/bundle", &notes, &error);
}

static void what_is_printed_reads_back(void **state)
{
	struct spec spec, again;
	struct notes notes = {0};
	char *const environment[] = {NULL};
	(void)state;
	spec_init(&spec, &arena);
	spec.id = "0123456789abcdef";
	spec.name = "named";
	spec.root = (struct root_spec){.kind = ROOT_DIR, .path = "/r", .readonly = true};
	spec.userns = USERNS_KEEP_ID;
	spec.init = false;
	spec.timeout_ms = 5000;
	spec.process.user = "alice:project";
	spec.process.terminal = true;
	strv_add(&arena, &spec.process.args, "sh");
	assert_true(spec_add_env(&spec, "A=1", environment, &error));
	assert_true(spec_add_ulimit(&spec, "nofile=5:9", &error));
	assert_true(spec_add_sysctl(&spec, "net.core.somaxconn=1", &error));
	assert_true(spec_change_caps(&spec, true, "net_admin", &error));
	assert_true(spec_set_namespace(&spec, NS_UTS, "uts", "host", &error));
	assert_true(spec_freeze(&spec, &notes, &error));
	char *first = spec_to_json(&spec);
	assert_non_null(first);
	assert_true(read_text(&again, first));
	char *second = spec_to_json(&again);
	assert_string_equal(first, second);
	free(first);
	free(second);
}

static void wrong_documents_name_the_place(void **state)
{
	static const struct {
		const char *text, *place;
	} wrong[] = {{"", "line"}, {"[]", "no object"},
		{"{\"process\":{\"args\":[1]}}", "process.args"},
		{"{\"process\":{\"cwd\":\"x\"}}", "process.cwd"},
		{"{\"hooks\":{\"prestart\":[1]}}", "hooks"}, {"{\"a\":1,\"a\":2}", "duplicate"},
		{"{\"ociVersion\":\"2.0\"}", "ociVersion"},
		{"{\"linux\":{\"resources\":{\"memory\":{\"limit\":-5}}}}",
			"linux.resources.memory.limit"},
		{"{\"linux\":{\"uidMappings\":[{\"containerID\":-1}]}}", "linux.uidMappings"},
		{"{\"process\":{\"capabilities\":{\"bounding\":[\"CAP_X\"]}}}", "bounding"},
		{"{\"mounts\":[{\"destination\":3}]}", "mounts"}};
	struct spec spec;
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(read_text(&spec, wrong[i].text));
		assert_non_null(strstr(error.what, wrong[i].place));
	}
}

static void relative_paths_start_at_the_bundle(void **state)
{
	struct spec spec;
	(void)state;
	assert_true(read_text(&spec, "{\"root\":{\"path\":\"rootfs\"}}"));
	assert_string_equal(spec.root.path, "/bundle/rootfs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(what_is_printed_reads_back),
		TEST(wrong_documents_name_the_place), TEST(relative_paths_start_at_the_bundle)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
