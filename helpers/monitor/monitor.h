/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.h - what the parts of the monitor share */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include "monitor/log.h"
#include "state/container.h"
#include "wire/control.h"

#include <signal.h>

#define VISITORS_MAX 64

struct visitor {
	int fd;
	bool wants_output;
	bool is_behind; /* the current chunk did not fit into its socket */
};

enum monitor_stage {
	STAGE_RUNS,  /* the program runs */
	STAGE_STOPS, /* somebody asked us to end it: SIGKILL at the deadline */
	STAGE_WAITS, /* it has ended, and comes back at the deadline */
	STAGE_ENDS,  /* everything is written down; visitors are told */
};

struct monitor {
	const char *name, *bundle, *runtime_dir, *guscio;
	const char *id;
	int all_fd, dir_fd; /* containers/, and this container's directory */
	pid_t pid;
	int pid_fd, pty_fd, output_fd, error_fd, input_fd, listen_fd, signal_fd;
	int notify_fd; /* the program's word for systemd; -1 */
	bool is_pty_quiet;
	enum monitor_stage stage;
	uint64_t deadline_ms; /* 0: none */
	int status;	      /* of waitpid(2); -1: not yet */
	bool is_stranger;     /* it is another one's child: our predecessor was killed */
	bool was_stopped;     /* its end was wished */
	uint64_t began_ms;
	int console_fd;		 /* keeps a system's console there; -1 */
	bool has_passed_memory;	 /* more than the record allows */
	struct container record; /* as it was at the start: settings */
	struct arena *arena;
	struct visitor visitors[VISITORS_MAX];
	size_t n_visitors;
	enum control_kind chunk_kind; /* of the chunk that some visitor is behind with */
	size_t chunk_n;
	char chunk[CONTROL_DATA_MAX];
	size_t input_n; /* bytes for the program that it has not read yet */
	char input[CONTROL_DATA_MAX];
	struct control_record in;
	struct log log;
	struct health *health; /* NULL: no check */
};

uint64_t monitor_now_ms(void);

/* visitors.c */
void visitors_accept(struct monitor *m);
void visitors_add(struct monitor *m, int fd);
/* Reads what one has to say; may drop it: then the last one takes its place. */
void visitor_listen(struct monitor *m, size_t i);
/* Hands a chunk to all who want it; who cannot take it now is behind. */
void visitors_give(struct monitor *m, enum control_kind kind, const char *data, size_t n);
/* Tries again with those who are behind; false while there are such. */
bool visitors_catch_up(struct monitor *m);
void visitors_tell_end(struct monitor *m, int exit_code);

/* ending.c: the record, the restart policy, the last act */
int monitor_exit_code(const struct monitor *m);
/* Writes the end down; says whether, and after how long, it comes back. */
bool ending_record(struct monitor *m, uint64_t *ret_wait_ms);
/* Runs guscio in our place: it starts the container again. */
void ending_restart(struct monitor *m);
/* The container was stopped while it waited to come back. */
bool ending_is_stopped(struct monitor *m);
void ending_give_up(struct monitor *m);
/* With --rm guscio removes it; then our own end, with the program's exit code, which systemd sees.
 */
void ending_leave(struct monitor *m) __attribute__((noreturn));

#endif
