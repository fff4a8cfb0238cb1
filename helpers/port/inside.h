/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inside.h - sockets in the container's network namespace
 *
 * They speak with the address of the peer outside (IP_TRANSPARENT), so that the program
 * sees who calls. What they send bears a mark; the kernel is told to put it on the answers
 * (tcp_fwmark_accept, fwmark_reflect), and one rule leads those back to us. So nothing else
 * that the program sends is touched. UDP has no connection that could keep a mark: there each
 * flow has a rule of its own, and so has TCP where the marks cannot be switched on.
 *
 * A peer on the loopback of the host must not look like one on the loopback of the container,
 * which programs trust: it is shown as the gateway, which stands for the host. So is every
 * peer whose address is the container's own, or of the other family.
 */
#ifndef PORT_INSIDE_H
#define PORT_INSIDE_H

#include "base/err.h"
#include "port/rules.h"

struct inside_family {
	bool is_there;
	bool is_transparent; /* foreign addresses can be used, answers come back */
	bool has_marks;
	bool lacks_source; /* the guest's address was not there yet (rules_route()) */
	union peer guest;  /* where the program listens */
	union peer gateway;
};

struct inside {
	int rules_fd;
	int diag_fd;
	struct inside_family v4, v6;
};

/* A socket inside and how it is seen. */
struct inside_socket {
	int fd;
	union peer source; /* family 0: the kernel's choice */
	bool has_rule;
	uint16_t port; /* the program's */
	int protocol;
};

/* A socket for both families shows IPv4 peers in IPv6's clothes: takes them off. */
void peer_unmap(union peer *p);

/*
 * inside_enter() - become a member of the container's user and network namespace
 * Not of its mounts and processes: nobody in it can see or reach us.
 */
bool inside_enter(int user_fd, int net_fd, struct err *e);

/*
 * inside_prepare() - lead answers back
 * @guest4 …: as text; "-": to be found out
 * @ret_note: what cannot be had here, or ""
 */
bool inside_prepare(struct inside *in, const char *guest4, const char *guest6, const char *gateway4,
	const char *gateway6, char *ret_note, size_t note_size, struct err *e);

/*
 * inside_open() - a socket towards the program
 * @family: AF_INET or AF_INET6, how the program is spoken to
 * @peer: who speaks; family 0 or AF_UNIX: without an address
 * A stream is on its way to be connected (EINPROGRESS); a datagram socket is bound only.
 * Returns false with errno.
 */
bool inside_open(struct inside *in, int protocol, int family, const union peer *peer, uint16_t port,
	struct inside_socket *ret);
void inside_close(const struct inside *in, struct inside_socket *s);
/* Breaks a stream off, and sees to it that the program hears of it. */
void inside_reset(const struct inside *in, struct inside_socket *s);

const struct inside_family *inside_family(const struct inside *in, int family);

#endif
