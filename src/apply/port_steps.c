/* SPDX-License-Identifier: Apache-2.0 */
/* port_steps.c - published ports in a start */
#include "apply/ports.h"
#include "apply/start.h"
#include "base/own.h"

#include <poll.h>
#include <sys/wait.h>

#define FIRST_FD 3

/* How long the end of a container waits for its ports to be free again. */
#define FREE_WAIT_MS 2000

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

bool parent_open_ports(struct starter *s, const struct step *step, struct err *e)
{
	const struct spec *spec = s->plan->spec;
	(void)step;
	for (size_t i = 0; i < spec->n_ports; i++)
		if (!ports_open(&spec->ports[i], spec->arena, &s->ports, e))
			return false;
	close_gaps(spec);
	return true;
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
		.control_fd = control_fd,
		.guest4 = step->ports.guest4,
		.guest6 = step->ports.guest6,
		.gateway4 = step->ports.gateway4,
		.gateway6 = step->ports.gateway6};
	bool ok = ports_serve(&s->ports, &target, &s->proc.port_fd, &s->proc.port_pid, e);
	ports_close(&s->ports);
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
