/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop.h"
#include "base/own.h"

#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#define BATCH 64

struct watch {
	loop_ready ready;
	void *opaque;
	uint32_t wanted, told; /* told: what the kernel knows */
	uint32_t events;
	uint32_t round;
	bool is_known, is_in_kernel;
};

struct loop {
	int epoll_fd;
	uint32_t round;
	size_t room;
	struct watch *watches;
	int collected[BATCH];
	int n_collected;
};

int64_t loop_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct loop *loop_new(struct err *e)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	if (loop)
		loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop && loop->epoll_fd >= 0)
		return loop;
	err_sys(e, "make an epoll set");
	free(loop);
	return NULL;
}

void loop_free(struct loop *loop)
{
	close(loop->epoll_fd);
	free(loop->watches);
	free(loop);
}

static bool grow(struct loop *loop, size_t fd)
{
	size_t room = loop->room ? loop->room : 64;
	while (room <= fd)
		room *= 2;
	if (room == loop->room)
		return true;
	struct watch *watches = realloc(loop->watches, room * sizeof(*watches));
	if (!watches)
		return false;
	memset(watches + loop->room, 0, (room - loop->room) * sizeof(*watches));
	loop->watches = watches;
	loop->room = room;
	return true;
}

static void tell(struct loop *loop, int fd, struct watch *w)
{
	struct epoll_event event = {.events = w->wanted, .data.fd = fd};
	int operation = w->is_in_kernel ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	if (epoll_ctl(loop->epoll_fd, operation, fd, &event) < 0) {
		/* A number that was closed and used again without our knowledge. */
		operation = errno == EEXIST ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
		if (epoll_ctl(loop->epoll_fd, operation, fd, &event) < 0)
			return;
	}
	w->is_in_kernel = true;
	w->told = w->wanted;
}

bool loop_add(struct loop *loop, int fd, uint32_t events, loop_ready ready, void *opaque)
{
	if (fd < 0 || !grow(loop, (size_t)fd))
		return false;
	struct watch *w = &loop->watches[fd];
	*w = (struct watch){.ready = ready, .opaque = opaque, .wanted = events, .is_known = true};
	if (events)
		tell(loop, fd, w);
	return true;
}

void loop_want(struct loop *loop, int fd, uint32_t events)
{
	if (fd < 0 || (size_t)fd >= loop->room || !loop->watches[fd].is_known)
		return;
	struct watch *w = &loop->watches[fd];
	w->wanted = events;
	w->round = loop->round;
	/*
	 * What is no longer wanted stays with the kernel until it comes all the same: a stream
	 * wants its input again a moment later, mostly before anything arrived.
	 */
	if (events & ~w->told)
		tell(loop, fd, w);
}

void loop_remove(struct loop *loop, int fd)
{
	if (fd < 0 || (size_t)fd >= loop->room || !loop->watches[fd].is_known)
		return;
	struct watch *w = &loop->watches[fd];
	if (w->is_in_kernel)
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	*w = (struct watch){0};
}

void loop_begin_round(struct loop *loop)
{
	loop->round++;
}

uint32_t loop_events(const struct loop *loop, int fd)
{
	return fd >= 0 && (size_t)fd < loop->room ? loop->watches[fd].events : 0;
}

/* Returns whether anybody wants what came for this descriptor. */
static bool take_event(struct loop *loop, int fd, uint32_t events)
{
	struct watch *w = &loop->watches[fd];
	if (!w->ready && w->round != loop->round)
		w->wanted = 0;
	w->events = events & (w->wanted | EPOLLERR | EPOLLHUP);
	/* Errors come without being wanted, and again and again: not while nobody looks. */
	if (!w->wanted && w->events) {
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		w->is_in_kernel = false;
		w->told = 0;
		w->events = 0;
	}
	return w->events != 0;
}

static void collect(struct loop *loop, int timeout_ms)
{
	struct epoll_event events[BATCH];
	bool is_useful = false;
	for (int i = 0; i < loop->n_collected; i++)
		loop->watches[loop->collected[i]].events = 0;
	int n = epoll_wait(loop->epoll_fd, events, BATCH, timeout_ms);
	loop->n_collected = n < 0 ? 0 : n;
	for (int i = 0; i < loop->n_collected; i++) {
		loop->collected[i] = events[i].data.fd;
		is_useful |= take_event(loop, events[i].data.fd, events[i].events);
	}
	/* Nothing but what nobody wants just now: it must not wake us for nothing again. */
	for (int i = 0; !is_useful && i < loop->n_collected; i++) {
		struct watch *w = &loop->watches[loop->collected[i]];
		if (w->is_in_kernel && w->told != w->wanted)
			tell(loop, loop->collected[i], w);
	}
}

void loop_wait(struct loop *loop, int timeout_ms)
{
	collect(loop, timeout_ms);
	for (int i = 0; i < loop->n_collected; i++) {
		int fd = loop->collected[i];
		const struct watch *w = &loop->watches[fd];
		if (w->is_known && w->ready && w->events)
			w->ready(w->opaque, fd, w->events);
	}
}
