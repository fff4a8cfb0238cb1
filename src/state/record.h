/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - containers that run, on disk
 *
 * <runtime_dir>/<id>/ holds a container's record and its own /etc files;
 * <runtime_dir>/names/<name> is a link to the id. Only what is true while the
 * machine runs: a record names boot id, pid and start time, so that a stale one
 * is never believed. The starter keeps a lock on the directory; a directory
 * whose lock is free is garbage, and the next start takes it away.
 */
#ifndef STATE_RECORD_H
#define STATE_RECORD_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

#define STATE_VERSION	 1
#define STATE_ID_SIZE	 65
#define STATE_NAME_MAX	 128
#define STATE_CGROUP_MAX 1024
#define STATE_AWAITED_MS 100 /* how long a record is waited for, see foreground.h */

struct state_record {
	char id[STATE_ID_SIZE];
	char name[STATE_NAME_MAX];
	pid_t pid;		       /* pid 1 of the container, as the host counts */
	char cgroup[STATE_CGROUP_MAX]; /* below the mount; "": none of its own */
	uint64_t start_time;	       /* of that process, in clock ticks since boot [proc(5)] */
};

/*
 * state_claim() - a directory and a name that are ours
 * @name: NULL for none
 * @ret_lock_fd: keep it open as long as the container lives
 * Errors: ERR_STATE the name is in use; ERR_HOST the runtime directory is not ours alone.
 */
bool state_claim(
	const char *runtime_dir, const char *id, const char *name, int *ret_lock_fd, struct err *e);

/*
 * state_write() - the record: temporary file, then rename
 * @more: NULL, or what commands are to know of it, behind an empty line (foreground.h)
 */
bool state_write(const char *runtime_dir, const struct state_record *record, const char *more,
	struct err *e);

/*
 * state_release() - remove directory and name; what is not there is fine
 * @exit_code: for those who wait (state_wait_open()); -1 when nobody knows
 */
void state_release(const char *runtime_dir, const char *id, const char *name, int exit_code);

/*
 * state_release_plain() - the same for one without a name, where mostly nobody waits
 * There are the record and, where the root has an /etc, three files of its own.
 * @lock_fd: from state_claim()
 * False when there was more: then state_release() is still to be called.
 */
bool state_release_plain(int lock_fd, const char *id);

/*
 * state_wait_open() - a pipe that brings the exit code, in decimal, when the starter releases it
 * @ret_path: what to remove when it is no longer waited for
 * Nobody is told when the starter is killed: look at it too.
 * Errors: ERR_STATE it has ended.
 */
bool state_wait_open(const char *runtime_dir, const char *id, char *ret_path, size_t size,
	int *ret_fd, struct err *e);

/* A running container has another name from now on; nothing to do for one that is not there. */
void state_rename(const char *runtime_dir, const char *id, const char *from, const char *to);

/*
 * state_rename_foreground() - the same for one whose starter knows the old name only
 * @from: "" for none
 * The starter's own release takes the new name away as well.
 * Errors: ERR_STATE the name is in use.
 */
bool state_rename_foreground(
	const char *runtime_dir, const char *id, const char *from, const char *to, struct err *e);

/*
 * state_find() - a running container by name, id or unique prefix of an id
 * Errors: ERR_STATE unknown, ambiguous, or no longer running.
 */
bool state_find(const char *runtime_dir, const char *text, struct state_record *ret, struct err *e);

/* The ids of all directories that are there, whoever's, in no order. */
void state_list(const char *runtime_dir, struct arena *arena, struct strv *ret);

/*
 * state_read_more() - what state_write() was given as more
 * @max: no more bytes than this
 * From malloc; NULL when there is nothing.
 */
char *state_read_more(const char *runtime_dir, const char *id, size_t max);

/*
 * state_sweep() - remove what starters that were killed left behind
 * Looks at no more than a few directories a call, so that a start among hundreds stays cheap.
 */
void state_sweep(const char *runtime_dir);

/* Start time of a process from /proc/PID/stat; false when it is gone or has ended. */
bool state_start_time(pid_t pid, uint64_t *ret);
/* Its parent's number; 0 when it is gone. */
pid_t state_parent(pid_t pid);
/* Both with one look. */
bool state_look(pid_t pid, uint64_t *ret_start_time, pid_t *ret_parent);

/* The wait status of one that has ended and is not reaped yet: proc(5) tells its owner. */
bool state_exit_status(pid_t pid, int *ret_status);

/*
 * state_adopt() - the directory, name and record of one that runs, whose lock is held by nobody
 * What is not there any more is made again. Errors: ERR_STATE somebody has it.
 */
bool state_adopt(const char *runtime_dir, const struct state_record *record, int *ret_lock_fd,
	struct err *e);

#endif
