/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/control.h"
#include "base/own.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

bool control_send(int fd, enum control_kind kind, uint64_t value, const void *data, size_t n)
{
	struct control_head head = {CONTROL_VERSION, kind, value};
	struct iovec parts[2] = {{&head, sizeof(head)}, {(void *)data, n}};
	const struct msghdr m = {.msg_iov = parts, .msg_iovlen = 2};
	ssize_t sent;
	do
		sent = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent >= 0;
}

ssize_t control_receive(int fd, struct control_record *ret)
{
	ssize_t n;
	do
		n = recv(fd, ret, sizeof(*ret), MSG_DONTWAIT | MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		errno = EPIPE;
	if (n <= 0)
		return -1;
	if ((size_t)n < sizeof(ret->head) || (size_t)n > sizeof(*ret) ||
		ret->head.version != CONTROL_VERSION) {
		errno = EPROTO;
		return -1;
	}
	return n - (ssize_t)sizeof(ret->head);
}

static void make_address(int dir_fd, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/ctl", dir_fd);
}

bool control_listen(int dir_fd, int *ret_fd, struct err *e)
{
	struct sockaddr_un address;
	CLEAN(clean_fd) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	make_address(dir_fd, &address);
	unlinkat(dir_fd, "ctl", 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(fd, 64) < 0) {
		err_sys(e, "make its control socket");
		return err_what(e, ERR_HOST, "cannot watch over the container");
	}
	*ret_fd = TAKE_FD(fd);
	return true;
}

bool control_connect(int dir_fd, int *ret_fd, struct err *e)
{
	struct sockaddr_un address;
	CLEAN(clean_fd) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	make_address(dir_fd, &address);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		err_sys(e, "connect to its monitor");
		return err_what(e, ERR_STATE, "cannot reach the container's monitor");
	}
	*ret_fd = TAKE_FD(fd);
	return true;
}

bool control_pair(int ret_fds[2], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) < 0)
		return err_sys(e, "make a socket pair");
	return true;
}
