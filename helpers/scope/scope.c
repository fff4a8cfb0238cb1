/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scope.c - guscio-scope: asks the user's systemd for a scope with processes in it
 *
 * usage: guscio-scope SOCKET UNIT SLICE DESCRIPTION PID[,PID]... [PROPERTY=NUMBER]...
 *        guscio-scope --set SOCKET UNIT PROPERTY=NUMBER...
 *        guscio-scope --attach SOCKET UNIT SUBCGROUP PID
 *
 * One call, and then the manager's word that the job is done. Directly on the manager's own
 * socket: no message bus stands between, and none needs to run. On failure the reason is on
 * standard output and the status 1. It does not wait for a manager that hangs.
 */
#include <systemd/sd-bus.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIME_LIMIT_S 5

struct job {
	char path[256];
	bool is_over;
	bool is_done;
};

struct scope {
	const char *unit, *slice, *description;
	const char *pids;
	char **properties;
};

static int fail(const char *what, int error)
{
	printf("%s: %s\n", what, strerror(error < 0 ? -error : error));
	return 1;
}

static int job_removed(sd_bus_message *m, void *data, sd_bus_error *ignored)
{
	struct job *job = data;
	const char *path, *unit, *result;
	uint32_t id;
	(void)ignored;
	if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) < 0 ||
		strcmp(path, job->path))
		return 0;
	job->is_over = true;
	job->is_done = !strcmp(result, "done");
	return 0;
}

static int add_numbers(sd_bus_message *m, char **properties)
{
	int r = 0;
	for (; *properties && r >= 0; properties++) {
		char name[64];
		size_t len = strcspn(*properties, "=");
		if (!(*properties)[len] || len >= sizeof(name))
			return -EINVAL;
		memcpy(name, *properties, len);
		name[len] = '\0';
		r = sd_bus_message_append(
			m, "(sv)", name, "t", (uint64_t)strtoull(*properties + len + 1, NULL, 10));
	}
	return r;
}

static int add_pids(sd_bus_message *m, const char *pids)
{
	uint32_t list[8];
	size_t n = 0;
	for (char *end; *pids && n < sizeof(list) / sizeof(list[0]); pids = end + (*end == ',')) {
		list[n] = (uint32_t)strtoul(pids, &end, 10);
		if (end == pids || !list[n++])
			return -EINVAL;
	}
	int r = sd_bus_message_open_container(m, 'r', "sv");
	r = r < 0 ? r : sd_bus_message_append(m, "s", "PIDs");
	r = r < 0 ? r : sd_bus_message_open_container(m, 'v', "au");
	r = r < 0 ? r : sd_bus_message_append_array(m, 'u', list, n * sizeof(list[0]));
	r = r < 0 ? r : sd_bus_message_close_container(m);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int add_properties(sd_bus_message *m, const struct scope *scope)
{
	int r = sd_bus_message_open_container(m, 'a', "(sv)");
	r = r < 0 ? r : sd_bus_message_append(m, "(sv)", "Description", "s", scope->description);
	r = r < 0 ? r : add_pids(m, scope->pids);
	r = r < 0 ? r : sd_bus_message_append(m, "(sv)", "Delegate", "b", 1);
	/* Nothing stays in the manager's list of what failed. */
	r = r < 0 ? r : sd_bus_message_append(m, "(sv)", "CollectMode", "s", "inactive-or-failed");
	if (scope->slice[0])
		r = r < 0 ? r : sd_bus_message_append(m, "(sv)", "Slice", "s", scope->slice);
	r = r < 0 ? r : add_numbers(m, scope->properties);
	r = r < 0 ? r : sd_bus_message_close_container(m);
	return r < 0 ? r : sd_bus_message_append(m, "a(sa(sv))", 0);
}

static int call(sd_bus *bus, const struct scope *scope, struct job *job)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *m = NULL, *reply = NULL;
	const char *path;
	int r = sd_bus_message_new_method_call(bus, &m, "org.freedesktop.systemd1",
		"/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
		"StartTransientUnit");
	r = r < 0 ? r : sd_bus_message_append(m, "ss", scope->unit, "fail");
	r = r < 0 ? r : add_properties(m, scope);
	if (r < 0)
		return fail("cannot write the call", r);
	r = sd_bus_call(bus, m, TIME_LIMIT_S * 1000000ull, &error, &reply);
	if (r < 0) {
		if (error.message)
			printf("%s\n", error.message);
		return error.message ? 1 : fail("no answer", r);
	}
	if (sd_bus_message_read(reply, "o", &path) < 0 || strlen(path) >= sizeof(job->path))
		return fail("cannot read the answer", EPROTO);
	strcpy(job->path, path);
	return 0;
}

