/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child_exec.c - the last step: the program, and init as pid 1
 *
 * Pid 1 forks here, without a copy of its memory: it stands still until the fork has become
 * the program, then becomes guscio-init while the program begins. Each holds an
 * end of the wire that closes with its execve. So the parent reads end-of-file when both
 * have worked, and a FAIL record from whichever did not.
 */
#include "apply/child.h"
#include "base/own.h"
#include "sys/clone.h"
#include "wire/msg.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

static void reset_signals(const struct child *child)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	/* What the caller ignored (nohup, a shell's background job) is not the container's. */
	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(&child->ignored, sig))
			sigaction(sig, &action, NULL);
	sigprocmask(SIG_SETMASK, &child->mask_before, NULL);
}

static bool keep_fds(struct child *child, struct err *e)
{
	const struct plan *plan = child->plan;
	for (uint32_t i = 0; i < plan->spec->process.preserve_fds; i++)
		if (fcntl((int)(3 + i), F_SETFD, 0) < 0)
			return err_what(e, ERR_USAGE, "descriptor %u is not open", 3 + i);
	for (size_t i = 0; i < plan->n_keep_fds; i++)
		if (fcntl(plan->keep_fds[i], F_SETFD, 0) < 0)
			return err_sys(e, "keep descriptor %d", plan->keep_fds[i]);
	return true;
}

static bool is_script(const char *path)
{
	char start[2] = {0};
	CLEAN(clean_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd >= 0 && read(fd, start, 2) == 2 && start[0] == '#' && start[1] == '!';
}

/* Why execve refused a file that is there. */
static bool explain_exec(const char *path, int sys, struct err *e)
{
	struct statvfs fs;
	struct stat st;
	bool exists = stat(path, &st) == 0;
	errno = sys;
	err_sys(e, "execute it");
	err_what(e, ERR_NOEXEC, "cannot run '%s'", path);
	if (sys == ENOENT && exists) {
		e->sys = 0;
		snprintf(e->cause, sizeof(e->cause),
			is_script(path)
				? "it is a script, and its interpreter is not in the container"
				: "its dynamic loader is not in the container");
		return err_hint(e, "the root lacks a library or shell that the program needs");
	}
	if (sys == ENOEXEC)
		return err_hint(e, "it is built for another processor, or a script without #!");
	if (sys == EACCES && exists && S_ISDIR(st.st_mode)) {
		e->sys = EISDIR;
		return false;
	}
	if (sys == EACCES && statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOEXEC))
		return err_hint(e, "it lies on a file system that is mounted noexec");
	if (sys == EACCES)
		return err_hint(e, "make it executable: chmod +x");
	return false;
}

static bool refuse_missing(struct child *child, struct err *e)
{
	const struct plan *plan = child->plan;
	const struct process_spec *process = &plan->spec->process;
	if (plan->name_by_candidate) {
		err_what(e, ERR_NOCOMMAND, "the container has no shell");
		return err_hint(e, "name the program to run after the root");
	}
	const char *program = process->args.v[0];
	if (plan->spec->is_system && plan->candidates.n > 1) {
		err_what(e, ERR_NOCOMMAND, "the root has no init: '%s' is not there", program);
		return err_hint(e, "nor any other known one; put systemd-sysv or the like into it");
	}
	if (strchr(program, '/'))
		return err_what(e, ERR_NOCOMMAND, "program '%s' is not in the container", program);
	err_what(e, ERR_NOCOMMAND, "program '%s' is not in the container's PATH", program);
	const char *path = strv_env(&process->env, "PATH");
	return err_hint(e, "PATH is %s", path ? path : "not set");
}

