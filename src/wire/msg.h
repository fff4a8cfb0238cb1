/* SPDX-License-Identifier: Apache-2.0 */
/*
 * msg.h - the records that parent, child and helpers exchange
 *
 * One SOCK_SEQPACKET pair, one struct msg a record, fds beside it. End of
 * file is a word of its own: before the last step it means that the other side
 * died, in it that execve worked, because close-on-exec closed the socket.
 * Both ends are the same binary or ship with it; the version catches a
 * half-upgraded installation.
 */
#ifndef WIRE_MSG_H
#define WIRE_MSG_H

#include "base/err.h"

#define MSG_VERSION 1
#define MSG_FDS_MAX 4

enum msg_kind {
	MSG_GO = 1, /* parent: ids are mapped, go on */
	MSG_NOTE,   /* child: something survivable (text in err.what), or an fd for the parent */
	MSG_FAIL,   /* child: setup ended, err says why */
	MSG_ASK,    /* to a helper: a question; value says which, err holds its words */
	MSG_DONE,   /* helper: finished; value and text hold its result */
	MSG_PORT,   /* to guscio-port: serve this port (wire/port_msg.h), its socket beside it */
	MSG_PORT_REMOVE, /* to guscio-port: no longer */
	MSG_PORT_LIST,	 /* to guscio-port: all of them, as text in a descriptor beside DONE */
};

struct msg {
	uint32_t version;
	uint32_t kind;
	uint64_t value;
	struct err err;
};

/* A connected pair, both ends close-on-exec. */
bool msg_pair(int ret_fds[2], struct err *e);

/*
 * msg_set_patience() - for a helper that others may have stopped
 * Neither connecting nor a record on this socket takes longer than MSG_PATIENCE_S from now on.
 */
#define MSG_PATIENCE_S 5
void msg_set_patience(int socket_fd);
/* When patience has run out this says whose fault it is. Evaluates to false. */
bool msg_blame(const char *helper, struct err *e);

/*
 * msg_send() - one record, with at most MSG_FDS_MAX descriptors
 * @fds: borrowed; the receiver gets copies
 * Errors: ERR_INTERNAL; a peer that is gone is EPIPE, never SIGPIPE.
 */
bool msg_send(int socket_fd, const struct msg *m, const int *fds, size_t n_fds, struct err *e);

enum msg_got { MSG_GOT_ERROR, MSG_GOT_EOF, MSG_GOT_RECORD };

/*
 * msg_receive() - wait for one record
 * @ret_fds: receives descriptors, close-on-exec, owned by the caller; room for MSG_FDS_MAX;
 *           may be NULL with @ret_n_fds NULL: descriptors sent are closed
 */
enum msg_got msg_receive(
	int socket_fd, struct msg *ret, int *ret_fds, size_t *ret_n_fds, struct err *e);

#endif
