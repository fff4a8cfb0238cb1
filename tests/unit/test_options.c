/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/capability_set.h"
#include "spec/document.h"
#include "spec/options.h"
#include "spec/secret_text.h"

#include <string.h>

static struct spec spec;
static struct notes notes;
static char *const environment[] = {"HERE=yes", "HEREAFTER=no", NULL};

static int spec_setup(void **state)
{
	arena_setup(state);
	notes = (struct notes){0};
	spec_init(&spec, &arena);
	spec.id = "0123456789abcdef";
	return 0;
}

static void environment_variables(void **state)
{
	(void)state;
	assert_true(spec_add_env(&spec, "A=b=c", environment, &error));
	assert_string_equal(strv_env(&spec.process.env, "A"), "b=c");
	assert_true(spec_add_env(&spec, "HERE", environment, &error));
	assert_string_equal(strv_env(&spec.process.env, "HERE"), "yes");
	assert_true(spec_add_env(&spec, "NOWHERE", environment, &error));
	assert_null(strv_env(&spec.process.env, "NOWHERE"));
	assert_false(spec_add_env(&spec, "=x", environment, &error));
	assert_true(spec_add_env_file(&spec, "# c\n\n X=1\nHERE\n", "f", environment, &error));
	assert_string_equal(strv_env(&spec.process.env, "X"), "1");
	assert_false(spec_add_env_file(&spec, "a b=1", "f", environment, &error));
	assert_non_null(strstr(error.what, "line 1"));
}

static void limits(void **state)
{
	(void)state;
	assert_true(spec_add_ulimit(&spec, "nofile=20", &error));
	assert_int_equal(spec.process.rlimits[0].limit.rlim_max, 20);
	assert_true(spec_add_ulimit(&spec, "core=0:-1", &error));
	assert_true(spec.process.rlimits[1].limit.rlim_max == RLIM_INFINITY);
	assert_false(spec_add_ulimit(&spec, "nofile=5:4", &error));
	assert_false(spec_add_ulimit(&spec, "nofiles=5", &error));
	assert_non_null(strstr(error.hint, "nofile"));
	assert_false(spec_add_ulimit(&spec, "nofile", &error));
}

static void secrets_as_podman_writes_them(void **state)
{
	static const char *const bad[] = {"", "a b", "pw,type=x", "pw,mode=8", "pw,mode=1777",
		"pw,uid=-1", "pw,type=env,uid=1", "pw,type=env,target=A=b", "pw,target=/",
		"pw,target=a/", "type=env", "pw,mount", "/etc/passwd"};
	(void)state;
	assert_true(spec_add_secret(&spec, "pw", &error));
	assert_string_equal(spec.secrets[0].target, "/run/secrets/pw");
	assert_int_equal(spec.secrets[0].mode, 0444);
	assert_true(spec_add_secret(&spec, "source=pw,target=../a,uid=7,mode=600", &error));
	assert_string_equal(secret_to_text(&spec.secrets[1], &arena),
		"pw,type=mount,target=/run/a,uid=7,gid=0,mode=0600");
	assert_true(spec_add_secret(&spec, "pw,type=env", &error));
	assert_string_equal(secret_to_text(&spec.secrets[2], &arena), "pw,type=env,target=pw");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(spec_add_secret(&spec, bad[i], &error));
}

static void sysctls_belong_to_namespaces(void **state)
{
	(void)state;
	assert_true(spec_add_sysctl(&spec, "net.ipv4.ip_forward=1", &error));
	assert_true(spec_freeze(&spec, &notes, &error));
	spec.namespaces[NS_NET].mode = NS_HOST;
	assert_false(spec_freeze(&spec, &notes, &error));
	spec.n_sysctls = 0;
	assert_true(spec_add_sysctl(&spec, "kernel.msgmax_more=1", &error));
	assert_false(spec_freeze(&spec, &notes, &error));
	assert_false(spec_add_sysctl(&spec, "a..b=1", &error));
	assert_false(spec_add_sysctl(&spec, "noequals", &error));
}

static void devices(void **state)
{
	(void)state;
	assert_true(spec_add_device(&spec, "/dev/fuse", &error));
	assert_true(spec_add_device(&spec, "/dev/a:/dev/b:rwm", &error));
	assert_string_equal(spec.devices[1].destination, "/dev/b");
	assert_false(spec_add_device(&spec, "/dev/a:r", &error));
	assert_false(spec_add_device(&spec, "/dev/a:/etc/b", &error));
	assert_false(spec_add_device(&spec, "/dev/a:/dev/../etc", &error));
}

static void capabilities(void **state)
{
	(void)state;
	assert_true(spec_change_caps(&spec, false, "ALL", &error));
	assert_int_equal(spec.process.caps.bounding, 0);
	assert_true(spec_change_caps(&spec, true, "cap_net_admin", &error));
	assert_int_equal(spec.process.caps.bounding, CAPS_BIT(CAP_NET_ADMIN));
	assert_false(spec_change_caps(&spec, true, "nothing", &error));
}

static void masks(void **state)
{
	size_t before = spec.masked_paths.n;
	(void)state;
	assert_true(spec_unmask(&spec, "/proc/keys:/proc/bus/", &error));
	assert_int_equal(spec.masked_paths.n, before - 1);
	assert_false(strv_has(&spec.readonly_paths, "/proc/bus"));
	assert_true(spec_mask(&spec, "/etc/x", &error));
	assert_true(spec_unmask(&spec, "ALL", &error));
	assert_int_equal(spec.masked_paths.n + spec.readonly_paths.n, 0);
	assert_false(spec_mask(&spec, "relative", &error));
}

static void id_ranges_and_signals(void **state)
{
	struct id_map map = {0};
	(void)state;
	assert_true(spec_add_id_range(&spec, &map, "0:1000", &error));
	assert_true(spec_add_id_range(&spec, &map, "1:@100000:65536", &error));
	assert_int_equal(map.v[1].count, 65536);
	static const char *const wrong[] = {
		"", "0", "0:1:0", "a:1", "0:1:2:3", "0::1", "0:4294967295"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(spec_add_id_range(&spec, &map, wrong[i], &error));
	assert_true(spec_set_stop_signal(&spec, "sigint", &error));
	assert_int_equal(spec.stop_signal, SIGINT);
	assert_true(spec_set_stop_signal(&spec, "RTMIN+3", &error));
	assert_int_equal(spec.stop_signal, SIGRTMIN + 3);
	assert_false(spec_set_stop_signal(&spec, "SIGNOTHING", &error));
}

static void joining_brings_the_user_namespace(void **state)
{
	(void)state;
	assert_true(spec_set_namespace(&spec, NS_NET, "network", "container:x", &error));
	assert_true(spec_freeze(&spec, &notes, &error));
	assert_int_equal(spec.userns, USERNS_JOIN);
	assert_string_equal(spec.namespaces[NS_USER].from, "x");
	assert_false(spec_set_namespace(&spec, NS_NET, "network", "bridge", &error));
	assert_false(spec_set_namespace(&spec, NS_USER, "userns", "host", &error));
}

#define SPEC_TEST(name) cmocka_unit_test_setup_teardown(name, spec_setup, arena_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {SPEC_TEST(environment_variables), SPEC_TEST(limits),
		SPEC_TEST(secrets_as_podman_writes_them), SPEC_TEST(sysctls_belong_to_namespaces),
		SPEC_TEST(devices), SPEC_TEST(capabilities), SPEC_TEST(masks),
		SPEC_TEST(id_ranges_and_signals), SPEC_TEST(joining_brings_the_user_namespace)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
