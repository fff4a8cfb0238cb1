/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.c - what happens to containers, from now on
 *
 * Nobody writes events down: they are the differences between two records, seen when the
 * kernel tells that one was replaced.
 */
#include "base/own.h"
#include "base/text.h"
#include "cmd/container_command.h"
#include "cmd/container_text.h"
#include "cmd/table.h"

#include <string.h>
#include <sys/inotify.h>
#include <time.h>

#define SEEN_MAX 8192

struct seen {
	int wd;
	char id[65], name[128], health[16], image[256];
	bool is_known; /* it has had a record */
	enum container_phase phase;
	int64_t started_ns, finished_ns;
};

struct watcher {
	struct container_command *c;
	int fd;
	struct seen *seen;
	size_t n;
};

static json_t *row_of(struct watcher *w, const struct seen *s, const char *what, int exit_code)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	json_t *attributes = json_pack("{s:s, s:s}", "image", s->image, "name", s->name);
	if (exit_code >= 0)
		json_object_set_new(attributes, "exitCode",
			json_string(arena_printf(&w->c->to.arena, "%d", exit_code)));
	return json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:o}, s:I, s:I}", "Type", "container",
		"Action", what, "status", what, "id", s->id, "Actor", "ID", s->id, "Attributes",
		attributes, "time", (json_int_t)now.tv_sec, "timeNano", (json_int_t)ns);
}

static bool is_wanted(struct watcher *w, const struct seen *s, const char *what)
{
	const struct strv *filters = &w->c->to.filters;
	bool has[2] = {false, false}, fits[2] = {false, false};
	for (size_t i = 0; i < filters->n; i++) {
		const char *value = strchr(filters->v[i], '=') + 1;
		bool is_event = text_starts(filters->v[i], "event=");
		if (text_starts(filters->v[i], "type="))
			continue;
		has[is_event] = true;
		fits[is_event] |= is_event ? !strcmp(value, what)
					   : !strcmp(value, s->name) || text_starts(s->id, value);
	}
	return (!has[0] || fits[0]) && (!has[1] || fits[1]);
}

static bool tell(
	struct watcher *w, const struct seen *s, const char *what, int exit_code, struct err *e)
{
	struct arena *arena = &w->c->to.arena;
	const char *format = w->c->to.format;
	size_t used = arena->used;
	if (!is_wanted(w, s, what))
		return true;
	if (!format) {
		struct timespec now;
		clock_gettime(CLOCK_REALTIME, &now);
		const char *code =
			exit_code >= 0 ? arena_printf(arena, "exitCode=%d, ", exit_code) : "";
		bool ok =
			print_out(arena_printf(arena, "%s container %s %s (%simage=%s, name=%s)\n",
					  container_time(arena,
						  (int64_t)now.tv_sec * 1000000000 + now.tv_nsec),
					  what, s->id, code, s->image, s->name),
				e);
		memset(arena->base + used, 0, arena->used - used);
		arena->used = used;
		return ok;
	}
	json_t *rows = json_array();
	json_array_append_new(rows, row_of(w, s, what, exit_code));
	bool ok = table_print(
		rows, NULL, strcmp(format, "json") ? format : "{{json .}}", true, arena, e);
	json_decref(rows);
	return ok;
}

static void remember(struct seen *s, const struct container *record)
{
	text_visible(s->name, sizeof(s->name), record->name);
	text_visible(s->image, sizeof(s->image), record->image);
	snprintf(s->health, sizeof(s->health), "%s", record->health);
	s->phase = record->phase;
	s->started_ns = record->started_ns;
	s->finished_ns = record->finished_ns;
	s->is_known = true;
}

static bool compare(struct watcher *w, struct seen *s, bool is_silent, struct err *e)
{
	struct container now;
	struct seen before = *s;
	struct err gone = ERR_INIT;
	char health[48];
	if (!container_read(w->c->all_fd, s->id, &w->c->to.arena, &now, &gone))
		return true;
	remember(s, &now);
	if (is_silent)
		return true;
	bool has_started = now.started_ns && now.started_ns != before.started_ns;
	bool has_ended = now.finished_ns && now.finished_ns != before.finished_ns &&
			 now.phase != CONTAINER_RUNNING;
	bool ok = before.is_known || tell(w, s, "create", -1, e);
	if (ok && before.is_known && strcmp(before.name, s->name))
		ok = tell(w, s, "rename", -1, e);
	if (ok && has_started)
		ok = tell(w, s, "start", -1, e);
	if (ok && has_ended)
		ok = tell(w, s, "die", now.exit_code, e);
	if (ok && has_ended && now.was_stopped)
		ok = tell(w, s, "stop", -1, e);
	snprintf(health, sizeof(health), "health_status: %s", s->health);
	if (ok && s->health[0] && strcmp(before.health, s->health))
		ok = tell(w, s, health, -1, e);
	return ok;
}

