/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec.c - one more program in a container
 *
 * The caller forks a keeper, which enters the container and waits for the program; the
 * caller keeps the terminal and never enters anything (apply/enter.c says why).
 */
#include "apply/proc.h"
#include "base/own.h"
#include "cmd/container_command.h"
#include "cmd/container_text.h"
#include "cmd/secret.h"
#include "spec/document.h"
#include "spec/namespaces.h"
#include "state/event.h"
#include "sys/clone.h"
#include "wire/msg.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* Namespaces of @pid that are not ours. */
static uint64_t foreign_namespaces(pid_t pid)
{
	static const struct {
		const char *file;
		uint64_t flag;
	} kinds[] = {{"user", CLONE_NEWUSER}, {"mnt", CLONE_NEWNS}, {"pid", CLONE_NEWPID},
		{"uts", CLONE_NEWUTS}, {"ipc", CLONE_NEWIPC}, {"net", CLONE_NEWNET},
		{"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME}};
	uint64_t flags = 0;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		char ours[64], theirs[64];
		struct stat a, b;
		snprintf(ours, sizeof(ours), "/proc/self/ns/%s", kinds[i].file);
		snprintf(theirs, sizeof(theirs), "/proc/%d/ns/%s", (int)pid, kinds[i].file);
		if (stat(ours, &a) == 0 && stat(theirs, &b) == 0 &&
			(a.st_ino != b.st_ino || a.st_dev != b.st_dev))
			flags |= kinds[i].flag;
	}
	return flags;
}

static bool read_map(
	struct arena *arena, pid_t pid, const char *name, struct id_map *ret, struct err *e)
{
	struct id_map map = {0};
	char *text = arena_read_file(
		arena, AT_FDCWD, arena_printf(arena, "/proc/%d/%s", (int)pid, name), NULL, e);
	char *line;
	if (!text)
		return false;
	while ((line = strsep(&text, "\n"))) {
		struct id_range range;
		if (sscanf(line, "%u %u %u", &range.inside, &range.outside, &range.count) == 3)
			*ARENA_APPEND(arena, map.v, map.n) = range;
	}
	*ret = map;
	return true;
}

static uint32_t inside_id(const struct id_map *map, uint32_t outside)
{
	for (size_t i = 0; i < map->n; i++)
		if (outside >= map->v[i].outside && outside - map->v[i].outside < map->v[i].count)
			return map->v[i].inside + (outside - map->v[i].outside);
	return 0;
}

/* The maps as the kernel has them: what the container was started with. */
static bool read_ids(struct container_command *c, pid_t pid, struct idmaps *ret, struct err *e)
{
	struct idmaps ids = {.rung = MAP_DIRECT};
	uint32_t ignored;
	if (!read_map(&c->to.arena, pid, "uid_map", &ids.uid, e) ||
		!read_map(&c->to.arena, pid, "gid_map", &ids.gid, e))
		return err_what(e, ERR_STATE, "the container has ended");
	ids.caller_uid = inside_id(&ids.uid, (uint32_t)c->host.uid);
	ids.caller_gid = inside_id(&ids.gid, (uint32_t)c->host.gid);
	ids.root_mapped = id_map_out(&ids.uid, 0, &ignored) && id_map_out(&ids.gid, 0, &ignored);
	bool is_single = ids.uid.n == 1 && ids.uid.v[0].count == 1;
	if (is_single)
		ids.rung = MAP_SINGLE;
	if (c->to.spec.userns == USERNS_KEEP_ID || is_single) {
		ids.default_uid = ids.caller_uid;
		ids.default_gid = ids.caller_gid;
	}
	*ret = ids;
	return true;
}

/* One in the foreground has no copies: the store is asked, and for variables only. */
static bool load_secrets(struct container_command *c, const struct container *record, struct err *e)
{
	struct spec *spec = &c->to.spec;
	size_t n = 0;
	if (!record->is_foreground)
		return secrets_load(&c->to, &c->host, e);
	for (size_t i = 0; i < spec->n_secrets; i++)
		if (spec->secrets[i].is_env)
			spec->secrets[n++] = spec->secrets[i];
	spec->n_secrets = n;
	return secrets_settle(&c->to, &c->host, e);
}

/* The container's document, with this program in it. */
static bool settle_spec(struct container_command *c, const struct container *record, struct err *e)
{
	struct process_spec typed = c->to.spec.process;
	struct spec defaults;
	bool has_workdir = c->to.has_workdir;
	spec_init(&defaults, &c->to.arena);
	if (!life_load(&c->to, &c->host, record, e) || !load_secrets(c, record, e))
		return false;
	struct process_spec *process = &c->to.spec.process;
	for (size_t i = 0; i < typed.env.n; i++)
		if (!strv_has(&defaults.process.env, typed.env.v[i]))
			strv_env_set(&c->to.arena, &process->env, typed.env.v[i]);
	if (typed.terminal && !strv_env(&typed.env, "TERM")) {
		const char *term = getenv("TERM");
		strv_env_set(&c->to.arena, &process->env,
			arena_printf(&c->to.arena, "TERM=%s", term ? term : "xterm"));
	}
	process->is_login = typed.is_login;
	process->terminal = typed.terminal;
	process->interactive = typed.interactive;
	process->preserve_fds = 0;
	process->args = (struct strv){0};
	for (int i = 1; i < c->argc; i++)
		strv_add(&c->to.arena, &process->args, c->argv[i]);
	if (typed.user[0])
		process->user = typed.user;
	if (has_workdir)
		process->cwd = typed.cwd;
	c->to.spec.timeout_ms = 0;
	return true;
}

static bool send_started(int wire_fd, struct proc *proc, struct notes *notes, struct err *e)
{
	struct msg m = {.kind = MSG_DONE};
	const int fds[2] = {proc->pid_fd, proc->pty_fd};
	/* At most a few: they are mostly about the terminal. */
	for (size_t i = 0; i < notes->n && i < NOTES_MAX; i++) {
		struct msg note = {.kind = MSG_NOTE};
		snprintf(note.err.what, sizeof(note.err.what), "%.255s", notes->text[i]);
		if (!msg_send(wire_fd, &note, NULL, 0, e))
			return false;
	}
	return msg_send(wire_fd, &m, fds, proc->pty_fd >= 0 ? 2 : 1, e);
}

static int wait_for(struct proc *proc)
{
	int status = 0;
	while (waitpid(proc->pid, &status, 0) < 0 && errno == EINTR)
		;
	proc->pid = 0;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void be_keeper(struct container_command *c, struct plan *plan, int wire_fd, pid_t caller)
	__attribute__((noreturn));
static void be_keeper(struct container_command *c, struct plan *plan, int wire_fd, pid_t caller)
{
	struct proc proc = PROC_INIT;
	struct err e = ERR_INIT;
	struct notes notes = {0};
	/* Ctrl-C and Ctrl-Z on the caller's terminal are for the caller to hand on. */
	if (!plan->spec->process.terminal || !plan->is_detached)
		setpgid(0, 0);
	if (!plan->is_detached)
		prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L);
	if (getppid() != caller)
		_exit(125);
	c->to.notes = &notes;
	if (!start(plan, &proc, &notes, &e) || !send_started(wire_fd, &proc, &notes, &e)) {
		struct msg m = {.kind = MSG_FAIL, .err = e};
		struct err ignored;
		int code = err_exit_code(&e);
		proc_drop(plan, &proc);
		msg_send(wire_fd, &m, NULL, 0, &ignored);
		_exit(code);
	}
	close(wire_fd);
	/* Whoever reads from the caller must not wait for us. */
	if (plan->is_detached)
		_exit(0);
	clean_fd(&proc.pty_fd);
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	_exit(wait_for(&proc));
}

static bool await_started(int wire_fd, struct proc *ret, struct notes *notes, struct err *e)
{
	for (;;) {
		struct msg m;
		int fds[MSG_FDS_MAX];
		size_t n_fds = 0;
		switch (msg_receive(wire_fd, &m, fds, &n_fds, e)) {
		case MSG_GOT_ERROR:
			return false;
		case MSG_GOT_EOF:
			err_msg(e, ERR_INTERNAL, "its keeper is gone");
			return err_what(e, ERR_INTERNAL, "cannot start the program");
		case MSG_GOT_RECORD:
			break;
		}
		if (m.kind == MSG_FAIL) {
			*e = m.err;
			return false;
		}
		if (m.kind == MSG_NOTE)
			notes_add(notes, "%s", m.err.what);
		if (m.kind != MSG_DONE)
			continue;
		ret->pid_fd = n_fds > 0 ? fds[0] : -1;
		ret->pty_fd = n_fds > 1 ? fds[1] : -1;
		return true;
	}
}

/* docker's three: made, runs, has ended. In the foreground nothing is written. */
static void tell(struct container_command *c, const struct container *record, const char *action,
	const char *more)
{
	if (!record->is_foreground)
		event_of_container(c->all_fd, record, action, more);
}

static void tell_of_program(
	struct container_command *c, const struct container *record, const char *action)
{
	const char *line = life_command_line(&c->to.arena, &c->to.spec.process.args);
	tell(c, record, arena_printf(&c->to.arena, "%s: %s", action, line), NULL);
}

static bool run_keeper(struct container_command *c, struct plan *plan, struct err *e)
{
	int wire[2];
	struct proc proc = PROC_INIT;
	pid_t caller = getpid();
	if (!msg_pair(wire, e))
		return false;
	pid_t keeper = clone_plain();
	if (keeper == 0) {
		close(wire[0]);
		be_keeper(c, plan, wire[1], caller);
	}
	close(wire[1]);
	bool ok = keeper > 0 ? await_started(wire[0], &proc, c->to.notes, e) : err_sys(e, "fork");
	if (ok)
		tell_of_program(c, plan->record, "exec_start");
	close(wire[0]);
	/* Its exit status is the program's: it stands for it from here on. */
	proc.pid = keeper;
	if (ok && !plan->is_detached) {
		sigset_t all;
		print_notes(c->to.notes);
		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, &proc.mask_before);
		proc.has_mask = true;
		ok = foreground(plan, &proc, c->to.notes, &c->status, e);
		if (ok)
			tell(c, plan->record, "exec_die",
				arena_printf(&c->to.arena, "exitCode=%d", c->status));
	} else if (keeper > 0) {
		waitpid(keeper, NULL, 0);
		proc.pid = 0;
	}
	proc_drop(plan, &proc);
	return ok;
}

