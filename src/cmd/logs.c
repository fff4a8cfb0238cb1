/* SPDX-License-Identifier: Apache-2.0 */
/* logs.c - what a container has written, from docker's json-file (helpers/monitor/log.h) */
#include "base/own.h"
#include "base/text.h"
#include "cmd/logs_journal.h"
#include "cmd/container_text.h"
#include "wire/control.h"

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>

#define FILES_MAX 1000
/* A line in the file is at most so long; more is no log of ours. */
#define LINE_MAX_BYTES (1 << 20)

struct reader {
	struct container_command *c;
	int dir_fd;
	size_t max_files;
	int64_t since_ns, until_ns; /* 0: none */
	bool is_in_line[2];	    /* the last record of the stream was a part of a line */
	bool has_passed_until;
	size_t spoilt;
	FILE *file;
};

static int open_log(const struct reader *r, size_t i)
{
	char name[48];
	if (i)
		snprintf(name, sizeof(name), "container.log.%zu", i);
	else
		snprintf(name, sizeof(name), "container.log");
	return openat(r->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

static bool is_same_file(int fd, int other_fd)
{
	struct stat st, other;
	return fstat(fd, &st) == 0 && fstat(other_fd, &other) == 0 && st.st_ino == other.st_ino &&
	       st.st_dev == other.st_dev;
}

static int digit(char c)
{
	return c >= 'A' && c <= 'Z'   ? c - 'A'
	       : c >= 'a' && c <= 'z' ? c - 'a' + 26
	       : c >= '0' && c <= '9' ? c - '0' + 52
	       : c == '+'	      ? 62
	       : c == '/'	      ? 63
				      : -1;
}

/* In place; returns the number of bytes. */
static size_t decode_base64(char *text)
{
	unsigned bits = 0;
	int n_bits = 0;
	size_t n = 0;
	for (const char *p = text; *p && digit(*p) >= 0; p++) {
		bits = bits << 6 | (unsigned)digit(*p);
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		text[n++] = (char)(bits >> n_bits & 0xff);
	}
	return n;
}

static void print_record(
	struct reader *r, bool is_error, const char *when, const char *data, size_t n)
{
	FILE *out = is_error ? stderr : stdout;
	if (r->c->to.life.shows_times && !r->is_in_line[is_error])
		fprintf(out, "%s ", when);
	fwrite(data, 1, n, out);
	r->is_in_line[is_error] = n > 0 && data[n - 1] != '\n';
}

static bool is_in_time(struct reader *r, const char *when)
{
	int64_t ns;
	struct err ignored;
	if ((!r->since_ns && !r->until_ns) || !container_time_parse(when, &ns, &ignored))
		return true;
	if (r->until_ns && ns > r->until_ns)
		r->has_passed_until = true;
	return ns >= r->since_ns && !r->has_passed_until;
}

static void take_line(struct reader *r, const char *line, size_t n)
{
	json_t *object = json_loadb(line, n, JSON_ALLOW_NUL, NULL);
	json_t *log = json_object_get(object, "log");
	const char *stream = json_string_value(json_object_get(object, "stream"));
	const char *when = json_string_value(json_object_get(object, "time"));
	const char *raw = json_string_value(json_object_get(object, "raw"));
	bool is_error = stream && !strcmp(stream, "stderr");
	if (!json_is_string(log) || !when) {
		r->spoilt++;
	} else if (is_in_time(r, when)) {
		CLEAN(clean_free) char *bytes = raw ? strdup(raw) : NULL;
		if (bytes)
			print_record(r, is_error, when, bytes, decode_base64(bytes));
		else
			print_record(
				r, is_error, when, json_string_value(log), json_string_length(log));
	}
	json_decref(object);
}

/* Whole lines up to the file's end; half a one is left for later. */
static void read_on(struct reader *r)
{
	CLEAN(clean_free) char *line = NULL;
	size_t size = 0;
	while (!r->has_passed_until) {
		off_t before = ftello(r->file);
		ssize_t n = getline(&line, &size, r->file);
		if (n > 0 && line[n - 1] == '\n' && n < LINE_MAX_BYTES) {
			take_line(r, line, (size_t)n);
			continue;
		}
		if (n > 0 && line[n - 1] == '\n') {
			r->spoilt++;
			continue;
		}
		clearerr(r->file);
		fseeko(r->file, before, SEEK_SET);
		break;
	}
	fflush(stdout);
}

/* Lines of a file before @end, counted from behind; stops when there are more than @wanted. */
static uint64_t count_back(int fd, uint64_t wanted, off_t *ret_start)
{
	char block[65536];
	struct stat st;
	uint64_t found = 0;
	off_t at = fstat(fd, &st) == 0 ? st.st_size : 0;
	bool is_end = true;
	while (at > 0) {
		size_t n = at < (off_t)sizeof(block) ? (size_t)at : sizeof(block);
		at -= (off_t)n;
		if (pread(fd, block, n, at) != (ssize_t)n)
			break;
		for (size_t i = n; i-- > 0;) {
			if (block[i] != '\n')
				continue;
			/* The newline at the very end ends the last line. */
			if (is_end && at + (off_t)i == st.st_size - 1)
				continue;
			if (++found == wanted) {
				*ret_start = at + (off_t)i + 1;
				return found;
			}
		}
	}
	*ret_start = 0;
	return found + (st.st_size > 0);
}

static bool take_file(struct reader *r, int take_fd, off_t start)
{
	clean_file(&r->file);
	r->file = take_fd < 0 ? NULL : fdopen(take_fd, "re");
	if (!r->file)
		return false;
	fseeko(r->file, start, SEEK_SET);
	read_on(r);
	return true;
}

/* The file in which the last @tail lines begin, and where; -1: there is none. A rotation
 * meanwhile brings the file that was just counted under the next name once more. */
static int open_tail(const struct reader *r, uint64_t tail, off_t *ret_start)
{
	CLEAN(clean_fd) int oldest_fd = -1;
	*ret_start = 0;
	for (size_t i = 0; i < r->max_files && tail > 0; i++) {
		CLEAN(clean_fd) int fd = open_log(r, i);
		if (fd < 0 || is_same_file(fd, oldest_fd))
			continue;
		uint64_t found = count_back(fd, tail, ret_start);
		tail -= found < tail ? found : tail;
		clean_fd(&oldest_fd);
		oldest_fd = TAKE_FD(fd);
	}
	return TAKE_FD(oldest_fd);
}

/* The file we read may have been rotated away: then the last one that stands before it is next,
 * or the oldest when ours is gone or there was none. Files only move away from 0 and never past
 * each other, so a look in this direction meets both, whatever moves meanwhile; a name may be
 * free. What has moved is whole: the rest of ours is read after the look that says so.
 * False: nothing to go on with for now. */
static bool follow_rotation(struct reader *r)
{
	CLEAN(clean_fd) int next_fd = -1;
	for (size_t i = 0; i < r->max_files; i++) {
		CLEAN(clean_fd) int fd = open_log(r, i);
		if (fd < 0)
			continue;
		if (r->file && is_same_file(fd, fileno(r->file))) {
			if (i == 0)
				return false;
			break;
		}
		clean_fd(&next_fd);
		next_fd = TAKE_FD(fd);
	}
	if (r->file)
		read_on(r);
	return next_fd >= 0 && take_file(r, TAKE_FD(next_fd), 0);
}

static void read_all(struct reader *r, uint64_t tail)
{
	off_t start = 0;
	if (tail == 0) {
		if ((r->file = fdopen(open_log(r, 0), "re")))
			fseeko(r->file, 0, SEEK_END);
		return;
	}
	if (tail != UINT64_MAX) {
		int fd = open_tail(r, tail, &start);
		take_file(r, fd, start);
	}
	while (!r->has_passed_until && follow_rotation(r))
		;
}

static bool is_up(struct reader *r, const char *id)
{
	struct container now;
	struct err ignored = ERR_INIT;
	return container_get(r->c, id, &now, &ignored) && container_is_up(&now);
}

/* What happens to the file is an event of its directory; the end is one of the monitor's socket. */
static bool follow(struct reader *r, const struct container *record, struct err *e)
{
	char path[64], events[4096];
	CLEAN(clean_fd) int watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	CLEAN(clean_fd) int control_fd = -1;
	CLEAN(clean_fd) int process_fd = -1;
	struct err no_monitor;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", r->dir_fd);
	if (watch_fd < 0 ||
		inotify_add_watch(watch_fd, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
		err_sys(e, "watch it");
		return err_what(e, ERR_HOST, "cannot follow the log of '%s'", record->name);
	}
	if (!control_connect(r->dir_fd, &control_fd, &no_monitor))
		process_fd = live_process_open(&record->first, record->boot_id);
	bool runs = (control_fd >= 0 || process_fd >= 0) && is_up(r, record->id);
	for (;;) {
		if (r->file)
			read_on(r);
		while (!r->has_passed_until && follow_rotation(r))
			;
		if (!runs || r->has_passed_until)
			return true;
		struct pollfd fds[] = {{.fd = watch_fd, .events = POLLIN},
			{.fd = control_fd, .events = POLLIN}, {.fd = process_fd, .events = POLLIN}};
		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			return err_sys(e, "poll");
		while (read(watch_fd, events, sizeof(events)) > 0)
			;
		runs = !fds[1].revents && !fds[2].revents;
	}
}

static bool read_options(
	struct container_command *c, struct reader *r, uint64_t *tail, struct err *e)
{
	const struct life_options *life = &c->to.life;
	*tail = UINT64_MAX;
	if (life->tail && strcmp(life->tail, "all") && strcmp(life->tail, "-1"))
		text_to_u64(life->tail, UINT32_MAX, tail);
	return (!life->since || container_time_parse(life->since, &r->since_ns, e)) &&
	       (!life->until || container_time_parse(life->until, &r->until_ns, e));
}

static bool logs(struct container_command *c, struct err *e)
{
	CLEAN(clean_fd) int dir_fd = -1;
	struct container record;
	struct reader r = {.c = c};
	uint64_t tail;
	if (!read_options(c, &r, &tail, e) ||
		!container_get_kept(c, c->argv[0], "read the log of",
			"what it writes goes there, and is kept nowhere", &record, e))
		return false;
	if (!strcmp(record.log_driver, "journald")) {
		const struct journal_wish wish = {r.since_ns, r.until_ns, tail};
		return logs_journal(c, &record, &wish, e);
	}
	if (strcmp(record.log_driver, "json-file")) {
		err_msg(e, ERR_STATE, "its log driver is '%s'", record.log_driver);
		err_what(e, ERR_STATE, "container '%s' has no log", c->argv[0]);
		if (!strcmp(record.log_driver, "passthrough"))
			err_hint(e, "it went where guscio's own output did; a unit's is with "
				    "journalctl --user -u UNIT");
		return false;
	}
	dir_fd = openat(c->all_fd, record.id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0) {
		err_sys(e, "open its directory");
		return err_what(e, ERR_STATE, "cannot read the log of '%s'", c->argv[0]);
	}
	r.dir_fd = dir_fd;
	r.max_files = record.log_max_files ? record.log_max_files : 1;
	/* --log-opt takes no more; who edits a record may write anything. */
	if (r.max_files > FILES_MAX)
		r.max_files = FILES_MAX;
	read_all(&r, tail);
	bool ok = !c->to.life.follows || r.has_passed_until || follow(&r, &record, e);
	clean_file(&r.file);
	if (r.spoilt)
		notes_add(c->to.notes, "%zu lines of the log are spoilt, and left out", r.spoilt);
	return ok && print_out("", e);
}

static int run_logs(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 1, 1, ARGUMENTS_MIXED, logs, e);
}

static const struct option_def logs_options[] = {
	{"follow", 'f', NULL, "go on with what is written from now on", set_follow},
	{"since", 0, "TIME", "from then on: 2026-01-31T12:00:00, or 10m for ten minutes ago",
		set_since},
	{"tail", 'n', "N", "the last N lines", set_tail},
	{"timestamps", 't', NULL, "with the time of each line", set_timestamps},
	{"until", 0, "TIME", "up to then", set_until}, {0}};

const struct command command_logs = {.name = "logs",
	.arguments = "[OPTIONS] CONTAINER",
	.summary = "Print what a container has written",
	.details = "",
	.options = logs_options,
	.run = run_logs};
