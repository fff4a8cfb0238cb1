/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/journal.h"
#include "wire/journal.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

/* A value with a line end in it would be two fields. */
static void add_field(struct journal *j, const char *name, const char *value, size_t value_max)
{
	size_t room = sizeof(j->head) - j->n_head;
	size_t n = strcspn(value, "\n");
	int added = snprintf(j->head + j->n_head, room, "%s=%.*s\n", name,
		(int)(n < value_max ? n : value_max), value);
	if (added > 0 && (size_t)added < room)
		j->n_head += (size_t)added;
}

bool journal_open(struct journal *j, const struct container *c)
{
	const struct timeval wait = {.tv_sec = 1};
	*j = (struct journal){.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
	if (j->fd < 0 || setsockopt(j->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0)
		return false;
	add_field(j, "CONTAINER_ID", c->id, 12);
	add_field(j, "CONTAINER_ID_FULL", c->id, 64);
	add_field(j, "CONTAINER_NAME", c->name, 256);
	add_field(j, "CONTAINER_TAG", c->log_tag[0] ? c->log_tag : c->id, c->log_tag[0] ? 256 : 12);
	add_field(j, "SYSLOG_IDENTIFIER", c->log_tag[0] ? c->log_tag : c->name, 256);
	if (c->image_id[0])
		add_field(j, "IMAGE_NAME", c->image, 512);
	return true;
}

bool journal_send(struct journal *j, bool is_error, bool is_part, const char *text, size_t n)
{
	static const char part[] = "CONTAINER_PARTIAL_MESSAGE=true\n";
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
	uint64_t length = htole64(n);
	/* syslog(3)'s err and info, as docker has them. */
	char field[] = "PRIORITY=6\nMESSAGE\n";
	if (is_error)
		field[9] = '3';
	struct iovec parts[] = {{j->head, j->n_head},
		{(void *)part, is_part ? sizeof(part) - 1 : 0}, {field, sizeof(field) - 1},
		{&length, sizeof(length)}, {(void *)text, n}, {(void *)"\n", 1}};
	struct msghdr message = {.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = parts,
		.msg_iovlen = sizeof(parts) / sizeof(parts[0])};
	ssize_t sent;
	do
		sent = sendmsg(j->fd, &message, MSG_NOSIGNAL | (j->is_behind ? MSG_DONTWAIT : 0));
	while (sent < 0 && errno == EINTR);
	j->is_behind = sent < 0;
	return sent >= 0;
}
