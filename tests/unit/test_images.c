/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/own.h"
#include "store/image.h"
#include "store/local.h"
#include "store/reference.h"
#include "store/sum.h"

#include <string.h>

#define HEX "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void names_by_dockers_rules(void **state)
{
	static const char *const good[][2] = {{"alpine", "docker.io/library/alpine:latest"},
		{"alpine:3", "docker.io/library/alpine:3"}, {"me/x", "docker.io/me/x:latest"},
		{"localhost/x", "localhost/x:latest"}, {"host:5000/a/b:t", "host:5000/a/b:t"},
		{"index.docker.io/x", "docker.io/library/x:latest"},
		{"docker://example.org/x", "example.org/x:latest"},
		{"example.org/a.b_c--d/e__f:T_1.2-3", "example.org/a.b_c--d/e__f:T_1.2-3"},
		{"[::1]:5000/x", "[::1]:5000/x:latest"}, {"UPPER/x", "UPPER/x:latest"},
		{"x:t@sha256:" HEX, "docker.io/library/x@sha256:" HEX}};
	static const char *const bad[] = {"", "/", "x/", "/x", "x:", "X", "a//b", "a..b", "a___b",
		"x:-t", "x@sha256:12", "x@md5:aaaaaaaa", "-h.org/x", "h.org:99999/x", "x y",
		"x:t:t", "a-", "_a", "h.org/\xc3\xa4", "../x"};
	struct reference r;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(reference_parse(&arena, good[i][0], &r, &error));
		assert_string_equal(r.name, good[i][1]);
		struct reference again;
		assert_true(reference_parse(&arena, r.name, &again, &error));
		assert_string_equal(again.name, r.name);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(reference_parse(&arena, bad[i], &r, &error));
	char *long_one = arena_alloc(&arena, 300);
	memset(long_one, 'a', 299);
	assert_false(reference_parse(&arena, long_one, &r, &error));
}

static bool parse(const char *text, struct manifest *ret)
{
	error = (struct err)ERR_INIT;
	return manifest_parse(&arena, text, strlen(text), NULL, ret, &error);
}

#define BLOB  "\"digest\":\"sha256:" HEX "\",\"size\":7"
#define LAYER "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\"," BLOB "}"

static void manifests_are_checked_once(void **state)
{
	struct manifest m;
	(void)state;
	assert_true(
		parse("{\"schemaVersion\":2,\"config\":{" BLOB "},\"layers\":[" LAYER "]}", &m));
	assert_int_equal(m.n_layers, 1);
	assert_int_equal(m.layers[0].size, 7);
	assert_string_equal(m.media_type, "application/vnd.oci.image.manifest.v1+json");
	assert_false(parse("[]", &m));
	assert_false(parse("{\"schemaVersion\":1}", &m));
	assert_false(parse("{\"config\":{" BLOB "}}", &m));
	assert_false(parse("{\"config\":{\"digest\":\"sha256:x\",\"size\":1},\"layers\":[]}", &m));
	assert_false(parse(
		"{\"config\":{\"digest\":\"sha256:" HEX "\",\"size\":-1},\"layers\":[]}", &m));
	assert_false(parse("{\"config\":{" BLOB "},\"layers\":[{" BLOB "}]}", &m));
	assert_false(parse("{\"mediaType\":\"x\",\"config\":{" BLOB "},\"layers\":[]}", &m));
	assert_false(parse("{\"config\":{" BLOB "},\"config\":{" BLOB "},\"layers\":[]}", &m));
}

static void an_index_is_chosen_from(void **state)
{
	static const char text[] =
		"{\"schemaVersion\":2,\"manifests\":["
		"{" BLOB
		",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\"}},"
		"{\"digest\":\"sha256:" HEX "\",\"size\":8,\"platform\":{\"os\":\"linux\","
		"\"architecture\":\"arm64\",\"variant\":\"v8\"}}]}";
	struct manifest m;
	struct platform p;
	(void)state;
	assert_true(parse(text, &m));
	assert_true(m.is_index);
	assert_true(platform_parse(&arena, "linux/arm64", &p, &error));
	assert_int_equal(manifest_choose(&arena, &m, &p, &error)->descriptor.size, 8);
	assert_true(platform_parse(&arena, "linux/arm/v7", &p, &error));
	assert_int_equal(manifest_choose(&arena, &m, &p, &error)->descriptor.size, 7);
	assert_true(platform_parse(&arena, "linux/arm/v6", &p, &error));
	assert_null(manifest_choose(&arena, &m, &p, &error));
	assert_non_null(strstr(error.hint, "linux/arm/v7"));
	assert_false(platform_parse(&arena, "linux/", &p, &error));
	assert_false(platform_parse(&arena, "a/b/c/d", &p, &error));
}

static void configs_have_types(void **state)
{
	static const char good[] =
		"{\"os\":\"linux\",\"rootfs\":{\"diff_ids\":[\"sha256:" HEX
		"\"]},\"config\":{\"Env\":"
		"[\"A=b\"],\"Volumes\":{\"/v\":{}},\"Labels\":{\"k\":\"v\",\"n\":1},\"Cmd\":null}}";
	static const char bad_id[] = "{\"rootfs\":{\"diff_ids\":[\"../../x\"]}}";
	static const char bad_env[] = "{\"config\":{\"Env\":[7]}}";
	struct image_config c;
	(void)state;
	assert_true(image_config_parse(&arena, good, strlen(good), &c, &error));
	assert_int_equal(c.diff_ids.n, 1);
	assert_string_equal(c.env.v[0], "A=b");
	assert_string_equal(c.volumes.v[0], "/v");
	assert_int_equal(c.labels.n, 1);
	assert_int_equal(c.cmd.n, 0);
	assert_string_equal(c.user, "");
	assert_false(image_config_parse(&arena, bad_id, strlen(bad_id), &c, &error));
	assert_false(image_config_parse(&arena, bad_env, strlen(bad_env), &c, &error));
}

static void sums_are_sha256(void **state)
{
	char sum[SUM_SIZE];
	(void)state;
	sum_of("abc", 3, sum);
	assert_string_equal(
		sum, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void network_file_systems_are_known(void **state)
{
	(void)state;
	assert_true(local_is_network(0x6969));
	assert_true(local_is_network(0x0bd00bd0));
	assert_true(local_is_network((int)0xff534d42));
	assert_false(local_is_network(0xef53));
	assert_false(local_is_network(0x01021994));
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(names_by_dockers_rules),
		TEST(manifests_are_checked_once), TEST(an_index_is_chosen_from),
		TEST(configs_have_types), TEST(sums_are_sha256),
		TEST(network_file_systems_are_known)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
