/* SPDX-License-Identifier: Apache-2.0 */
/* fetcher.h - guscio-fetch's client: one registry, several transfers at once */
#ifndef IMAGE_FETCHER_H
#define IMAGE_FETCHER_H

#include "host/host.h"
#include "image/remote.h"
#include "wire/msg.h"

#include <sys/types.h>

struct fetcher {
	pid_t pid;
	int socket_fd;
};

#define FETCHER_INIT                                                                               \
	{                                                                                          \
		.socket_fd = -1                                                                    \
	}

bool fetcher_start(struct fetcher *f, struct arena *arena, const struct host *host,
	const char *settings, struct err *e);

/* One job; @words as guscio-fetch's table says. */
bool fetcher_submit(struct fetcher *f, uint64_t number, const char *words, const int *fds,
	size_t n_fds, struct err *e);

/* The next answer, DONE or FAIL. */
bool fetcher_receive(struct fetcher *f, struct msg *ret, struct err *e);

/* A job and its answer; FAIL is false with the helper's error. */
bool fetcher_do(struct fetcher *f, const char *words, const int *fds, size_t n_fds, struct msg *ret,
	struct err *e);

void fetcher_stop(struct fetcher *f);

#endif
