/* SPDX-License-Identifier: Apache-2.0 */
/* port_client.c - what is said to guscio-port: at its start, and while it runs */
#include "apply/ports.h"
#include "base/own.h"
#include "sys/spawn.h"
#include "wire/msg.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CLIENTS_WAITING 16

static bool send_port(int fd, const struct open_port *port, struct err *e)
{
	struct msg m = {.kind = MSG_PORT, .value = port->is_inherited};
	port_line_write(&port->line, m.err.what);
	return msg_send(fd, &m, &port->fd, 1, e);
}

static bool send_go(int fd, const struct port_target *target, struct err *e)
{
	struct msg m = {.kind = MSG_GO};
	const int fds[] = {target->pid_fd, target->network->user_fd, target->network->net_fd,
		target->control_fd};
	snprintf(m.err.what, sizeof(m.err.what), "%.12s %s %s %s %s", target->id, target->guest4,
		target->guest6, target->gateway4, target->gateway6);
	return msg_send(fd, &m, fds, target->control_fd >= 0 ? 4 : 3, e);
}

static bool open_namespace(pid_t pid, const char *name, int *ret_fd, struct err *e)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *ret_fd >= 0 || err_sys(e, "open '%s'", path);
}

bool network_open(pid_t pid, struct network_of *ret, struct err *e)
{
	struct network_of found = NETWORK_OF_NONE;
	if (open_namespace(pid, "user", &found.user_fd, e) &&
		open_namespace(pid, "net", &found.net_fd, e)) {
		*ret = found;
		return true;
	}
	network_close(&found);
	return false;
}

void network_close(struct network_of *network)
{
	clean_fd(&network->user_fd);
	clean_fd(&network->net_fd);
}

bool ports_serve(const struct open_ports *ports, const struct port_target *target, int *ret_fd,
	pid_t *ret_pid, struct err *e)
{
	int pair[2];
	char path[4096], number[16], id[16];
	char *const argv[] = {path, number, id, NULL};
	static const int stdio[3] = {-1, -1, -1};
	struct err gone = ERR_INIT;
	if (!msg_pair(pair, e))
		return false;
	CLEAN(clean_fd) int own_fd = pair[0];
	CLEAN(clean_fd) int its_fd = pair[1];
	snprintf(path, sizeof(path), "%s/guscio-port", target->helper_dir);
	snprintf(number, sizeof(number), "%d", its_fd);
	snprintf(id, sizeof(id), "%.12s", target->id);
	if (!spawn_program(argv, &its_fd, 1, stdio, ret_pid, e))
		return err_what(e, ERR_HOST, "cannot serve the published ports");
	clean_fd(&its_fd);
	bool ok = true;
	for (size_t i = 0; ok && i < ports->n; i++)
		ok = send_port(own_fd, &ports->v[i], &gone);
	ok = ok && send_go(own_fd, target, &gone);
	/* One that failed early has said why: ports_ready() reads it. */
	if (!ok && gone.sys != EPIPE && gone.sys != ECONNRESET)
		return *e = gone, err_what(e, ERR_HOST, "cannot serve the published ports");
	*ret_fd = TAKE_FD(own_fd);
	return true;
}

/* One record that is no note, or false. */
static bool receive_answer(int fd, struct msg *ret, int *ret_fd, struct err *e)
{
	int fds[MSG_FDS_MAX];
	size_t n_fds = 0;
	*ret_fd = -1;
	switch (msg_receive(fd, ret, fds, &n_fds, e)) {
	case MSG_GOT_EOF:
		return err_msg(e, ERR_INTERNAL, "guscio-port ended unexpectedly");
	case MSG_GOT_ERROR:
		return msg_blame("guscio-port", e);
	case MSG_GOT_RECORD:
		break;
	}
	for (size_t i = 1; i < n_fds; i++)
		close(fds[i]);
	if (n_fds)
		*ret_fd = fds[0];
	if (ret->kind == MSG_DONE)
		return true;
	clean_fd(ret_fd);
	*e = ret->err;
	return ret->kind == MSG_FAIL ? false : err_msg(e, ERR_INTERNAL, "an unknown answer");
}

bool ports_ready(int fd, struct notes *notes, struct err *e)
{
	struct msg m;
	int none_fd;
	if (!receive_answer(fd, &m, &none_fd, e))
		return err_what(e, ERR_HOST, "cannot serve the published ports");
	clean_fd(&none_fd);
	if (m.err.what[0])
		notes_add(notes, "%s", m.err.what);
	return true;
}

/* The directory's own path may be longer than a socket's may: it is named by descriptor. */
static void name(int directory_fd, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/port.sock", directory_fd);
}

bool ports_listen(int directory_fd, int *ret_fd, struct err *e)
{
	struct sockaddr_un address;
	name(directory_fd, &address);
	CLEAN(clean_fd) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(fd, CLIENTS_WAITING) < 0)
		return err_sys(e, "make the ports' control socket");
	*ret_fd = TAKE_FD(fd);
	return true;
}

bool ports_connect(int directory_fd, int *ret_fd, struct err *e)
{
	struct sockaddr_un address;
	name(directory_fd, &address);
	CLEAN(clean_fd) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	*ret_fd = -1;
	if (fd < 0)
		return err_sys(e, "open a socket");
	msg_set_patience(fd);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		*ret_fd = TAKE_FD(fd);
	else if (errno != ENOENT && errno != ECONNREFUSED)
		return err_sys(e, "ask guscio-port") || msg_blame("guscio-port", e);
	return true;
}

bool ports_add(int control_fd, const struct open_port *port, struct err *e)
{
	struct msg m;
	int none_fd;
	bool ok = send_port(control_fd, port, e) && receive_answer(control_fd, &m, &none_fd, e);
	if (ok)
		clean_fd(&none_fd);
	return ok;
}

bool ports_remove(int control_fd, const struct port_line *line, struct err *e)
{
	struct msg m = {.kind = MSG_PORT_REMOVE};
	int none_fd;
	port_line_write(line, m.err.what);
	bool ok =
		msg_send(control_fd, &m, NULL, 0, e) && receive_answer(control_fd, &m, &none_fd, e);
	if (ok)
		clean_fd(&none_fd);
	return ok;
}

bool ports_list(int control_fd, struct arena *arena, const char **ret, struct err *e)
{
	struct msg m = {.kind = MSG_PORT_LIST};
	int fd;
	if (!msg_send(control_fd, &m, NULL, 0, e) || !receive_answer(control_fd, &m, &fd, e))
		return false;
	*ret = fd < 0 ? NULL : arena_read_fd(arena, fd, "the list of ports", NULL, e);
	clean_fd(&fd);
	return *ret || err_msg(e, ERR_INTERNAL, "guscio-port gave no list");
}