/* Returns only on failure. */
static bool exec_program(struct child *child, struct err *e)
{
	const struct plan *plan = child->plan;
	char *const *argv = plan->spec->process.args.v;
	char *shell_argv[2] = {NULL, NULL};
	const char *denied = NULL;
	if (!keep_fds(child, e))
		return false;
	reset_signals(child);
	if (plan->listen_pid)
		snprintf(plan->listen_pid, PLAN_LISTEN_PID_SIZE, "LISTEN_PID=%d", (int)getpid());
	if (plan->spec->process.is_login) {
		child_login_directory(child);
		execve(child->login.path, child->login.argv, child->envp);
		return explain_exec(child->login.path, errno, e);
	}
	for (size_t i = 0; i < plan->candidates.n; i++) {
		const char *path = plan->candidates.v[i];
		shell_argv[0] = plan->candidates.v[i];
		execve(path, plan->name_by_candidate ? shell_argv : argv, child->envp);
		int sys = errno;
		if (sys == ENOENT || sys == ENOTDIR) {
			if (faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0)
				return explain_exec(path, sys, e);
			continue;
		}
		/* As execvp(3): a file that may not be executed does not end the search. */
		if (sys == EACCES && i + 1 < plan->candidates.n) {
			denied = denied ? denied : path;
			continue;
		}
		return explain_exec(path, sys, e);
	}
	if (denied)
		return explain_exec(denied, EACCES, e);
	return refuse_missing(child, e);
}

static void fail_program(struct child *child, struct err *e) __attribute__((noreturn));
static void fail_program(struct child *child, struct err *e)
{
	struct msg m = {.kind = MSG_FAIL};
	struct err ignored;
	e->step = -1;
	m.err = *e;
	msg_send(child->wire_fd, &m, NULL, 0, &ignored);
	_exit(err_exit_code(e)); /* lint: child */
}

/* The fork's side: a process group of its own, in front on the terminal if there is one. */
static int be_program(void *argument)
{
	struct child *child = argument;
	struct err e = ERR_INIT;
	setpgid(0, 0);
	/* All signals are blocked here: SIGTTOU does not stop a background process. */
	if (child->plan->spec->process.terminal)
		tcsetpgrp(STDIN_FILENO, getpid());
	exec_program(child, &e);
	fail_program(child, &e);
}

static bool be_init(struct child *child, pid_t program, struct err *e)
{
	char pid[16];
	char *const argv[] = {
		"guscio-init", pid, child->plan->spec->process.terminal ? "t" : "-", NULL};
	char *const envp[] = {NULL};
	snprintf(pid, sizeof(pid), "%d", (int)program);
	execveat(child->init_fd, "", argv, envp, AT_EMPTY_PATH);
	err_sys(e, "execute guscio-init");
	err_what(e, ERR_HOST, "cannot start the container's init");
	return err_hint(e, "the system call filter or a noexec mount may forbid it: try --no-init");
}

/*
 * Our second thread has done its work, but may still be ending: under a limit of two processes it
 * would be the third one for some microseconds.
 */
static pid_t fork_program(struct child *child)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	pid_t pid = clone_for_exec(be_program, child);
	for (int tries = 0; pid < 0 && errno == EAGAIN && tries < 10; tries++) {
		nanosleep(&moment, NULL);
		pid = clone_for_exec(be_program, child);
	}
	return pid;
}

bool child_exec(struct child *child, const struct step *step, struct err *e)
{
	(void)step;
	/*
	 * The program runs for a moment beside us before we are guscio-init. Whatever capabilities
	 * it has, our descriptors and our own file are out of its reach: our memory belongs to the
	 * host's user namespace until exec [ptrace(2), CVE-2019-5736].
	 */
	prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
	/* It is on record by now: from here on it lives without us. */
	if (child->plan->is_detached)
		prctl(PR_SET_PDEATHSIG, 0L, 0L, 0L, 0L);
	if (child->plan->enters || !child->plan->spec->init)
		return exec_program(child, e);
	if (child->plan->spec->namespaces[NS_PID].mode != NS_PRIVATE)
		prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L);
	pid_t pid = fork_program(child);
	if (pid < 0) {
		err_sys(e, "fork");
		return err_what(e, ERR_HOST, "cannot start the program");
	}
	return be_init(child, pid, e);
}
