/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.h - what the parts of guscio-port share: one loop, and who is woken by it
 *
 * Everything happens in one thread. Descriptors are watched edge-triggered where data
 * flows, so that a connection without data costs nothing at all.
 */
#ifndef PORT_SERVER_H
#define PORT_SERVER_H

#include "port/inside.h"
#include "wire/port_msg.h"

#include <stddef.h>
#include <stdint.h>

struct server;
struct watch;

typedef void watch_ready(struct server *s, struct watch *w, uint32_t events);

/* Something that epoll wakes; it lies inside what it belongs to. */
struct watch {
	watch_ready *ready;
	int fd;
};

#define WATCH_OWNER(w, type, member) ((type *)((char *)(w)-offsetof(type, member)))

/* A published port. */
struct entry {
	struct watch watch;
	struct port_line line;
	int family;
	bool is_patient; /* callers may come before the program listens */
	struct entry *next;
};

struct server {
	int epoll_fd;
	int start_fd;		/* to the one who started us; closed when the ports are */
	struct watch container; /* its pidfd */
	struct watch control;	/* where guscio port asks */
	struct inside inside;
	struct entry *entries;
	struct entry *dead; /* freed when no event can mean them any more */
	size_t n_entries, n_fds_max;
	struct streams *streams;
	struct flows *flows;
	uint64_t start_ms;
	bool is_ending;
	uint64_t end_ms; /* when to stop waiting for what the program left in its sockets */
};

bool server_watch(struct server *s, struct watch *w, uint32_t events);
uint64_t now_ms(void);

/* Takes the socket; starts to serve it. */
bool server_add(struct server *s, const struct port_line *line, bool is_patient, int take_fd,
	struct err *e);
bool server_remove(struct server *s, const struct port_line *line, struct err *e);

/* stream.c */
bool streams_init(struct server *s, struct err *e);
void stream_accept(struct server *s, struct watch *w, uint32_t events);
/* Goes on with what had more data than one turn allows; true when there is still more. */
bool streams_turn(struct server *s);
size_t streams_count(const struct server *s);
/* Takes callers again after a pause, and tries again; returns ms to the next time, -1: none. */
int streams_resume(struct server *s);

/* flow.c */
bool flows_init(struct server *s, struct err *e);
void flow_receive(struct server *s, struct watch *w, uint32_t events);
/* Ends flows that were quiet for too long; returns ms to the next such moment, -1 for never. */
int flows_expire(struct server *s);
size_t flows_max(const struct server *s);
void flows_forget(struct server *s, const struct entry *entry);

/* control.c */
void control_accept(struct server *s, struct watch *w, uint32_t events);
/* One record: answers it on @socket_fd; false when the peer is to be dropped. */
bool control_serve(struct server *s, int socket_fd);

#endif
