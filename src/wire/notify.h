/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.h - sd_notify(3)'s datagrams, from the container and to who started us
 *
 * $NOTIFY_SOCKET names a socket: a path, or with "@" first a name that is in no file system. One
 * datagram holds lines NAME=VALUE. Nobody answers, so a message costs one system call
 * and needs no library [sd_notify(3), "Notes"].
 */
#ifndef WIRE_NOTIFY_H
#define WIRE_NOTIFY_H

#include <stdbool.h>

/* Somebody wants to be told: $NOTIFY_SOCKET names a socket. */
bool notify_is_wanted(void);

/* Tells whoever started us; without $NOTIFY_SOCKET nothing happens. */
void notify_send(const char *text);

/*
 * notify_take() - one message of the container's, if there is one
 * @fd: the socket that it sees; not waited for
 * @hands_on: pass on what may leave the container: ready, stopping, reloading, watchdog, status
 * @ret_ready: set to true when the message says READY=1, else left alone
 * False when there is no message. The container is not believed anything else: MAINPID=
 * would be a process of its own choice, FDSTORE= ours.
 */
bool notify_take(int fd, bool hands_on, bool *ret_ready);

#endif
