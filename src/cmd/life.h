/* SPDX-License-Identifier: Apache-2.0 */
/*
 * life.h - containers that stay: from a command line to a record, from a record to a start
 *
 * A container of "guscio run" in the foreground leaves nothing and has none of this.
 */
#ifndef CMD_LIFE_H
#define CMD_LIFE_H

#include "cmd/run_options.h"
#include "host/host.h"
#include "state/container.h"

/* What was asked for adds up to a container that is on record. */
bool life_is_wanted(const struct invocation *to);

/* Options that contradict each other, before anything is made. */
bool life_check(struct invocation *to, struct err *e);

/* There is a journal, when @driver wants one. */
bool life_check_journal(const char *driver, struct err *e);

/*
 * life_create() - bundle and record of a new container
 * @to: frozen, the image's config in it
 * @ret_fd: its directory, locked
 * Others see it from the first record on: at once with "guscio create", else when it starts.
 */
bool life_create(struct invocation *to, const struct host *host, struct container *ret, int *ret_fd,
	struct err *e);

/* life_show() - what other commands see of one that runs in the foreground: for the plan */
const struct container *life_show(struct invocation *to, const struct host *host);

/* The words of a program as ps and events show them, cut at a kilobyte. */
const char *life_command_line(struct arena *arena, const struct strv *args);

/* Takes back what life_create() has made, before a start. */
void life_discard(const struct host *host, const struct container *c, int take_lock_fd);

/* The OCI document of a container of either kind, in @arena; NULL with @e filled. */
const char *life_document(const struct host *host, const struct container *c, struct arena *arena,
	size_t *ret_size, struct err *e);

/*
 * life_load() - a container's document as an invocation, complete but not frozen
 * @to: INVOCATION_INIT with an arena
 */
bool life_load(
	struct invocation *to, const struct host *host, const struct container *c, struct err *e);

/* Tarball, layers, changes: what the plan needs of the root. */
bool life_settle_root(struct invocation *to, const struct host *host, struct err *e);

/*
 * life_start() - start it, with a monitor
 * @take_lock_fd: its directory, locked
 * @ret_client_fd: NULL, or receives a connection to the monitor from the first byte on
 * The record says what became of it, also on failure.
 */
bool life_start(struct invocation *to, const struct host *host, struct container *c,
	int take_lock_fd, int *ret_client_fd, struct err *e);

/* The same in this very process, which becomes the monitor; returns only on failure. */
bool life_start_here(struct invocation *to, const struct host *host, struct container *c,
	int take_lock_fd, struct err *e);

/*
 * life_remove() - everything of a container that does not run
 * @take_lock_fd: its directory, locked
 */
bool life_remove(const struct host *host, int all_fd, const struct container *c, int take_lock_fd,
	struct err *e);

/* Every container, also those that run. */
bool life_remove_all(const struct host *host, struct err *e);

/* life_stop(): see stop.c. @timeout_ms: UINT64_MAX for the container's own. */
bool life_stop(int all_fd, const char *id, uint64_t timeout_ms, struct arena *arena, struct err *e);

/* How long a process may take to end after SIGKILL, and who watched over it after that. */
#define LIFE_KILL_WAIT_MS  30000
#define LIFE_LEAVE_WAIT_MS 10000

/* Until a pidfd says that its process has ended, or the time is over. */
bool life_wait_fd(int fd, uint64_t timeout_ms);

/*
 * life_await() - until it has ended and that is written down
 * @timeout_ms: UINT64_MAX: for ever
 * @ret_code: its exit code; @ret_has_ended: false at the time-out
 */
bool life_await(int all_fd, const char *id, uint64_t timeout_ms, bool *ret_has_ended, int *ret_code,
	struct arena *arena, struct err *e);

#endif
