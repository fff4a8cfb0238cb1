/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.c - what has happened, and what happens
 *
 * Whoever does something writes it down (state/event.h); this reads. A log that is full is
 * put aside under another name: the reader keeps it open until it has all of it, then takes
 * the new one.
 */
#include "base/own.h"
#include "base/text.h"
#include "cmd/container_command.h"
#include "cmd/container_text.h"
#include "cmd/table.h"
#include "state/event.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>

struct reader {
	struct container_command *c;
	int dir_fd, log_fd; /* -1: there is none yet */
	int64_t since_ns, until_ns;
	char tail[EVENT_LINE_MAX]; /* the beginning of a line whose end is not there yet */
	size_t n_tail;
	bool is_overlong;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static json_t *text(const char *s)
{
	json_t *value = json_string(s);
	return value ? value : json_string("?");
}

/* docker's object, with the members that it has had before too: status, id, from. */
static json_t *row_of(struct arena *arena, const struct event *event)
{
	json_t *attributes = json_object();
	for (size_t i = 0; i < event->attributes.n; i++) {
		const char *entry = event->attributes.v[i];
		size_t n = strcspn(entry, "=");
		json_object_set_new(attributes, arena_strndup(arena, entry, n),
			text(entry[n] ? entry + n + 1 : ""));
	}
	const char *image = strv_env(&event->attributes, "image");
	json_t *row = json_pack("{s:o, s:o, s:{s:o, s:o}, s:s, s:I, s:I}", "Type",
		text(event->type), "Action", text(event->action), "Actor", "ID", text(event->id),
		"Attributes", attributes, "scope", "local", "time",
		(json_int_t)(event->ns / 1000000000), "timeNano", (json_int_t)event->ns);
	if (!strcmp(event->type, "container") || !strcmp(event->type, "image")) {
		json_object_set_new(row, "status", text(event->action));
		json_object_set_new(row, "id", text(event->id));
	}
	if (!strcmp(event->type, "container"))
		json_object_set_new(row, "from", text(image ? image : ""));
	return row;
}

/* 2026-01-31T12:00:00.123456789Z container die ID (exitCode=1, image=x, name=y) */
static const char *line_of(struct arena *arena, const struct event *event)
{
	struct strv sorted = event->attributes;
	const char *line = arena_printf(arena, "%s %s %s %s (", container_time(arena, event->ns),
		event->type, event->action, event->id);
	if (sorted.n)
		qsort(sorted.v, sorted.n, sizeof(*sorted.v), by_text);
	for (size_t i = 0; i < sorted.n; i++)
		line = arena_printf(arena, "%s%s%s", line, i ? ", " : "", sorted.v[i]);
	size_t size = 4 * strlen(line) + 8;
	char *shown = arena_alloc(arena, size);
	text_visible(shown, size, line);
	return arena_printf(arena, "%s)\n", shown);
}

static bool has_label(const struct event *event, const char *label)
{
	bool has_value = strchr(label, '=') != NULL;
	return has_value ? strv_has(&event->attributes, label)
			 : strv_env(&event->attributes, label) != NULL;
}

static bool is_named(const struct event *event, const char *type, const char *value)
{
	const char *name = strv_env(&event->attributes, "name");
	return !strcmp(event->type, type) &&
	       (text_starts(event->id, value) || (name && !strcmp(name, value)));
}

enum filter_key {
	BY_CONTAINER,
	BY_EVENT,
	BY_IMAGE,
	BY_LABEL,
	BY_NETWORK,
	BY_TYPE,
	BY_VOLUME,
	FILTER_KEYS
};

static const char *const filter_keys[FILTER_KEYS] = {
	"container=", "event=", "image=", "label=", "network=", "type=", "volume="};

static bool fits(const struct event *event, enum filter_key key, const char *value)
{
	const char *image = strv_env(&event->attributes, "image");
	switch (key) {
	case BY_CONTAINER:
		return is_named(event, "container", value);
	case BY_EVENT:
		/* "health_status" means each of its values, "exec_start" each program. */
		return !strcmp(event->action, value) ||
		       (text_starts(event->action, value) && event->action[strlen(value)] == ':');
	case BY_IMAGE:
		return (image && !strcmp(image, value)) || is_named(event, "image", value);
	case BY_LABEL:
		return has_label(event, value);
	case BY_NETWORK:
		return is_named(event, "network", value);
	case BY_TYPE:
		return !strcmp(event->type, value);
	case BY_VOLUME:
		return is_named(event, "volume", value);
	default:
		return false;
	}
}

/* The same key twice means either, different keys mean both. */
static bool is_wanted(const struct strv *filters, const struct event *event)
{
	for (enum filter_key key = 0; key < FILTER_KEYS; key++) {
		bool has = false, does_fit = false;
		for (size_t i = 0; i < filters->n; i++) {
			if (!text_starts(filters->v[i], filter_keys[key]))
				continue;
			has = true;
			does_fit |= fits(event, key, filters->v[i] + strlen(filter_keys[key]));
		}
		if (has && !does_fit)
			return false;
	}
	return true;
}

static bool check_filters(const struct strv *filters, struct err *e)
{
	for (size_t i = 0; i < filters->n; i++) {
		bool is_known = false;
		for (enum filter_key key = 0; key < FILTER_KEYS; key++)
			is_known |= text_starts(filters->v[i], filter_keys[key]);
		if (is_known)
			continue;
		err_what(e, ERR_USAGE, "the filter '%s' is not known", filters->v[i]);
		return err_hint(e, "container, event, image, label, network, type, volume");
	}
	return true;
}

static bool tell(struct reader *r, const struct event *event, struct err *e)
{
	struct arena *arena = &r->c->to.arena;
	const char *format = r->c->to.format;
	if (!format)
		return print_out(line_of(arena, event), e);
	json_t *rows = json_array();
	json_array_append_new(rows, row_of(arena, event));
	bool ok = table_print(
		rows, NULL, strcmp(format, "json") ? format : "{{json .}}", true, arena, e);
	json_decref(rows);
	return ok;
}

/* One that is no event was torn, or is of a later guscio: it is passed over. */
static bool take_line(struct reader *r, char *line, struct err *e)
{
	struct event event;
	struct arena *arena = &r->c->to.arena;
	const size_t used = arena->used;
	bool ok = true;
	if (event_from_line(line, arena, &event) && event.ns >= r->since_ns &&
		event.ns <= r->until_ns && is_wanted(&r->c->to.filters, &event))
		ok = tell(r, &event, e);
	/* It may watch for months. */
	memset(arena->base + used, 0, arena->used - used);
	arena->used = used;
	return ok;
}

static bool take_bytes(struct reader *r, const char *bytes, size_t n, struct err *e)
{
	while (n > 0) {
		const char *end = memchr(bytes, '\n', n);
		size_t part = end ? (size_t)(end - bytes) : n;
		r->is_overlong |= r->n_tail + part >= sizeof(r->tail);
		if (!r->is_overlong) {
			memcpy(r->tail + r->n_tail, bytes, part);
			r->n_tail += part;
		}
		if (!end)
			return true;
		r->tail[r->n_tail] = '\0';
		bool ok = r->is_overlong || take_line(r, r->tail, e);
		r->n_tail = 0;
		r->is_overlong = false;
		if (!ok)
			return false;
		bytes = end + 1;
		n -= part + 1;
	}
	return true;
}

static bool read_rest(struct reader *r, int fd, struct err *e)
{
	char buffer[16384];
	for (;;) {
		ssize_t n = read(fd, buffer, sizeof(buffer));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 || err_sys(e, "read the events");
		if (!take_bytes(r, buffer, (size_t)n, e))
			return false;
	}
}

static int open_log(const struct reader *r, const char *name)
{
	return openat(r->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

static bool is_same(int a, int b)
{
	struct stat x, y;
	return a >= 0 && b >= 0 && fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino;
}

/* What there is: the older file first. */
static bool read_history(struct reader *r, struct err *e)
{
	r->log_fd = open_log(r, "log");
	CLEAN(clean_fd) int older_fd = open_log(r, "log.1");
	/* Put aside just now: then that is the newer one, and what was before is gone. */
	if (older_fd >= 0 && !is_same(older_fd, r->log_fd) && !read_rest(r, older_fd, e))
		return false;
	r->n_tail = 0;
	return r->log_fd < 0 || read_rest(r, r->log_fd, e);
}

/* All of the old one, then the new one from its beginning. */
static bool read_news(struct reader *r, struct err *e)
{
	for (;;) {
		if (r->log_fd >= 0 && !read_rest(r, r->log_fd, e))
			return false;
		CLEAN(clean_fd) int fd = open_log(r, "log");
		if (fd < 0 || is_same(fd, r->log_fd))
			return true;
		/* Nobody writes to one that has been put aside: this was its last word. */
		if (r->log_fd >= 0 && !read_rest(r, r->log_fd, e))
			return false;
		clean_fd(&r->log_fd);
		r->log_fd = TAKE_FD(fd);
		r->n_tail = 0;
	}
}

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool follow(struct reader *r, int watch_fd, struct err *e)
{
	char buffer[8192];
	while (now_ns() <= r->until_ns) {
		struct pollfd p = {.fd = watch_fd, .events = POLLIN};
		int64_t left_ms = (r->until_ns - now_ns()) / 1000000 + 1;
		int n = poll(&p, 1, left_ms > 3600000 ? 3600000 : (int)left_ms);
		if (n < 0 && errno != EINTR)
			return err_sys(e, "wait for events");
		if (n > 0 && read(watch_fd, buffer, sizeof(buffer)) < 0 && errno != EAGAIN)
			return err_sys(e, "wait for events");
		if (!read_news(r, e))
			return false;
	}
	return true;
}

static bool watch(struct reader *r, bool wants_history, struct err *e)
{
	char path[64];
	/* Before the first look: nothing can come in between. */
	CLEAN(clean_fd) int watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", r->dir_fd);
	if (watch_fd < 0 ||
		inotify_add_watch(watch_fd, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
		return err_sys(e, "watch the events");
	if (wants_history) {
		if (!read_history(r, e))
			return false;
	} else {
		r->log_fd = open_log(r, "log");
		if (r->log_fd >= 0)
			lseek(r->log_fd, 0, SEEK_END);
	}
	return follow(r, watch_fd, e);
}

static bool events(struct container_command *c, struct err *e)
{
	const struct life_options *life = &c->to.life;
	struct reader r = {.c = c, .dir_fd = -1, .log_fd = -1, .until_ns = INT64_MAX};
	int all_fd = -1;
	if (!check_filters(&c->to.filters, e) ||
		(life->since && !container_time_parse(life->since, &r.since_ns, e)) ||
		(life->until && !container_time_parse(life->until, &r.until_ns, e)))
		return false;
	/* The directory above them may be missing too. */
	bool ok = containers_open(c->host.data_dir, true, &all_fd, e) &&
		  events_open(c->host.data_dir, &r.dir_fd, e) &&
		  watch(&r, life->since || life->until, e);
	clean_fd(&all_fd);
	clean_fd(&r.dir_fd);
	clean_fd(&r.log_fd);
	return ok;
}

static int run_events(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 0, 0, ARGUMENTS_MIXED, events, e);
}

static const struct option_def events_options[] = {
	{"filter", 'f', "KEY=VALUE", "container, event, image, label, network, type, volume",
		set_filter},
	{"format", 0, "FORMAT", "json, or a template as {{.Action}}", set_format},
	{"since", 0, "TIME", "from then on: 2026-01-31T12:00:00, or 10m for ten minutes ago",
		set_since},
	{"until", 0, "TIME", "up to then, and no longer", set_until}, {0}};

const struct command command_events = {.name = "events",
	.arguments = "[OPTIONS]",
	.summary = "Show what happens, and with --since what has happened",
	.details = "",
	.options = events_options,
	.run = run_events};
