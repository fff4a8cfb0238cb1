/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/logs_journal.h"
#include "base/own.h"
#include "base/text.h"
#include "sys/spawn.h"
#include "wire/control.h"

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <string.h>
#include <time.h>

/* After the container's end the journal may still have to write down the last lines. */
#define QUIET_MS 1500

struct journal_reader {
	struct container_command *c;
	char *line; /* begun */
	size_t n, room;
	uint64_t entries;
	bool is_in_line[2];
};

static void print_entry(struct journal_reader *r, bool is_error, const char *when, bool is_part,
	const char *text, size_t n)
{
	FILE *out = is_error ? stderr : stdout;
	if (r->c->to.life.shows_times && !r->is_in_line[is_error])
		fprintf(out, "%s ", when);
	fwrite(text, 1, n, out);
	if (!is_part)
		fputc('\n', out);
	r->is_in_line[is_error] = is_part;
}

/* A text, or where it is none the bytes as numbers. */
static char *message_of(const json_t *value, size_t *ret_n)
{
	size_t n = json_is_array(value) ? json_array_size(value) : json_string_length(value);
	char *bytes = malloc(n + 1);
	if (!bytes)
		return NULL;
	for (size_t i = 0; i < n; i++)
		bytes[i] = json_is_array(value) ? (char)json_integer_value(json_array_get(value, i))
						: json_string_value(value)[i];
	*ret_n = n;
	return bytes;
}

/* Not in the arena: a log has any number of lines. */
static void print_time(uint64_t us, char *to, size_t size)
{
	struct tm tm;
	time_t seconds = (time_t)(us / 1000000);
	gmtime_r(&seconds, &tm);
	size_t n = strftime(to, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(to + n, size - n, ".%06uZ", (unsigned)(us % 1000000));
}

static void take_line(struct journal_reader *r)
{
	json_t *entry = json_loadb(r->line, r->n, JSON_ALLOW_NUL, NULL);
	const char *time = json_string_value(json_object_get(entry, "__REALTIME_TIMESTAMP"));
	const char *priority = json_string_value(json_object_get(entry, "PRIORITY"));
	uint64_t us = 0;
	char when[48];
	size_t n = 0;
	CLEAN(clean_free) char *text = NULL;
	if (entry)
		text = message_of(json_object_get(entry, "MESSAGE"), &n);
	if (text && time && text_to_u64(time, INT64_MAX / 1000, &us)) {
		print_time(us, when, sizeof(when));
		print_entry(r, priority && !strcmp(priority, "3"), when,
			json_object_get(entry, "CONTAINER_PARTIAL_MESSAGE") != NULL, text, n);
		r->entries++;
	}
	json_decref(entry);
}

static bool take_bytes(struct journal_reader *r, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n') {
			take_line(r);
			r->n = 0;
			continue;
		}
		if (r->n == r->room) {
			char *line = realloc(r->line, r->room = 2 * r->room + 4096);
			if (!line)
				return false;
			r->line = line;
		}
		r->line[r->n++] = bytes[i];
	}
	return true;
}

static bool start_journalctl(struct container_command *c, const struct container *record,
	const struct journal_wish *wish, pid_t *ret_pid, int *ret_fd, struct err *e)
{
	struct arena *a = &c->to.arena;
	struct strv words = {0};
	static const char *const always[] = {"journalctl", "--quiet", "--no-pager", "--all",
		"--output=json", "--output-fields=MESSAGE,PRIORITY,CONTAINER_PARTIAL_MESSAGE"};
	int pipe_fds[2];
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		strv_add(a, &words, always[i]);
	strv_add(a, &words,
		wish->tail == UINT64_MAX
			? "--lines=all"
			: arena_printf(a, "--lines=%llu", (unsigned long long)wish->tail));
	if (wish->since_ns)
		strv_add(a, &words,
			arena_printf(a, "--since=@%lld.%06lld",
				(long long)(wish->since_ns / 1000000000),
				(long long)(wish->since_ns % 1000000000 / 1000)));
	if (wish->until_ns)
		strv_add(a, &words,
			arena_printf(a, "--until=@%lld.%06lld",
				(long long)(wish->until_ns / 1000000000),
				(long long)(wish->until_ns % 1000000000 / 1000)));
	if (c->to.life.follows && !wish->until_ns)
		strv_add(a, &words, "--follow");
	strv_add(a, &words, arena_printf(a, "CONTAINER_ID_FULL=%s", record->id));
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	const int stdio[3] = {-1, pipe_fds[1], -1};
	bool ok = spawn_program(words.v, NULL, 0, stdio, ret_pid, e);
	close(pipe_fds[1]);
	*ret_fd = pipe_fds[0];
	if (!ok) {
		err_what(e, ERR_HOST, "cannot run journalctl, which reads the log");
		return err_hint(e, "it is a part of systemd");
	}
	return true;
}

static bool is_up(struct container_command *c, const char *id)
{
	struct container now;
	struct err ignored = ERR_INIT;
	return container_get(c, id, &now, &ignored) && container_is_up(&now);
}

/* Until journalctl ends, or with --follow the container has, and nothing more comes. */
static bool read_all(struct journal_reader *r, const struct container *record, int fd, int end_fd)
{
	char bytes[65536];
	bool follows = r->c->to.life.follows;
	bool is_over = follows && !is_up(r->c, record->id);
	for (;;) {
		struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
			{.fd = is_over ? -1 : end_fd, .events = POLLIN}};
		int n = poll(fds, ARRAY_LEN(fds), is_over ? QUIET_MS : -1);
		if (n < 0 && errno != EINTR)
			return false;
		if (n == 0)
			return true;
		is_over |= follows && fds[1].revents;
		if (!fds[0].revents)
			continue;
		ssize_t got = read(fd, bytes, sizeof(bytes));
		if (got <= 0)
			return got == 0;
		if (!take_bytes(r, bytes, (size_t)got))
			return false;
		fflush(stdout);
	}
}

static int open_end(struct container_command *c, const struct container *record)
{
	CLEAN(clean_fd)
	int dir_fd = openat(c->all_fd, record->id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = -1;
	struct err ignored;
	if (dir_fd >= 0 && control_connect(dir_fd, &fd, &ignored))
		return fd;
	return live_process_open(&record->first, record->boot_id);
}

bool logs_journal(struct container_command *c, const struct container *record,
	const struct journal_wish *wish, struct err *e)
{
	CLEAN(clean_fd) int fd = -1;
	CLEAN(clean_fd) int end_fd = c->to.life.follows ? open_end(c, record) : -1;
	struct journal_reader r = {.c = c};
	pid_t pid;
	if (!start_journalctl(c, record, wish, &pid, &fd, e))
		return false;
	bool ok = read_all(&r, record, fd, end_fd) || err_sys(e, "read from journalctl");
	kill(pid, SIGTERM);
	spawn_wait(pid);
	free(r.line);
	if (ok && !r.entries && wish->tail && !wish->since_ns && !wish->until_ns)
		notes_add(c->to.notes,
			"the journal has nothing of it for you; one that is kept in memory only is "
			"its administrators' to read");
	return ok && print_out("", e);
}
