/* SPDX-License-Identifier: Apache-2.0 */
/* visitors.c - who is connected to the control socket */
#include "base/own.h"
#include "monitor/monitor.h"
#include "sys/tty.h"

#include <string.h>
#include <sys/socket.h>

static void drop(struct monitor *m, size_t i)
{
	clean_fd(&m->visitors[i].fd);
	m->visitors[i] = m->visitors[--m->n_visitors];
}

void visitors_add(struct monitor *m, int fd)
{
	if (m->n_visitors == VISITORS_MAX)
		close(fd);
	else
		m->visitors[m->n_visitors++] = (struct visitor){.fd = fd};
}

void visitors_accept(struct monitor *m)
{
	int fd;
	while ((fd = accept4(m->listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		visitors_add(m, fd);
}

static void resize(struct monitor *m, uint64_t value)
{
	struct winsize size = {.ws_row = (unsigned short)(value >> 16 & 0xffff),
		.ws_col = (unsigned short)(value & 0xffff)};
	struct err ignored;
	if (m->pty_fd >= 0)
		tty_set_size(m->pty_fd, &size, &ignored);
}

static void end_input(struct monitor *m)
{
	/* A terminal says it with Ctrl-D, as long as there is room for it. */
	if (m->pty_fd >= 0 && m->input_n < sizeof(m->input))
		m->input[m->input_n++] = 4;
	else if (m->pty_fd < 0 && !m->input_n)
		clean_fd(&m->input_fd);
}

void visitor_listen(struct monitor *m, size_t i)
{
	struct visitor *v = &m->visitors[i];
	ssize_t n = control_receive(v->fd, &m->in);
	if (n < 0 && errno != EAGAIN)
		drop(m, i);
	if (n < 0)
		return;
	switch (m->in.head.kind) {
	case CONTROL_HELLO:
		v->wants_output = m->in.head.value & CONTROL_WANTS_OUTPUT;
		break;
	case CONTROL_INPUT:
		if (m->pty_fd < 0 && m->input_fd < 0)
			break;
		/* Read only while the buffer is empty: it fits. */
		memcpy(m->input, m->in.data, (size_t)n);
		m->input_n = (size_t)n;
		break;
	case CONTROL_INPUT_END:
		end_input(m);
		break;
	case CONTROL_RESIZE:
		resize(m, m->in.head.value);
		break;
	default:
		drop(m, i);
	}
}

static bool give(struct monitor *m, struct visitor *v)
{
	v->is_behind = false;
	if (control_send(v->fd, m->chunk_kind, 0, m->chunk, m->chunk_n))
		return true;
	v->is_behind = errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM;
	return v->is_behind;
}

void visitors_give(struct monitor *m, enum control_kind kind, const char *data, size_t n)
{
	bool is_kept = false;
	for (size_t i = m->n_visitors; i-- > 0;) {
		if (!m->visitors[i].wants_output)
			continue;
		if (!is_kept) {
			memcpy(m->chunk, data, n);
			m->chunk_n = n;
			m->chunk_kind = kind;
			is_kept = true;
		}
		if (!give(m, &m->visitors[i]))
			drop(m, i);
	}
}

bool visitors_catch_up(struct monitor *m)
{
	bool is_done = true;
	for (size_t i = m->n_visitors; i-- > 0;) {
		if (m->visitors[i].is_behind && !give(m, &m->visitors[i]))
			drop(m, i);
		else if (m->visitors[i].is_behind)
			is_done = false;
	}
	return is_done;
}

void visitors_tell_end(struct monitor *m, int exit_code)
{
	while (m->n_visitors > 0) {
		control_send(m->visitors[0].fd, CONTROL_EXIT, (uint64_t)exit_code, NULL, 0);
		drop(m, 0);
	}
}
