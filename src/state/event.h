/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.h - what has happened to containers, volumes, networks and images, kept for a while
 *
 * <data_dir>/events/log	a line an event; who appends to it has its lock (flock)
 * <data_dir>/events/log.1	the one before: a full log takes its name, and that one is gone
 *
 * Whoever does something writes it down, after it is done; nobody waits for the disk, and an
 * event that cannot be written is lost without a word. A line that was torn is passed over.
 */
#ifndef STATE_EVENT_H
#define STATE_EVENT_H

#include "state/container.h"

#define EVENT_LINE_MAX 4096
/* Of each of the two files. */
#define EVENT_LOG_MAX ((int64_t)1 << 20)

struct event {
	int64_t ns; /* since 1970; 0 when it is written: now */
	const char *type, *action, *id;
	struct strv attributes; /* KEY=VALUE */
};

/* Appends to the log below @data_dir. Attributes that do not fit into a line are left out. */
void event_write(const char *data_dir, const struct event *event);

/*
 * event_of_container() - the same with docker's attributes: image, name, labels
 * @all_fd: of containers_open()
 * @more: one attribute more, KEY=VALUE; NULL: none
 */
void event_of_container(
	int all_fd, const struct container *c, const char *action, const char *more);

/* The same without a container in hand's reach, for images and volumes; @more may be NULL. */
void event_of(const char *data_dir, const char *type, const char *action, const char *id,
	const char *more);

/* Its directory, made when missing: for who reads. Errors: ERR_HOST it cannot be had. */
bool events_open(const char *data_dir, int *ret_fd, struct err *e);

/*
 * event_from_line() - one line, without its end
 * @line: is changed; strings point into it
 * False for what is no event.
 */
bool event_from_line(char *line, struct arena *arena, struct event *ret);

/* The line for it, with its end; returns its length, 0 when not even its head fits. */
size_t event_to_line(const struct event *event, char line[EVENT_LINE_MAX]);

#endif
