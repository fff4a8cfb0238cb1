/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/visit.h"
#include "base/own.h"
#include "sys/clone.h"
#include "wire/msg.h"

#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static bool run_here(const struct plan *plan, struct notes *notes, struct err *e)
{
	struct proc proc = PROC_INIT;
	bool ok = start(plan, &proc, notes, e);
	proc_drop(plan, &proc);
	return ok;
}

static void be_visitor(const struct plan *plan, int wire_fd) __attribute__((noreturn));
static void be_visitor(const struct plan *plan, int wire_fd)
{
	struct notes notes = {0};
	struct msg m = {.kind = MSG_DONE, .err = ERR_INIT};
	struct err ignored;
	prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L);
	if (!run_here(plan, &notes, &m.err))
		m.kind = MSG_FAIL;
	for (size_t i = 0; i < notes.n && i < NOTES_MAX; i++) {
		struct msg note = {.kind = MSG_NOTE};
		snprintf(note.err.what, sizeof(note.err.what), "%.255s", notes.text[i]);
		msg_send(wire_fd, &note, NULL, 0, &ignored);
	}
	msg_send(wire_fd, &m, NULL, 0, &ignored);
	_exit(0); /* lint: child */
}

static bool hear(int wire_fd, struct notes *notes, struct err *e)
{
	for (;;) {
		struct msg m;
		switch (msg_receive(wire_fd, &m, NULL, NULL, e)) {
		case MSG_GOT_ERROR:
			return false;
		case MSG_GOT_EOF:
			return err_msg(e, ERR_INTERNAL, "the visitor of the container is gone");
		case MSG_GOT_RECORD:
			break;
		}
		if (m.kind == MSG_NOTE)
			notes_add(notes, "%s", m.err.what);
		else if (m.kind == MSG_DONE)
			return true;
		else
			return *e = m.err, false;
	}
}

bool visit_run(
	struct plan *plan, visit_action *act, void *argument, struct notes *notes, struct err *e)
{
	int wire[2];
	plan->visit = act;
	plan->visit_argument = argument;
	if (!plan->enters)
		return run_here(plan, notes, e);
	if (!msg_pair(wire, e))
		return false;
	pid_t pid = clone_plain();
	if (pid == 0) {
		close(wire[0]);
		be_visitor(plan, wire[1]);
	}
	close(wire[1]);
	bool ok = pid > 0 ? hear(wire[0], notes, e) : err_sys(e, "fork");
	close(wire[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return ok;
}
