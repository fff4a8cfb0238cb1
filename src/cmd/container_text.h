/* SPDX-License-Identifier: Apache-2.0 */
/* container_text.h - docker's words for a container's state and times */
#ifndef CMD_CONTAINER_TEXT_H
#define CMD_CONTAINER_TEXT_H

#include "state/container.h"

/* Frozen by guscio pause. */
bool container_is_paused(const struct container *c);
/* created, running, paused, restarting, exited */
const char *container_state_word(const struct container *c);

/* "Up 5 minutes (healthy)", "Exited (0) 2 hours ago" */
const char *container_status(struct arena *arena, const struct container *c);

/* How long ago, in docker's words: "Less than a second", "About a minute", "3 weeks". */
const char *container_duration(struct arena *arena, int64_t since_ns);

/* 2026-01-31T12:00:00.123456789Z; "0001-01-01T00:00:00Z" for 0, as Go prints no time */
const char *container_time(struct arena *arena, int64_t ns);

/*
 * container_time_parse() - what --since and --until take
 * "2026-01-31T12:00:00.123456789Z", or seconds since 1970, or how long ago.
 */
bool container_time_parse(const char *text, int64_t *ret, struct err *e);

/* 2026-01-31 13:00:00 +0100 CET */
const char *container_time_local(struct arena *arena, int64_t ns);

/* "12kB": what it has changed. */
const char *container_size(struct arena *arena, const char *data_dir, const char *id);

#endif
