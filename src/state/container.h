/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container.h - containers that stay, on disk
 *
 * <data_dir>/containers/<id>/	an OCI bundle: config.json, the record "state", the log, the
 *				overlay with what the container has changed
 * <data_dir>/containers/names/<name>	a link to the id: made in one step, so a name has one holder
 * <data_dir>/containers/rm.<id>/	half removed; the next removal finishes it
 *
 * The lock of a container is flock(2) on its directory. Whoever changes the record
 * holds it; nobody holds it for as long as the container runs. A directory without a
 * record, whose lock is free, is rubbish of a command that was killed. There is no
 * lock over all of them and no list beside the directory.
 *
 * A record names boot id, pid and start time of what runs, so that a stale one is never
 * believed: container_repair() writes down what is true.
 */
#ifndef STATE_CONTAINER_H
#define STATE_CONTAINER_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

#define CONTAINER_VERSION 1
/* What is written down for an end that nobody saw. */
#define CONTAINER_EXIT_UNKNOWN 255

enum container_phase {
	CONTAINER_CREATED,
	CONTAINER_STARTING,
	CONTAINER_RUNNING,
	CONTAINER_RESTARTING, /* it has ended, its monitor waits before it starts it again */
	CONTAINER_EXITED,
	CONTAINER_PHASES,
};

/* A process that cannot be mistaken for another one. */
struct live_process {
	pid_t pid;
	uint64_t start_time; /* clock ticks since boot */
};

struct container {
	const char *id, *name;
	const char *image, *image_id; /* as the user wrote it; "" for other roots */
	const char *command;	      /* one line */
	const char *network, *ports;  /* for ps */
	const char *cgroup;	      /* below the mount; "": none of its own */
	const char *mounts;	      /* sources of -v, by commas, for filters */
	enum container_phase phase;
	const char *boot_id;
	struct live_process first;		     /* pid 1 of the container */
	struct live_process monitor;		     /* or the starter, before */
	int64_t created_ns, started_ns, finished_ns; /* since 1970; 0: not yet */
	int exit_code;
	const char *error; /* why the last start failed, or how the end was found */
	bool was_stopped;  /* by a user: no restart policy brings it back */
	bool is_oom_killed, is_auto_removed, has_terminal, has_input;
	uint64_t restart_count;
	const char *restart; /* no, always, unless-stopped, on-failure, on-failure:N */
	int stop_signal;
	uint64_t stop_timeout_ms;
	const char *log_driver; /* json-file, journald, none, passthrough */
	const char *log_tag;	/* of journald; "": the id */
	uint64_t log_max_size;	/* bytes of one file; 0: any */
	uint64_t log_max_files;
	const char *health_test; /* a shell command; "": none */
	uint64_t health_interval_ms, health_timeout_ms, health_start_ms, health_retries;
	const char *limits_by;	 /* what keeps its limits since the last start; "": nothing */
	bool is_system;		 /* its pid 1 speaks by reboot(2) */
	uint64_t memory_watched; /* the limit that the monitor keeps; 0: none */
	const char *health;	 /* "", starting, healthy, unhealthy */
	const char *sdnotify;	 /* container, conmon, healthy, ignore; "": not said */
	struct strv labels;	 /* KEY=VALUE */
	uint64_t output_pipe, error_pipe; /* inode numbers; 0: a terminal, or none of ours */
	bool is_foreground;		  /* not on disk: foreground.h */
	enum { LOOK_NOT_YET, LOOK_UP, LOOK_DOWN } look; /* what container_look() has seen */
	bool is_unwatched; /* it has seen that it runs without a monitor */
};

/* Every text empty, docker's defaults. */
void container_init(struct container *c);

/*
 * containers_open() - the directory of all containers
 * @may_create: make it when missing; else *ret_fd stays -1 with success
 */
bool containers_open(const char *data_dir, bool may_create, int *ret_fd, struct err *e);

/*
 * container_begin() - a directory and a name that are ours
 * @name: "" for none
 * @ret_fd: the directory, locked
 * The container comes into being with the first container_write().
 * Errors: ERR_STATE the name is in use.
 */
bool container_begin(int all_fd, const char *id, const char *name, int *ret_fd, struct err *e);

/*
 * container_lock() - wait for the container's lock
 * Errors: ERR_STATE it is not there any more; EINTR a signal came.
 */
bool container_lock(int all_fd, const char *id, int *ret_fd, struct err *e);

/* The same, but waits no longer than that: with e->sys EWOULDBLOCK. */
bool container_lock_within(
	int all_fd, const char *id, uint64_t timeout_ms, int *ret_fd, struct err *e);

/* Strings in @arena. Errors: ERR_INPUT spoilt, ERR_STATE of a newer version or not there. */
bool container_read(
	int all_fd, const char *id, struct arena *arena, struct container *ret, struct err *e);

/* Does @e say that a container is not there, or no longer? */
bool container_is_missing(const struct err *e);

/* Temporary file, then rename. @is_durable: on the disk before this returns. Wants the lock. */
bool container_write(int dir_fd, const struct container *c, bool is_durable, struct err *e);

/* What was written without waiting is on the disk when this returns. */
void container_sync(int dir_fd);

/* A file of the bundle, the same way. */
bool container_write_file(
	int dir_fd, const char *name, const char *text, bool is_durable, struct err *e);

/*
 * container_find() - the id for a name, an id or a unique prefix of one
 * Errors: ERR_STATE unknown or ambiguous.
 */
bool container_find(
	int all_fd, const char *text, struct arena *arena, const char **ret_id, struct err *e);

/* The one that has this very name; "" when nobody has it. */
void container_holder(int all_fd, const char *name, char ret_id[65]);

/* The ids that are there, in no order. Removes rubbish on its way. */
bool container_list(int all_fd, struct arena *arena, struct strv *ret, struct err *e);

/* The same for who reads each record anyway, and hands on those that have none. */
bool container_list_unread(int all_fd, struct arena *arena, struct strv *ret, struct err *e);

/* One without a record is just being made, or rubbish: then it is moved out of the way. */
void container_pass_over(int all_fd, const char *id);

/* Another name; the lock is held. Errors: ERR_STATE it is in use. */
bool container_take_name(int all_fd, const char *id, const char *name, struct err *e);
void container_leave_name(int all_fd, const char *id, const char *name);

/*
 * container_detach() - out of everybody's sight, with its name: the first half of a removal
 * @ret_name: what its directory is called from now on, in @all_fd
 */
bool container_detach(int all_fd, const struct container *c, char ret_name[80], struct err *e);

/* Is that very process still there? @boot_id: of the record. */
bool live_process_is_there(const struct live_process *p, const char *boot_id);
/* A descriptor of it, -1 when it is gone. */
int live_process_open(const struct live_process *p, const char *boot_id);
/* The boot id of now, "" when it cannot be known; read once. */
const char *boot_id_now(char buf[64]);

/* Looks once for many questions; @boot_id: of now. */
void container_look(struct container *c, const char *boot_id);

/* It runs, and its monitor was killed. */
bool container_is_unwatched(const struct container *c);

/* Something of it is alive: the container, or a monitor that will restart it. */
bool container_is_up(const struct container *c);

/*
 * container_repair() - the record becomes true when what it speaks of is gone
 * Changes *c too. Does nothing to one that is up, or that somebody has the lock of.
 */
bool container_repair(int all_fd, struct container *c, struct arena *arena, struct err *e);

const char *container_phase_name(enum container_phase phase);

#endif