static bool add(struct watcher *w, const char *id, bool is_silent, struct err *e)
{
	char path[128];
	if (w->n == SEEN_MAX || strlen(id) != 64)
		return true;
	struct seen *s = &w->seen[w->n];
	*s = (struct seen){0};
	snprintf(s->id, sizeof(s->id), "%s", id);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", w->c->all_fd, id);
	s->wd = inotify_add_watch(w->fd, path, IN_MOVED_TO | IN_ONLYDIR);
	if (s->wd < 0)
		return true;
	w->n++;
	/* Its record may have come before we looked. */
	return compare(w, s, is_silent, e);
}

static bool take(struct watcher *w, const struct inotify_event *event, int all_wd, struct err *e)
{
	if (event->wd == all_wd && (event->mask & IN_CREATE))
		return add(w, event->name, false, e);
	for (size_t i = 0; i < w->n; i++) {
		struct seen *s = &w->seen[i];
		if (event->wd == all_wd && (event->mask & IN_MOVED_FROM) &&
			!strcmp(s->id, event->name)) {
			struct seen gone = *s;
			inotify_rm_watch(w->fd, s->wd);
			*s = w->seen[--w->n];
			return !gone.is_known || tell(w, &gone, "destroy", -1, e);
		}
		if (event->wd == s->wd && event->len && !strcmp(event->name, "state"))
			return compare(w, s, false, e);
	}
	return true;
}

static bool check_filters(const struct strv *filters, struct err *e)
{
	for (size_t i = 0; i < filters->n; i++)
		if (!text_starts(filters->v[i], "container=") &&
			!text_starts(filters->v[i], "event=") &&
			strcmp(filters->v[i], "type=container")) {
			err_what(e, ERR_USAGE, "the filter '%s' is not known", filters->v[i]);
			return err_hint(e, "container, event, type=container");
		}
	return true;
}

static bool watch(struct watcher *w, struct err *e)
{
	char path[64], buffer[8192] __attribute__((aligned(8)));
	struct strv ids = {0};
	snprintf(path, sizeof(path), "/proc/self/fd/%d", w->c->all_fd);
	int all_wd = inotify_add_watch(w->fd, path, IN_CREATE | IN_MOVED_FROM | IN_ONLYDIR);
	if (all_wd < 0 || !container_list(w->c->all_fd, &w->c->to.arena, &ids, e))
		return all_wd >= 0 ? false : err_sys(e, "watch the containers");
	for (size_t i = 0; i < ids.n; i++)
		if (!add(w, ids.v[i], true, e))
			return false;
	struct arena *arena = &w->c->to.arena;
	const size_t used = arena->used;
	for (;;) {
		ssize_t n = read(w->fd, buffer, sizeof(buffer));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(e, "read what has happened");
		for (char *p = buffer; p < buffer + n;) {
			const struct inotify_event *event = (struct inotify_event *)p;
			if (!take(w, event, all_wd, e))
				return false;
			p += sizeof(*event) + event->len;
		}
		/* It may watch for months. */
		memset(arena->base + used, 0, arena->used - used);
		arena->used = used;
	}
}

static bool events(struct container_command *c, struct err *e)
{
	struct watcher w = {.c = c, .fd = -1};
	clean_fd(&c->all_fd);
	if (!check_filters(&c->to.filters, e) ||
		!containers_open(c->host.data_dir, true, &c->all_fd, e))
		return false;
	w.seen = arena_array(&c->to.arena, SEEN_MAX, sizeof(*w.seen));
	w.fd = inotify_init1(IN_CLOEXEC);
	bool ok = w.fd >= 0 ? watch(&w, e) : err_sys(e, "watch the containers");
	clean_fd(&w.fd);
	return ok;
}

static int run_events(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 0, 0, ARGUMENTS_MIXED, events, e);
}

static const struct option_def events_options[] = {
	{"filter", 'f', "KEY=VALUE", "container, event, type=container", set_filter},
	{"format", 0, "FORMAT", "json, or a template as {{.Action}}", set_format}, {0}};

const struct command command_events = {.name = "events",
	.arguments = "[OPTIONS]",
	.summary = "Show what happens to containers, from now on",
	.details = "",
	.options = events_options,
	.run = run_events};
