/* SPDX-License-Identifier: Apache-2.0 */
/* unpacker.h - guscio-unpack's client: archives to directories, several at once */
#ifndef IMAGE_UNPACKER_H
#define IMAGE_UNPACKER_H

#include "image/inside.h"
#include "wire/msg.h"

struct unpacker {
	struct plan plan;
	struct proc proc;
	int socket_fd;
	bool is_running;
};

#define UNPACKER_INIT                                                                              \
	{                                                                                          \
		.proc = PROC_INIT, .socket_fd = -1                                                 \
	}

enum unpack_kind {
	UNPACK_ROOT,	/* a root file system */
	UNPACK_LAYER,	/* with whiteouts */
	UNPACK_HASH,	/* only the sums */
	UNPACK_MERGE,	/* the archive is a layer's directory, copied over what is there */
	UNPACK_COPY,	/* into a directory that is in use: nothing else is replaced by it */
	UNPACK_MEASURE, /* only how many bytes there are */
	UNPACK_REMOVE,	/* the other way: everything in the directory goes */
};

struct unpack_job {
	uint64_t number;
	enum unpack_kind kind;
	int64_t size;	/* of the archive, -1 for all of the file */
	int archive_fd; /* borrowed, like the others */
	int dest_fd;
	int more_fd; /* -1: the archive is complete */
};

bool unpacker_start(struct unpacker *u, const struct inside *in, struct err *e);
bool unpacker_submit(struct unpacker *u, const struct unpack_job *job, struct err *e);

/*
 * unpacker_receive() - the next answer, waiting for it
 * DONE {value: number, what: plain sum, cause: packed sum} or FAIL; notes go to @notes.
 * Errors: the helper died.
 */
bool unpacker_receive(struct unpacker *u, struct msg *ret, struct notes *notes, struct err *e);

/*
 * unpacker_do() - a job and its answer; FAIL is false with the helper's error
 * Errors: also ERR_STATE when a signal came that ends us; signals must be held.
 */
bool unpacker_do(struct unpacker *u, const struct inside *in, const struct unpack_job *job,
	struct msg *ret, struct err *e);

/* Ends it with its jobs. */
void unpacker_stop(struct unpacker *u);

/* The bytes of all files below a directory, whoever owns them [files_tree_size()]. */
bool unpacker_measure(
	struct unpacker *u, const struct inside *in, const char *path, int64_t *ret, struct err *e);

/* Removes a directory with everything in it, whoever owns that; false when it is still there. */
bool unpacker_remove(struct unpacker *u, const struct inside *in, const char *path, struct err *e);

#endif
