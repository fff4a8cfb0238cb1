/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_plan.c - golden plans: a command line and a machine written by hand, to text
 *
 * Needs no privilege and starts nothing. GOLDEN_UPDATE=1 writes the files anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/own.h"
#include "cmd/commands.h"
#include "cmd/run_options.h"
#include "plan/plan.h"
#include "spec/document.h"

#include <fcntl.h>
#include <string.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct id_range range = {0, 100000, 65536};

static const struct host machine = {.uid = 1000,
	.gid = 1000,
	.kernel_major = 6,
	.kernel_minor = 18,
	.last_cap = 40,
	.has_tun = true,
	.user_name = "user",
	.user_home = "/home/user",
	.user_shell = "/bin/bash",
	.rung = MAP_HELPERS,
	.subuids = &range,
	.n_subuids = 1,
	.subgids = &range,
	.n_subgids = 1,
	.newuidmap = "/usr/bin/newuidmap",
	.newgidmap = "/usr/bin/newgidmap",
	.cgroups = {.version = CGROUPS_V2,
		.own = "/user.slice/user-1000.slice/session-1.scope",
		.manager = "/run/user/1000/systemd/private",
		.managed = "cpu memory pids",
		.cpus_online = "0-3",
		.nodes_online = "0"},
	.helper_dir = "/usr/libexec/guscio",
	.data_dir = "/home/user/.local/share/guscio",
	.cache_dir = "/home/user/.cache/guscio",
	.runtime_dir = "/run/user/1000/guscio"};

static const struct golden {
	const char *file;
	const char *words[16];
} goldens[] = {
	{"directory", {"/", "true", NULL}},
	{"host", {"@host", "sh", NULL}},
	{"keep-id", {"--userns=keep-id", "-t", "-i", "/", "sh", NULL}},
	{"single", {"--userns=single", "--no-init", "--security-opt", "seccomp=unconfined", "/",
			   "sh", NULL}},
	{"mounts", {"-v", "/tmp:/mnt:ro", "--tmpfs", "/t", "--overlay", "--read-only", "--device",
			   "/dev/null", "/", "sh", NULL}},
	{"host-namespaces", {"--net=host", "--pid=host", "--ipc=host", "--uts=host",
				    "--cgroupns=host", "/", "sh", NULL}},
	{"slirp", {"--network", "slirp:mtu=1500,cidr=192.168.7.0/28,host-loopback=true", "--ip6",
			  "fd00::7", "/", "sh", NULL}},
	{"join", {"--network", "container:other", "--overlay=kept", "/", "sh", NULL}},
	{"ports",
		{"-p", "8080:80", "-p", "127.0.0.1:5353:53/udp", "--fd", "443=3", "/", "sh", NULL}},
	{"ports-none", {"--network=none", "-p", "8080:80", "/", "sh", NULL}},
	{"nest", {"--nest", "--sysctl", "net.ipv4.ip_forward=1", "--ulimit", "nofile=9", "/", "sh",
			 NULL}},
	{"limits", {"--memory", "64m", "--cpus", "0.5", "--cpu-weight", "50", "--io-weight", "50",
			   "--oom-score-adj", "500", "--name", "web", "/", "sh", NULL}},
	{"system", {"--systemd=always", "--network", "none", "/", "/sbin/init", NULL}},
};

static char *make_text(const struct golden *golden, struct invocation *to)
{
	static char *const no_environment[] = {NULL};
	static struct notes notes;
	struct err e = ERR_INIT;
	struct plan plan;
	bool wants_help;
	int argc = 0;
	while (golden->words[argc])
		argc++;
	notes = (struct notes){0};
	*to = (struct invocation){.notes = &notes, .environment = no_environment};
	assert_true(arena_init(&to->arena, &e));
	assert_true(
		invocation_read(to, &command_run, argc, (char **)golden->words, &wants_help, &e));
	to->spec.id = ID;
	assert_true(spec_settle_system(&to->spec, &e));
	assert_true(spec_freeze(&to->spec, &notes, &e));
	assert_true(plan_build(&to->spec, &machine, &plan, &notes, &e));
	return (char *)plan_explain(&plan);
}

static void plans_are_as_they_were(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
		struct invocation to;
		struct err e = ERR_INIT;
		char path[512];
		snprintf(path, sizeof(path), "%s/%s.golden", GOLDEN, goldens[i].file);
		const char *text = make_text(&goldens[i], &to);
		if (getenv("GOLDEN_UPDATE")) {
			FILE *f = fopen(path, "we");
			assert_non_null(f);
			fputs(text, f);
			fclose(f);
		}
		const char *golden = arena_read_file(&to.arena, AT_FDCWD, path, NULL, &e);
		assert_non_null(golden);
		assert_string_equal(text, golden);
		arena_done(&to.arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(plans_are_as_they_were)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
