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
#include "scope/bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIME_LIMIT_S 5
#define PIDS_MAX     8

/* A quarter of a megabyte: of it only what is used becomes memory. */
static struct bus bus;

struct scope {
	const char *unit, *slice, *description;
	const char *pids;
	char **properties;
};

static int fail(const char *what, int error)
{
	printf("%s: %s\n", what, strerror(error));
	return 1;
}

static bool add_numbers(struct bus_call *call, char **properties)
{
	for (; *properties; properties++) {
		char name[64];
		size_t len = strcspn(*properties, "=");
		if (!(*properties)[len] || len >= sizeof(name))
			return false;
		memcpy(name, *properties, len);
		name[len] = '\0';
		bus_begin_struct(call);
		bus_add_text(call, name);
		bus_add_signature(call, "t");
		bus_add_u64(call, strtoull(*properties + len + 1, NULL, 10));
	}
	return true;
}

static void add_text(struct bus_call *call, const char *name, const char *text)
{
	bus_begin_struct(call);
	bus_add_text(call, name);
	bus_add_signature(call, "s");
	bus_add_text(call, text);
}

/* A text of D-Bus is UTF-8, or the manager hangs up: a program's name may be any bytes. */
static void add_description(struct bus_call *call, const char *text)
{
	char plain[256];
	size_t n = 0;
	for (; text[n] && n < sizeof(plain) - 1; n++)
		plain[n] = text[n] >= ' ' && text[n] < 0x7f ? text[n] : '?';
	plain[n] = '\0';
	add_text(call, "Description", plain);
}

static bool add_pids(struct bus_call *call, const char *pids)
{
	char *end;
	size_t n = 0;
	bus_begin_struct(call);
	bus_add_text(call, "PIDs");
	bus_add_signature(call, "au");
	size_t array = bus_begin_array(call, 4);
	for (; *pids; pids = end + (*end == ',')) {
		unsigned long pid = strtoul(pids, &end, 10);
		if (end == pids || !pid || pid > INT32_MAX || n++ == PIDS_MAX)
			return false;
		bus_add_u32(call, (uint32_t)pid);
	}
	bus_end_array(call, array, 4);
	return n > 0;
}

static bool write_start(struct bus_call *call, const struct scope *scope)
{
	bus_begin(call, "StartTransientUnit", "ssa(sv)a(sa(sv))");
	bus_add_text(call, scope->unit);
	bus_add_text(call, "fail");
	size_t properties = bus_begin_array(call, 8);
	add_description(call, scope->description);
	/* Nothing stays in the manager's list of what failed. */
	add_text(call, "CollectMode", "inactive-or-failed");
	if (scope->slice[0])
		add_text(call, "Slice", scope->slice);
	bus_begin_struct(call);
	bus_add_text(call, "Delegate");
	bus_add_signature(call, "b");
	bus_add_u32(call, 1);
	if (!add_pids(call, scope->pids) || !add_numbers(call, scope->properties))
		return false;
	bus_end_array(call, properties, 8);
	size_t others = bus_begin_array(call, 8);
	bus_end_array(call, others, 8);
	return bus_end(call);
}

/* The answer to our call; what else comes before it is passed over. */
static int await_answer(struct bus_message *ret)
{
	do {
		int error = bus_receive(&bus, ret);
		if (error)
			return fail("no answer", error);
	} while (ret->type != BUS_RETURN && ret->type != BUS_ERROR);
	if (ret->type == BUS_RETURN)
		return 0;
	printf("%s\n", ret->n_words ? ret->words[0] : "it refused");
	return 1;
}

/* One job has this unit, and the manager says what became of it: number, job, unit, result. */
static int wait_for_job(const char *unit, const char *job)
{
	struct bus_message m;
	do {
		int error = bus_receive(&bus, &m);
		if (error)
			return fail("the manager went away", error);
	} while (m.type != BUS_SIGNAL || strcmp(m.member, "JobRemoved") != 0 || m.n_words != 3 ||
		 strcmp(m.words[0], job) != 0 || strcmp(m.words[1], unit) != 0);
	if (!strcmp(m.words[2], "done"))
		return 0;
	printf("its job for the scope failed\n");
	return 1;
}

static int send_call(const char *socket, const struct bus_call *call)
{
	int error = bus_send(&bus, socket, call);
	return error ? fail("cannot connect to it", error) : 0;
}

static int start_scope(const char *socket, const struct scope *scope)
{
	struct bus_call call;
	struct bus_message answer;
	char job[256];
	if (!write_start(&call, scope))
		return fail("cannot write the call", EINVAL);
	if (send_call(socket, &call) || await_answer(&answer))
		return 1;
	if (answer.n_words != 1 || strlen(answer.words[0]) >= sizeof(job))
		return fail("cannot read the answer", EPROTO);
	/* It lies in the input, which the next message takes. */
	strcpy(job, answer.words[0]);
	return wait_for_job(scope->unit, job);
}

static int finish_call(const char *socket, struct bus_call *call, bool is_written)
{
	struct bus_message answer;
	if (!is_written || !bus_end(call))
		return fail("cannot write the call", EINVAL);
	return send_call(socket, call) || await_answer(&answer);
}

/* Other shares for a scope that is there, until it ends. */
static int set_properties(const char *socket, const char *unit, char **properties)
{
	struct bus_call call;
	bus_begin(&call, "SetUnitProperties", "sba(sv)");
	bus_add_text(&call, unit);
	bus_add_u32(&call, 1);
	size_t array = bus_begin_array(&call, 8);
	bool is_written = add_numbers(&call, properties);
	bus_end_array(&call, array, 8);
	return finish_call(socket, &call, is_written);
}

/* A process from elsewhere, into a cgroup below the scope's. */
static int attach(const char *socket, const char *unit, const char *subcgroup, const char *pid)
{
	struct bus_call call;
	bus_begin(&call, "AttachProcessesToUnit", "ssau");
	bus_add_text(&call, unit);
	bus_add_text(&call, subcgroup);
	size_t array = bus_begin_array(&call, 4);
	bus_add_u32(&call, (uint32_t)strtoul(pid, NULL, 10));
	bus_end_array(&call, array, 4);
	return finish_call(socket, &call, true);
}

int main(int argc, char **argv)
{
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
	return start_scope(argv[1], &scope);
}