bool container_enter(struct container_command *c, const struct container *record, int *ret_pid_fd,
	uint64_t *ret_flags, struct idmaps *ret_ids, struct err *e)
{
	CLEAN(clean_fd) int pid_fd = live_process_open(&record->first, record->boot_id);
	if (pid_fd < 0) {
		err_what(e, ERR_STATE, "container '%s' does not run", record->name);
		return err_hint(e, "start it with: guscio start %s", record->name);
	}
	if (!read_ids(c, record->first.pid, ret_ids, e))
		return false;
	*ret_flags = foreign_namespaces(record->first.pid);
	/* What was read by number belonged to this process only if it lives still. */
	if (!live_process_is_there(&record->first, record->boot_id))
		return err_what(e, ERR_STATE, "container '%s' has ended", record->name);
	*ret_pid_fd = TAKE_FD(pid_fd);
	return true;
}

bool container_exec(struct container_command *c, struct err *e)
{
	struct container record;
	struct idmaps ids;
	struct plan plan;
	bool is_detached = c->to.life.is_detached;
	if (!container_get(c, c->argv[0], &record, e))
		return false;
	/* In its cgroup the program would stand still as well, and its caller wait. */
	if (container_is_paused(&record)) {
		err_what(e, ERR_STATE, "container '%s' is paused", record.name);
		return err_hint(e, "let it go on first: guscio unpause %s", record.name);
	}
	CLEAN(clean_fd) int pid_fd = -1;
	uint64_t flags;
	if (!settle_spec(c, &record, e) || !container_enter(c, &record, &pid_fd, &flags, &ids, e))
		return false;
	plan_build_exec(&c->to.spec, &c->host, pid_fd, flags, &ids, &plan);
	plan.is_detached = is_detached;
	plan.record = &record;
	tell_of_program(c, &record, "exec_create");
	return run_keeper(c, &plan, e);
}

static int run_exec(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(
		self, argc, argv, notes, 2, -1, ARGUMENTS_AFTER, container_exec, e);
}

static const struct option_def exec_options[] = {
	{"detach", 'd', NULL, "do not wait for the program", set_detach},
	{"env", 'e', "NAME[=VALUE]", "set a variable; without value, the caller's", set_env},
	{"env-file", 0, "FILE", "read variables from FILE", set_env_file},
	{"interactive", 'i', NULL, "keep standard input open", set_interactive},
	{"privileged", 0, NULL, "refused: a program may do what its container may", set_privileged},
	{"tty", 't', NULL, "give the program a terminal", set_tty},
	{"user", 'u', "USER[:GROUP]", "name or id, looked up in the container", set_user},
	{"workdir", 'w', "DIR", "working directory inside", set_workdir}, {0}};

const struct command command_exec = {.name = "exec",
	.arguments = "[OPTIONS] CONTAINER COMMAND [ARGUMENTS...]",
	.summary = "Run one more program in a container that runs",
	.details = "\nIn all its namespaces, with its user, capabilities and system call filter.\n",
	.options = exec_options,
	.run = run_exec};
