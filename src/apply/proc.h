/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc.h - a plan carried out: a process that is being started, or runs
 *
 * struct proc owns the process until it is reaped: proc_drop() on a live one
 * kills and reaps it.
 */
#ifndef APPLY_PROC_H
#define APPLY_PROC_H

#include "base/notes.h"
#include "plan/plan.h"
#include "sys/cgroup.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <time.h>

/*
 * Shared between parent and child on pages of their own until exec takes them
 * away: which step each has begun, and when. Cheaper than a record a step, and still
 * readable when the child is gone without a word.
 */
struct progress {
	_Atomic int child_step;
	uint64_t start_ns;
	struct {
		uint64_t begin_ns;
		uint64_t end_ns;
	} step[]; /* plan->n_steps */
};

struct proc {
	pid_t pid;
	int pid_fd;
	int wire_fd;
	int pty_fd;  /* the terminal's master, -1 without one */
	int lock_fd; /* keeps the container's directory ours */
	int net_fd;  /* tells when the network's helper is gone; -1 without one */
	pid_t net_pid;
	int overlay_lock_fd; /* keeps the overlay's directory ours */
	int port_fd;	     /* to guscio-port; -1 without published ports */
	pid_t port_pid;
	int notify_fd; /* on which the program says that it is ready; -1 without one */
	bool is_ready; /* it has said so */
	int exit_code; /* as a shell says it; -1: it has not ended, or nobody knows */
	int cgroup_fd; /* the container's cgroup; -1 without one */
	int cgroup_parent_fd;
	char cgroup_path[CGROUP_PATH_MAX]; /* below the mount */
	const char *cgroup_name;	   /* below the parent; borrowed from the plan */
	bool is_claimed;		   /* the container's directory is to be removed */
	struct progress *progress;
	size_t progress_size;
	bool has_mask; /* signals are blocked until proc_drop() */
	sigset_t mask_before;
	sigset_t ignored; /* signals that the caller wants ignored */
};

#define PROC_INIT                                                                                  \
	{                                                                                          \
		.pid_fd = -1, .wire_fd = -1, .pty_fd = -1, .lock_fd = -1, .overlay_lock_fd = -1,   \
		.net_fd = -1, .port_fd = -1, .cgroup_fd = -1, .cgroup_parent_fd = -1,              \
		.notify_fd = -1, .exit_code = -1                                                   \
	}

/*
 * start() - carry out a plan up to the program's first instruction
 * @plan: borrowed; must outlive the process's setup
 * @ret:  filled on success; drop it with proc_drop()
 * @notes: survivable trouble of parent and child
 *
 * All signals are blocked from here until proc_drop(): the caller takes them by
 * signalfd. The program gets the mask that was before.
 *
 * Context: single-threaded.
 * Errors: of every step; ERR_NOCOMMAND and ERR_NOEXEC for the program.
 */
bool start(const struct plan *plan, struct proc *ret, struct notes *notes, struct err *e);

/*
 * proc_show() - write down what other commands are to see of one in the foreground
 * Until then they wait for it (STATE_AWAITED_MS). Nothing where the plan has nothing to show.
 */
void proc_show(const struct plan *plan, const struct proc *proc, struct notes *notes);

/* Ends what still runs, reaps it, and removes what start() left on disk. Keeps errno. */
void proc_drop(const struct plan *plan, struct proc *proc);

/* One line a step with its cost, in the arena, for --trace-start. */
const char *proc_trace(const struct plan *plan, const struct proc *proc);

/*
 * foreground() - stay with the program until it ends
 *
 * Copies between the caller's terminal and the container's, hands on signals and
 * window sizes, ends it at the time-out. The terminal's mode is restored on return, and by
 * a guard process should this one be killed.
 * @ret_status: 0 to 255 as a shell says it: exit code, or 128 + signal
 */
bool foreground(const struct plan *plan, struct proc *proc, struct notes *notes, int *ret_status,
	struct err *e);

#endif