static int wait_for_job(sd_bus *bus, const struct job *job)
{
	while (!job->is_over) {
		int r = sd_bus_process(bus, NULL);
		if (r < 0)
			return fail("the manager went away", r);
		if (r == 0 && sd_bus_wait(bus, UINT64_MAX) < 0 && errno != EINTR)
			return fail("cannot wait for the manager", errno);
	}
	if (job->is_done)
		return 0;
	printf("its job for the scope failed\n");
	return 1;
}

static int connect_to(const char *socket, sd_bus **ret)
{
	char address[512];
	sd_bus *bus = NULL;
	if (snprintf(address, sizeof(address), "unix:path=%s", socket) >= (int)sizeof(address))
		return -ENAMETOOLONG;
	int r = sd_bus_new(&bus);
	r = r < 0 ? r : sd_bus_set_address(bus, address);
	r = r < 0 ? r : sd_bus_start(bus);
	*ret = bus;
	return r;
}

static int finish_call(sd_bus *bus, sd_bus_message *m, int written)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	if (written < 0)
		return fail("cannot write the call", written);
	int r = sd_bus_call(bus, m, TIME_LIMIT_S * 1000000ull, &error, NULL);
	if (r < 0 && error.message)
		printf("%s\n", error.message);
	return r >= 0 ? 0 : error.message ? 1 : fail("no answer", r);
}

static int new_call(sd_bus *bus, sd_bus_message **ret, const char *method)
{
	return sd_bus_message_new_method_call(bus, ret, "org.freedesktop.systemd1",
		"/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", method);
}

/* Other shares for a scope that is there, until it ends. */
static int set_properties(const char *socket, const char *unit, char **properties)
{
	sd_bus_message *m = NULL;
	sd_bus *bus;
	int r = connect_to(socket, &bus);
	if (r < 0)
		return fail("cannot connect to it", r);
	r = new_call(bus, &m, "SetUnitProperties");
	r = r < 0 ? r : sd_bus_message_append(m, "sb", unit, 1);
	r = r < 0 ? r : sd_bus_message_open_container(m, 'a', "(sv)");
	r = r < 0 ? r : add_numbers(m, properties);
	r = r < 0 ? r : sd_bus_message_close_container(m);
	return finish_call(bus, m, r);
}

/* A process from elsewhere, into a cgroup below the scope's. */
static int attach(const char *socket, const char *unit, const char *subcgroup, const char *pid)
{
	sd_bus_message *m = NULL;
	sd_bus *bus;
	int r = connect_to(socket, &bus);
	if (r < 0)
		return fail("cannot connect to it", r);
	r = new_call(bus, &m, "AttachProcessesToUnit");
	r = r < 0 ? r
		  : sd_bus_message_append(
			    m, "ssau", unit, subcgroup, 1, (uint32_t)strtoul(pid, NULL, 10));
	return finish_call(bus, m, r);
}

int main(int argc, char **argv)
{
	struct job job = {.is_over = false};
	sd_bus *bus;
	/* The connection too may hang: then this ends us, and our parent says so. */
	alarm(TIME_LIMIT_S);
	if (argc > 4 && !strcmp(argv[1], "--set"))
		return set_properties(argv[2], argv[3], argv + 4);
	if (argc == 6 && !strcmp(argv[1], "--attach"))
		return attach(argv[2], argv[3], argv[4], argv[5]);
	if (argc < 6)
		return fail("usage: guscio-scope SOCKET UNIT SLICE DESCRIPTION PIDS", EINVAL);
	struct scope scope = {.unit = argv[2],
		.slice = argv[3],
		.description = argv[4],
		.pids = argv[5],
		.properties = argv + 6};
	int r = connect_to(argv[1], &bus);
	if (r < 0)
		return fail("cannot connect to it", r);
	/* Asked for before the call: the job may be over before its path is here. */
	r = sd_bus_match_signal(bus, NULL, NULL, "/org/freedesktop/systemd1",
		"org.freedesktop.systemd1.Manager", "JobRemoved", job_removed, &job);
	if (r < 0)
		return fail("cannot listen to it", r);
	r = call(bus, &scope, &job);
	return r ? r : wait_for_job(bus, &job);
}
