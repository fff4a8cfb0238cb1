/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ports.h - published ports: sockets of the host, and guscio-port that serves them
 *
 * A start opens the sockets first of all; "guscio port --add" opens them for a container
 * that runs. Both hand them to guscio-port, which nobody else talks to.
 */
#ifndef APPLY_PORTS_H
#define APPLY_PORTS_H

#include "base/err.h"
#include "base/notes.h"
#include "spec/spec.h"
#include "wire/port_msg.h"

#include <sys/types.h>

/* A socket that waits for callers on the host. */
struct open_port {
	struct port_line line;
	int fd;
	bool is_inherited; /* by --fd: its first callers wait for the program */
};

struct open_ports {
	struct open_port *v; /* in the arena */
	size_t n;
	int why; /* errno of the last refusal, 0 for another failure */
};

/*
 * ports_open() - the sockets that a published port means
 * @ret: grows by them; close them with ports_close() also after a failure
 * Errors: in the user's words: in use, not ours, reserved for root, too many.
 */
bool ports_open(
	const struct port_spec *port, struct arena *arena, struct open_ports *ret, struct err *e);
void ports_close(struct open_ports *ports);

/* The namespaces that guscio-port joins; -1: none. */
struct network_of {
	int user_fd;
	int net_fd;
};

#define NETWORK_OF_NONE ((struct network_of){-1, -1})

/*
 * network_open() - by a process in them
 * One with ids that are not ours hides them until it has executed a program.
 */
bool network_open(pid_t pid, struct network_of *ret, struct err *e);
void network_close(struct network_of *network);

/* What guscio-port must know of the container; an address "-" is found out by it. */
struct port_target {
	const char *helper_dir;
	const char *id;
	int pid_fd;
	const struct network_of *network;
	int control_fd; /* a listening socket; -1: none */
	const char *guest4, *guest6, *gateway4, *gateway6;
};

/*
 * ports_serve() - start guscio-port and hand the sockets over
 * @ret_fd: its answer comes there (ports_ready()); it closes when the ports are free again
 */
bool ports_serve(const struct open_ports *ports, const struct port_target *target, int *ret_fd,
	pid_t *ret_pid, struct err *e);
bool ports_ready(int fd, struct notes *notes, struct err *e);

/* The control socket in a container's directory; stays as port.sock until the directory goes. */
bool ports_listen(int directory_fd, int *ret_fd, struct err *e);
/* *ret_fd -1: nobody serves ports there. */
bool ports_connect(int directory_fd, int *ret_fd, struct err *e);

/* Requests to a guscio-port that runs. */
bool ports_add(int control_fd, const struct open_port *port, struct err *e);
bool ports_remove(int control_fd, const struct port_line *line, struct err *e);
/* The list as text, a port_line a line, in the arena. */
bool ports_list(int control_fd, struct arena *arena, const char **ret, struct err *e);

#endif
