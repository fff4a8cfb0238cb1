/* SPDX-License-Identifier: Apache-2.0 */
/* top.c - the processes of a container, as the host sees them */
#include "base/own.h"
#include "cmd/container_command.h"
#include "cmd/table.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct process {
	char user[16], pid[16], ppid[16], cpu[8], start[24], tty[8], time[16], command[512];
};

static bool read_file(const char *path, char *buf, size_t size, size_t *ret_n)
{
	CLEAN(clean_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);
	buf[n > 0 ? n : 0] = '\0';
	*ret_n = n > 0 ? (size_t)n : 0;
	return n >= 0;
}

/* Its words, or its name where it has none. */
static void read_command(pid_t pid, const char *name, char *buf, size_t size)
{
	char path[64];
	size_t n;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	if (!read_file(path, buf, size, &n) || !n) {
		snprintf(buf, size, "[%s]", name);
		return;
	}
	while (n > 0 && !buf[n - 1])
		n--;
	for (size_t i = 0; i < n; i++)
		if (!buf[i])
			buf[i] = ' ';
	buf[n] = '\0';
}

static void format_start(unsigned long long ticks, time_t boot, char *buf, size_t size)
{
	time_t start = boot + (time_t)(ticks / (unsigned long long)sysconf(_SC_CLK_TCK));
	struct tm tm;
	localtime_r(&start, &tm);
	strftime(buf, size, time(NULL) - start > 86400 ? "%b%d" : "%H:%M", &tm);
}

static bool read_process(pid_t pid, time_t boot, struct process *ret)
{
	char path[64], text[1024], name[64] = "";
	unsigned long user = 0, system = 0;
	unsigned long long start = 0;
	int ppid = 0, tty = 0;
	struct stat st;
	size_t n;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!read_file(path, text, sizeof(text), &n) || !n || stat(path, &st) < 0)
		return false;
	char *open = strchr(text, '('), *close = strrchr(text, ')');
	if (!open || !close)
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(close - open - 1), open + 1);
	if (sscanf(close + 2,
		    "%*c %d %*d %*d %d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d "
		    "%llu",
		    &ppid, &tty, &user, &system, &start) != 5)
		return false;
	unsigned long seconds = (user + system) / (unsigned long)sysconf(_SC_CLK_TCK);
	double alive = difftime(time(NULL), boot) - (double)start / (double)sysconf(_SC_CLK_TCK);
	snprintf(ret->user, sizeof(ret->user), "%u", st.st_uid);
	snprintf(ret->pid, sizeof(ret->pid), "%d", (int)pid);
	snprintf(ret->ppid, sizeof(ret->ppid), "%d", ppid);
	snprintf(ret->cpu, sizeof(ret->cpu), "%u",
		alive > 0 ? (unsigned)(100.0 * (double)seconds / alive) % 10000 : 0);
	format_start(start, boot, ret->start, sizeof(ret->start));
	if (tty)
		snprintf(ret->tty, sizeof(ret->tty), "pts/%d", (tty & 0xff) % 100);
	else
		snprintf(ret->tty, sizeof(ret->tty), "?");
	snprintf(ret->time, sizeof(ret->time), "%02lu:%02lu:%02lu", seconds / 3600 % 1000,
		seconds / 60 % 60, seconds % 60);
	read_command(pid, name, ret->command, sizeof(ret->command));
	return true;
}

static time_t boot_time(void)
{
	struct timespec up, now;
	clock_gettime(CLOCK_BOOTTIME, &up);
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec - up.tv_sec;
}

/* Whoever is in the pid namespace of the container's first process. */
static bool is_inside(pid_t pid, const struct stat *ns)
{
	char path[64];
	struct stat st;
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	return stat(path, &st) == 0 && st.st_ino == ns->st_ino && st.st_dev == ns->st_dev;
}

static json_t *list_processes(const struct container *record)
{
	json_t *rows = json_array();
	CLEAN(clean_dir) DIR *dir = opendir("/proc");
	struct dirent *entry;
	struct stat ns;
	char path[64];
	time_t boot = boot_time();
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)record->first.pid);
	if (stat(path, &ns) < 0)
		return rows;
	while (dir && (entry = readdir(dir))) {
		struct process p = {0};
		pid_t pid = atoi(entry->d_name);
		if (pid <= 0 || !is_inside(pid, &ns) || !read_process(pid, boot, &p))
			continue;
		json_t *command = json_string(p.command);
		json_array_append_new(rows,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "UID", p.user, "PID",
				p.pid, "PPID", p.ppid, "C", p.cpu, "STIME", p.start, "TTY", p.tty,
				"TIME", p.time, "CMD", command ? command : json_string("?")));
	}
	return rows;
}

static const struct column columns[] = {{"UID", "UID"}, {"PID", "PID"}, {"PPID", "PPID"},
	{"C", "C"}, {"STIME", "STIME"}, {"TTY", "TTY"}, {"TIME", "TIME"}, {"CMD", "CMD"}, {0}};

static bool top(struct container_command *c, struct err *e)
{
	struct container record;
	if (!container_get(c, c->argv[0], &record, e))
		return false;
	if (!live_process_is_there(&record.first, record.boot_id))
		return err_what(e, ERR_STATE, "container '%s' does not run", c->argv[0]);
	json_t *rows = list_processes(&record);
	bool ok = table_print(rows, columns, c->to.format, false, &c->to.arena, e);
	json_decref(rows);
	return ok;
}

static int run_top(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 1, 1, ARGUMENTS_MIXED, top, e);
}

static const struct option_def top_options[] = {
	{"format", 0, "FORMAT", "json, or a template as {{.PID}}", set_format}, {0}};

const struct command command_top = {.name = "top",
	.arguments = "[OPTIONS] CONTAINER",
	.summary = "Show the processes of a container",
	.details = "",
	.options = top_options,
	.run = run_top};
