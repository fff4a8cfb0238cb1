/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/msg.h"
#include "base/own.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

union fd_control {
	struct cmsghdr header; /* for alignment */
	char room[CMSG_SPACE(sizeof(int) * MSG_FDS_MAX)];
};

bool msg_pair(int ret_fds[2], struct err *e)
{
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return err_sys(e, "make a socket pair");
	ret_fds[0] = fds[0];
	ret_fds[1] = fds[1];
	return true;
}

void msg_set_patience(int socket_fd)
{
	const struct timeval limit = {.tv_sec = MSG_PATIENCE_S};
	setsockopt(socket_fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(socket_fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

bool msg_blame(const char *helper, struct err *e)
{
	if (e->sys != EAGAIN)
		return false;
	err_msg(e, ERR_STATE, "%s does not answer for %d seconds", helper, MSG_PATIENCE_S);
	return err_hint(e,
		"is it stopped? pgrep -u $UID -f '^%s:' finds it, kill -CONT lets it go on",
		helper);
}

bool msg_send(int socket_fd, const struct msg *m, const int *fds, size_t n_fds, struct err *e)
{
	struct msg out = *m;
	out.version = MSG_VERSION;
	struct iovec iov = {.iov_base = &out, .iov_len = sizeof(out)};
	union fd_control control = {0};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	if (n_fds > MSG_FDS_MAX)
		return err_msg(e, ERR_INTERNAL, "%zu descriptors in one record", n_fds);
	if (n_fds > 0) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		struct cmsghdr *c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	ssize_t sent;
	do
		sent = sendmsg(socket_fd, &header, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return err_sys(e, "send a record");
	return true;
}

/* Takes every descriptor out of the control data; those nobody wants are closed. */
static void take_fds(struct msghdr *header, int *ret_fds, size_t *ret_n)
{
	size_t n = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (ret_fds && n < MSG_FDS_MAX)
				ret_fds[n++] = fd;
			else
				close(fd);
		}
	}
	if (ret_n)
		*ret_n = n;
}

enum msg_got msg_receive(
	int socket_fd, struct msg *ret, int *ret_fds, size_t *ret_n_fds, struct err *e)
{
	struct msg in;
	struct iovec iov = {.iov_base = &in, .iov_len = sizeof(in)};
	union fd_control control;
	struct msghdr header = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	ssize_t got;
	/*
	 * A peer that ends with a record of ours unread resets the pair: the kernel says so
	 * once, before it hands out what the peer had sent. Its last words come after that.
	 */
	do
		got = recvmsg(socket_fd, &header, MSG_CMSG_CLOEXEC);
	while (got < 0 && (errno == EINTR || errno == ECONNRESET));
	if (got == 0)
		return MSG_GOT_EOF;
	if (got < 0)
		return err_sys(e, "receive a record"), MSG_GOT_ERROR;
	if (got != sizeof(in) || in.version != MSG_VERSION) {
		take_fds(&header, NULL, NULL);
		err_msg(e, ERR_INTERNAL, "a record of another version of guscio");
		err_hint(e, "install guscio and its helpers from one build");
		return MSG_GOT_ERROR;
	}
	take_fds(&header, ret_fds, ret_n_fds);
	in.err.what[sizeof(in.err.what) - 1] = '\0';
	in.err.cause[sizeof(in.err.cause) - 1] = '\0';
	in.err.hint[sizeof(in.err.hint) - 1] = '\0';
	*ret = in;
	return MSG_GOT_RECORD;
}
