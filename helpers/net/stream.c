/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream.h"
#include "base/own.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct stream {
	struct streams *all;
	int fd;
	uint64_t last_use;
	size_t got;
	uint8_t buffer[2 + RESOLVER_QUERY_SIZE];
};

struct streams {
	struct loop *loop;
	struct resolver *resolver;
	uint64_t uses;
	struct stream *list[STREAMS_MAX];
};

static void stream_end(struct stream *s)
{
	struct streams *all = s->all;
	resolver_forget(all->resolver, s);
	loop_remove(all->loop, s->fd);
	close(s->fd);
	for (size_t i = 0; i < STREAMS_MAX; i++)
		if (all->list[i] == s)
			all->list[i] = NULL;
	free(s);
}

/* The first message, when all of it is there. */
static size_t whole_message(const struct stream *s)
{
	size_t size = s->got < 2 ? 0 : 2 + (size_t)(s->buffer[0] << 8 | s->buffer[1]);
	return size > 2 && size <= s->got ? size : 0;
}

static void stream_ready(void *opaque, int fd, uint32_t events)
{
	struct stream *s = opaque;
	struct dns_client client = {.stream = s};
	(void)events;
	ssize_t got = recv(fd, s->buffer + s->got, sizeof(s->buffer) - s->got, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0)
		s->got += (size_t)got;
	s->last_use = ++s->all->uses;
	size_t announced = s->got < 2 ? 0 : (size_t)(s->buffer[0] << 8 | s->buffer[1]);
	if (got <= 0 || announced > RESOLVER_QUERY_SIZE || (s->got >= 2 && !announced)) {
		stream_end(s);
		return;
	}
	/*
	 * One question at a time: answering may end the stream. The kernel says at once that
	 * there is more only about what was not read yet, so what is here is taken now.
	 */
	struct streams *all = s->all;
	for (size_t size; (size = whole_message(s)) > 0;) {
		uint8_t message[2 + RESOLVER_QUERY_SIZE];
		memcpy(message, s->buffer, size);
		s->got -= size;
		memmove(s->buffer, s->buffer + size, s->got);
		resolver_ask(all->resolver, &client, message + 2, size - 2);
		bool is_there = false;
		for (size_t i = 0; i < STREAMS_MAX; i++)
			is_there = is_there || all->list[i] == s;
		if (!is_there)
			return;
	}
}

/* The one that was silent for longest makes room. */
static struct stream **place_for(struct streams *all)
{
	struct stream **oldest = &all->list[0];
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		if (!all->list[i])
			return &all->list[i];
		if (all->list[i]->last_use < (*oldest)->last_use)
			oldest = &all->list[i];
	}
	stream_end(*oldest);
	return oldest;
}

int streams_dial(struct streams *all)
{
	int fds[2];
	struct stream *s = calloc(1, sizeof(*s));
	if (!s || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0) {
		free(s);
		return -1;
	}
	s->all = all;
	s->fd = fds[0];
	s->last_use = ++all->uses;
	if (!loop_add(all->loop, fds[0], EPOLLIN, stream_ready, s)) {
		close(fds[0]);
		close(fds[1]);
		free(s);
		errno = ENOMEM;
		return -1;
	}
	*place_for(all) = s;
	return fds[1];
}

struct streams *streams_new(struct loop *loop, struct resolver *resolver, struct err *e)
{
	struct streams *all = calloc(1, sizeof(*all));
	if (!all)
		return err_sys(e, "allocate"), NULL;
	all->loop = loop;
	all->resolver = resolver;
	return all;
}

void stream_answer(struct stream *s, const uint8_t *message, size_t size)
{
	uint8_t length[2] = {(uint8_t)(size >> 8), (uint8_t)size};
	struct iovec parts[2] = {{length, 2}, {(void *)message, size}};
	struct msghdr header = {.msg_iov = parts, .msg_iovlen = 2};
	if (sendmsg(s->fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)size + 2)
		shutdown(s->fd, SHUT_RDWR); /* its handler ends it: here somebody still uses it */
}
