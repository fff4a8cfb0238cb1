/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c - what containers use, from the files of their cgroups */
#include "base/own.h"
#include "cmd/cgroup_command.h"
#include "cmd/table.h"
#include "sys/cgroup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INTERVAL_MS 1000
#define UNKNOWN	    UINT64_MAX

struct usage {
	uint64_t cpu_us, at_us;
	uint64_t memory, memory_max, pids;
	uint64_t read, written; /* of disks */
	uint64_t received, sent;
	double cpu_pressure, memory_pressure, io_pressure; /* "some", percent of ten seconds */
};

static uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* "8:0 rbytes=1 wbytes=2 …", a line a disk. */
static uint64_t sum_io(int fd, const char *key)
{
	char text[8192];
	uint64_t sum = 0;
	if (!cgroup_read(fd, "io.stat", text, sizeof(text)))
		return UNKNOWN;
	for (const char *p = text; (p = strstr(p, key)); p += strlen(key))
		sum += strtoull(p + strlen(key), NULL, 10);
	return sum;
}

static double pressure(int fd, const char *file)
{
	char text[512];
	double value = -1;
	if (cgroup_read(fd, file, text, sizeof(text)))
		sscanf(text, "some avg10=%lf", &value);
	return value;
}

/* All devices but loopback, as its own network namespace counts. */
static void count_network(pid_t pid, struct usage *u)
{
	char path[64], line[512];
	snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)pid);
	CLEAN(clean_file) FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		unsigned long long received, sent;
		char *colon = strchr(line, ':');
		if (!colon || strstr(line, " lo:"))
			continue;
		if (sscanf(colon + 1, "%llu %*u %*u %*u %*u %*u %*u %*u %llu", &received, &sent) ==
			2) {
			u->received += received;
			u->sent += sent;
		}
	}
}

static bool measure(const struct running *one, struct usage *ret)
{
	CLEAN(clean_fd) int fd = -1;
	struct err ignored;
	*ret = (struct usage){.at_us = now_us()};
	if (!cgroup_open(one->cgroup, &fd, &ignored))
		return false;
	ret->cpu_us = cgroup_count(fd, "cpu.stat", "usage_usec");
	ret->memory = cgroup_number(fd, "memory.current", UNKNOWN);
	ret->memory_max = cgroup_number(fd, "memory.max",
		(uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE));
	ret->pids = cgroup_number(fd, "pids.current", UNKNOWN);
	ret->read = sum_io(fd, "rbytes=");
	ret->written = sum_io(fd, "wbytes=");
	ret->cpu_pressure = pressure(fd, "cpu.pressure");
	ret->memory_pressure = pressure(fd, "memory.pressure");
	ret->io_pressure = pressure(fd, "io.pressure");
	count_network(one->pid, ret);
	return true;
}

static const char *size_text(struct arena *a, uint64_t bytes, bool is_binary)
{
	static const char *const binary[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	static const char *const decimal[] = {"B", "kB", "MB", "GB", "TB"};
	double value = (double)bytes, step = is_binary ? 1024 : 1000;
	size_t unit = 0;
	if (bytes == UNKNOWN)
		return "--";
	for (; value >= step && unit < 4; unit++)
		value /= step;
	return arena_printf(
		a, unit ? "%.4g%s" : "%.0f%s", value, is_binary ? binary[unit] : decimal[unit]);
}

static const char *percent_text(struct arena *a, double percent)
{
	return percent < 0 ? "--" : arena_printf(a, "%.2f%%", percent);
}

static const char *pressure_text(struct arena *a, const struct usage *u)
{
	/* A kernel without it, or with it switched off. */
	if (u->cpu_pressure < 0)
		return "--";
	return arena_printf(
		a, "%.1f / %.1f / %.1f", u->cpu_pressure, u->memory_pressure, u->io_pressure);
}

static void set_number(json_t *row, const char *key, uint64_t value)
{
	json_object_set_new(
		row, key, value == UNKNOWN ? json_null() : json_integer((json_int_t)value));
}

static json_t *row_of(const struct running *one, const struct usage *before, const struct usage *u,
	struct arena *a)
{
	uint64_t elapsed = u->at_us - before->at_us;
	double cpu = elapsed ? 100.0 * (double)(u->cpu_us - before->cpu_us) / (double)elapsed : 0;
	double memory = u->memory == UNKNOWN || !u->memory_max
				? -1
				: 100.0 * (double)u->memory / (double)u->memory_max;
	json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "ID",
		arena_strndup(a, one->id, 12), "Name", one->name, "CPUPerc", percent_text(a, cpu),
		"MemUsage",
		arena_printf(a, "%s / %s", size_text(a, u->memory, true),
			size_text(a, u->memory_max, true)),
		"MemPerc", percent_text(a, memory), "NetIO",
		arena_printf(a, "%s / %s", size_text(a, u->received, false),
			size_text(a, u->sent, false)),
		"BlockIO",
		arena_printf(a, "%s / %s", size_text(a, u->read, false),
			size_text(a, u->written, false)),
		"PIDs",
		u->pids == UNKNOWN ? "--" : arena_printf(a, "%llu", (unsigned long long)u->pids),
		"Pressure", pressure_text(a, u));
	set_number(row, "CPUMicroseconds", u->cpu_us);
	set_number(row, "MemoryBytes", u->memory);
	set_number(row, "MemoryLimitBytes", u->memory_max);
	set_number(row, "ReadBytes", u->read);
	set_number(row, "WrittenBytes", u->written);
	set_number(row, "ReceivedBytes", u->received);
	set_number(row, "SentBytes", u->sent);
	return row;
}

