/* SPDX-License-Identifier: Apache-2.0 */
#include "port/diag.h"
#include "base/own.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

struct request {
	struct nlmsghdr header;
	struct inet_diag_req_v2 body;
};

bool diag_open(int *ret_fd, struct err *e)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0)
		return err_sys(e, "open a socket for diagnosis");
	*ret_fd = fd;
	return true;
}

static void set_end(const union peer *from, __be16 *port, __be32 address[4])
{
	if (from->sa.sa_family == AF_INET6) {
		*port = from->v6.sin6_port;
		memcpy(address, &from->v6.sin6_addr, sizeof(from->v6.sin6_addr));
	} else {
		*port = from->v4.sin_port;
		memcpy(address, &from->v4.sin_addr, sizeof(from->v4.sin_addr));
	}
}

static bool ask(int fd, struct request *r, uint16_t type, uint16_t flags, void *answer, size_t size)
{
	r->header = (struct nlmsghdr){.nlmsg_len = sizeof(*r),
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)};
	return send(fd, r, sizeof(*r), MSG_DONTWAIT) == (ssize_t)sizeof(*r) &&
	       recv(fd, answer, size, MSG_DONTWAIT) >= (ssize_t)sizeof(struct nlmsghdr);
}

void diag_destroy(int diag_fd, const union peer *guest, const union peer *peer)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_msg body;
		char room[1024];
	} found = {0};
	struct request r = {.body = {.sdiag_family = (uint8_t)guest->sa.sa_family,
				    .sdiag_protocol = IPPROTO_TCP,
				    .idiag_states = ~0u,
				    .id.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}};
	set_end(guest, &r.body.id.idiag_sport, r.body.id.idiag_src);
	set_end(peer, &r.body.id.idiag_dport, r.body.id.idiag_dst);
	if (!ask(diag_fd, &r, SOCK_DIAG_BY_FAMILY, 0, &found, sizeof(found)) ||
		found.header.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return;
	/* Where there is no connection any more the kernel finds the socket that listens. */
	if (found.body.idiag_state == TCP_LISTEN ||
		found.body.id.idiag_dport != r.body.id.idiag_dport)
		return;
	/* Only this very socket, whatever has become of the addresses meanwhile. */
	memcpy(r.body.id.idiag_cookie, found.body.id.idiag_cookie, sizeof(r.body.id.idiag_cookie));
	ask(diag_fd, &r, SOCK_DESTROY, NLM_F_ACK, &found, sizeof(found));
}
