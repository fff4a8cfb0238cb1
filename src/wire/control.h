/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.h - what a container's monitor and those who visit it say to each other
 *
 * A SOCK_SEQPACKET socket "ctl" in the container's directory, which only its owner can
 * enter. One record is a head and at most CONTROL_DATA_MAX bytes. Whoever has
 * connected gets EXIT when the container ends, and output only after HELLO has asked for it.
 */
#ifndef WIRE_CONTROL_H
#define WIRE_CONTROL_H

#include "base/err.h"

#include <sys/types.h>

#define CONTROL_VERSION	 1
#define CONTROL_DATA_MAX 32768

enum control_kind {
	CONTROL_HELLO = 1, /* visitor: value is a set of CONTROL_WANTS_* */
	CONTROL_INPUT,	   /* visitor: bytes for the program */
	CONTROL_INPUT_END, /* visitor: nothing more comes */
	CONTROL_RESIZE,	   /* visitor: value is rows << 16 | columns */
	CONTROL_OUTPUT,	   /* monitor: bytes from standard output, or the terminal */
	CONTROL_ERROR,	   /* monitor: bytes from standard error */
	CONTROL_EXIT,	   /* monitor: value is the exit code; everything is written down */
};

#define CONTROL_WANTS_OUTPUT 1u

struct control_head {
	uint32_t version;
	uint32_t kind;
	uint64_t value;
};

struct control_record {
	struct control_head head;
	char data[CONTROL_DATA_MAX];
};

/* Never waits; false with errno EAGAIN when the peer is slow, EPIPE when it is gone. */
bool control_send(int fd, enum control_kind kind, uint64_t value, const void *data, size_t n);

/*
 * control_receive() - the next record, if there is one
 * Returns the bytes of its data, -1 with errno EAGAIN: none yet, EPIPE: the peer has closed,
 * EPROTO: what came is no record.
 */
ssize_t control_receive(int fd, struct control_record *ret);

/* The socket in a directory: by descriptor, since a socket's path has room for 107 bytes only. */
bool control_listen(int dir_fd, int *ret_fd, struct err *e);
bool control_connect(int dir_fd, int *ret_fd, struct err *e);
bool control_pair(int ret_fds[2], struct err *e);

#endif