static const struct column columns[] = {{"CONTAINER ID", "ID"}, {"NAME", "Name"},
	{"CPU %", "CPUPerc"}, {"MEM USAGE / LIMIT", "MemUsage"}, {"MEM %", "MemPerc"},
	{"NET I/O", "NetIO"}, {"BLOCK I/O", "BlockIO"}, {"PIDS", "PIDs"},
	{"PRESSURE CPU/MEM/IO", "Pressure"}, {0}};

static bool choose(struct container_command *c, struct running **ret, size_t *ret_n, struct err *e)
{
	size_t without = 0, n = 0;
	if (!c->argc) {
		if (!running_get_all(c, ret, ret_n, &without, e))
			return false;
		if (without)
			notes_add(c->to.notes,
				"%zu more run%s without a cgroup: start with a limit or "
				"--cgroups=enabled",
				without, without == 1 ? "s" : "");
		return true;
	}
	struct running *all = arena_array(&c->to.arena, (size_t)c->argc, sizeof(*all));
	for (; n < (size_t)c->argc; n++) {
		CLEAN(clean_fd) int fd = -1;
		if (!running_get(c, c->argv[n], &all[n], &fd, e))
			return false;
	}
	*ret = all;
	*ret_n = n;
	return true;
}

static bool print_once(struct container_command *c, const struct running *all, struct usage *before,
	size_t n, bool clears, struct err *e)
{
	json_t *rows = json_array();
	struct arena page = {0};
	if (!arena_init(&page, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct usage now;
		if (!measure(&all[i], &now))
			continue;
		json_array_append_new(rows, row_of(&all[i], &before[i], &now, &page));
		before[i] = now;
	}
	bool ok = (!clears || print_out("\033[H\033[J", e)) &&
		  table_print(rows, columns, c->to.format, false, &page, e);
	json_decref(rows);
	arena_done(&page);
	return ok;
}

static bool is_any_left(const struct running *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEAN(clean_fd) int fd = -1;
		struct err ignored;
		if (cgroup_open(all[i].cgroup, &fd, &ignored))
			return true;
	}
	return false;
}

static bool stats(struct container_command *c, struct err *e)
{
	struct timespec interval = {INTERVAL_MS / 1000, 0};
	struct running *all = NULL;
	size_t n = 0;
	bool on_terminal = isatty(STDOUT_FILENO) && !c->to.format && !c->to.is_once;
	if (!choose(c, &all, &n, e))
		return false;
	print_notes(c->to.notes);
	struct usage *before = arena_array(&c->to.arena, n + 1, sizeof(*before));
	for (size_t i = 0; i < n; i++)
		measure(&all[i], &before[i]);
	do {
		nanosleep(&interval, NULL);
		if (!print_once(c, all, before, n, on_terminal, e))
			return false;
	} while (!c->to.is_once && is_any_left(all, n));
	return true;
}

static int run_stats(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 0, -1, ARGUMENTS_MIXED, stats, e);
}

static bool set_stream(struct invocation *to, const char *value, struct err *e)
{
	bool no_stream;
	if (!option_bool(value, "no-stream", &no_stream, e))
		return false;
	to->is_once = no_stream;
	return true;
}

static const struct option_def stats_options[] = {
	{"format", 0, "FORMAT", "json, or a template as {{.Name}}", set_format},
	{"no-stream", 0, NULL, "print once, after a second of measuring", set_stream}, {0}};

const struct command command_stats = {.name = "stats",
	.arguments = "[OPTIONS] [CONTAINER...]",
	.summary = "Show what containers use: processor, memory, disks, network",
	.details = "\nOf all that run, or of those named, anew each second. A container needs a "
		   "cgroup "
		   "for it:\n"
		   "one with a limit has it, others with --cgroups=enabled.\n",
	.options = stats_options,
	.run = run_stats};
