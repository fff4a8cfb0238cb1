/* SPDX-License-Identifier: Apache-2.0 */
/* port_steps.c - published ports in a start */
#include "apply/ports.h"
#include "apply/start.h"
#include "base/own.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define FIRST_FD 3

/* How long the end of a container waits for its ports to be free again. */
#define FREE_WAIT_MS   2000
#define AGAIN_AFTER_MS 20
#define AGAIN_MAX      10

/* LISTEN_FDS counts from 3 on without gaps: what a port took out of the row is filled up. */
static void close_gaps(const struct spec *spec)
{
	int to = FIRST_FD;
	if (spec->listen_fds == spec->listen_given)
		return;
	for (int fd = FIRST_FD; fd < FIRST_FD + (int)spec->listen_given; fd++) {
		bool is_taken = false;
		for (size_t i = 0; i < spec->n_ports; i++)
			is_taken |= spec->ports[i].fd == fd;
		if (!is_taken && fd != to)
			dup2(fd, to);
		to += !is_taken;
	}
	for (; to < FIRST_FD + (int)spec->listen_given; to++)
		close(to);
}

/* guscio-port has its own: a port that is removed must be closed everywhere. */
static void drop_inherited(const struct spec *spec)
{
	for (size_t i = 0; i < spec->n_ports; i++)
		if (spec->ports[i].fd >= FIRST_FD + (int)spec->listen_given)
			close(spec->ports[i].fd);
	close_gaps(spec);
}

/*
 * The guscio-port of a container that has just been stopped may be a moment behind it: who
 * starts that container again finds its ports free a moment later.
 */
static bool open_patiently(struct starter *s, const struct port_spec *port, struct err *e)
{
	const struct timespec moment = {.tv_nsec = AGAIN_AFTER_MS * 1000000L};
	size_t before = s->ports.n;
	for (int left = s->plan->is_detached ? AGAIN_MAX : 0;; left--) {
		if (ports_open(port, s->plan->spec->arena, &s->ports, e))
			return true;
		if (s->ports.why != EADDRINUSE || left <= 0)
			return false;
		while (s->ports.n > before)
			clean_fd(&s->ports.v[--s->ports.n].fd);
		*e = (struct err)ERR_INIT;
		nanosleep(&moment, NULL);
	}
}

bool parent_open_ports(struct starter *s, const struct step *step, struct err *e)
{
	const struct spec *spec = s->plan->spec;
	(void)step;
	getrlimit(RLIMIT_NOFILE, &s->files_before);
	for (size_t i = 0; i < spec->n_ports; i++)
		if (!open_patiently(s, &spec->ports[i], e))
			return false;
	drop_inherited(spec);
	return true;
}

/* Many sockets may have taken more than the caller's limit: the program gets what there was. */
static void give_limit_back(const struct starter *s)
{
	const struct process_spec *process = &s->plan->spec->process;
	struct rlimit now;
	bool is_set =
		getrlimit(RLIMIT_NOFILE, &now) < 0 || now.rlim_cur == s->files_before.rlim_cur;
	for (size_t i = 0; i < process->n_rlimits; i++)
		is_set |= process->rlimits[i].resource == RLIMIT_NOFILE;
	if (!is_set)
		prlimit(s->proc.pid, RLIMIT_NOFILE, &s->files_before, NULL);
}

bool parent_hold_network(struct starter *s, const struct step *step, struct err *e)
{
	(void)step;
	return network_open(s->proc.pid, &s->port_network, e);
}

bool parent_serve_ports(struct starter *s, const struct step *step, struct err *e)
{
	const struct plan *plan = s->plan;
	CLEAN(clean_fd) int control_fd = -1;
	if (!ports_listen(s->proc.lock_fd, &control_fd, e))
		return false;
	const struct port_target target = {.helper_dir = plan->host->helper_dir,
		.id = plan->spec->id,
		.pid_fd = s->proc.pid_fd,
		.network = &s->port_network,
		.control_fd = control_fd,
		.guest4 = step->ports.guest4,
		.guest6 = step->ports.guest6,
		.gateway4 = step->ports.gateway4,
		.gateway6 = step->ports.gateway6};
	give_limit_back(s);
	bool ok = ports_serve(&s->ports, &target, &s->proc.port_fd, &s->proc.port_pid, e);
	ports_close(&s->ports);
	network_close(&s->port_network);
	return ok;
}

bool parent_ports_ready(struct starter *s, const struct step *step, struct err *e)
{
	(void)step;
	return ports_ready(s->proc.port_fd, s->notes, e);
}

void ports_release(struct proc *proc)
{
	struct pollfd closed = {.fd = proc->port_fd, .events = POLLIN};
	if (proc->port_fd >= 0)
		poll(&closed, 1, FREE_WAIT_MS);
	clean_fd(&proc->port_fd);
	/* It may still deliver what the program said last: then it is not ours to wait for. */
	if (proc->port_pid > 0)
		waitpid(proc->port_pid, NULL, WNOHANG);
	proc->port_pid = 0;
}
