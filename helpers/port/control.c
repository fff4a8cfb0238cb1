/* SPDX-License-Identifier: Apache-2.0 */
/* control.c - who may change the published ports of a container that runs, and how */
#include "base/own.h"
#include "port/server.h"
#include "wire/msg.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>

static bool list(struct server *s, int *ret_fd, struct err *e)
{
	CLEAN(clean_fd) int fd = memfd_create("ports", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "make a list");
	for (const struct entry *entry = s->entries; entry; entry = entry->next) {
		char text[PORT_LINE_SIZE + 1];
		port_line_write(&entry->line, text);
		size_t n = strlen(text);
		text[n++] = '\n';
		if (write(fd, text, n) != (ssize_t)n)
			return err_sys(e, "write the list");
	}
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "write the list");
	*ret_fd = TAKE_FD(fd);
	return true;
}

static bool act(struct server *s, const struct msg *m, int *fd, int *ret_list_fd, struct err *e)
{
	struct port_line line;
	if (m->kind == MSG_PORT_LIST)
		return list(s, ret_list_fd, e);
	if ((m->kind != MSG_PORT && m->kind != MSG_PORT_REMOVE) ||
		!port_line_read(m->err.what, &line))
		return err_msg(e, ERR_INTERNAL, "guscio-port does not understand the request");
	if (m->kind == MSG_PORT_REMOVE)
		return server_remove(s, &line, e);
	if (*fd < 0)
		return err_msg(e, ERR_INTERNAL, "a port without its socket");
	return server_add(s, &line, m->value != 0, TAKE_FD(*fd), e);
}

bool control_serve(struct server *s, int socket_fd)
{
	struct msg m, reply = {.kind = MSG_DONE};
	struct err e = ERR_INIT;
	int fds[MSG_FDS_MAX];
	size_t n_fds = 0;
	CLEAN(clean_fd) int list_fd = -1;
	if (msg_receive(socket_fd, &m, fds, &n_fds, &e) != MSG_GOT_RECORD)
		return false;
	for (size_t i = 1; i < n_fds; i++)
		close(fds[i]);
	CLEAN(clean_fd) int fd = n_fds ? fds[0] : -1;
	if (!act(s, &m, &fd, &list_fd, &e)) {
		reply.kind = MSG_FAIL;
		reply.err = e;
	}
	return msg_send(socket_fd, &reply, &list_fd, list_fd >= 0 ? 1 : 0, &e);
}

static void client_ready(struct server *s, struct watch *w, uint32_t events)
{
	(void)events;
	if (control_serve(s, w->fd))
		return;
	close(w->fd);
	free(w);
}

/* The socket lies in a directory of the caller's alone; this is the second lock. */
static bool is_caller(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.uid == geteuid();
}

void control_accept(struct server *s, struct watch *w, uint32_t events)
{
	(void)events;
	int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	struct watch *client = is_caller(fd) ? malloc(sizeof(*client)) : NULL;
	if (client)
		*client = (struct watch){client_ready, fd};
	if (client && server_watch(s, client, EPOLLIN))
		return;
	free(client);
	close(fd);
}
