/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy.h - files into a container and out of it
 *
 * One side is a descriptor that the caller has opened on the host, the other a path that
 * is resolved inside the container's root, once, by a child that has its ids. From there on
 * everything goes by descriptors of directories and names without a slash, and no link is
 * followed: the container may run, and may be hostile.
 */
#ifndef APPLY_COPY_H
#define APPLY_COPY_H

#include "apply/proc.h"

#include <dirent.h>

struct copy_job {
	bool is_inward;	      /* from the host into the container */
	bool keeps_owners;    /* -a */
	bool keeps_modes;     /* outward too: setuid stays what it is */
	bool may_be_missing;  /* nothing is copied when the source is no directory */
	bool follows_link;    /* -L, outward: what the source points to, not the link */
	bool is_content;      /* the source ends in "/.": what is in it, not itself */
	const char *inside;   /* path in the container */
	bool wants_directory; /* the target was written with a slash at its end */
	/* On the host: the directory it is in, its name there, and itself unless it is missing. */
	int outside_dir_fd;
	const char *outside_name;
	int outside_fd; /* -1: not there */
};

/* One side: a directory, a name in it, and itself unless it is missing (-1). */
struct copy_place {
	int dir_fd, fd;
	char name[NAME_MAX + 1];
};

#define COPY_PLACE_INIT                                                                            \
	{                                                                                          \
		.dir_fd = -1, .fd = -1                                                             \
	}

enum copy_follow { COPY_FOLLOW_NOT, COPY_FOLLOW, COPY_FOLLOW_AND_READ };

/*
 * copy_find() - directory and name of a path in a root that may be hostile
 * @follows: what becomes of a last component that is a link, in @ret->fd only
 */
bool copy_find(int root_fd, const char *path, enum copy_follow follows, struct copy_place *ret,
	struct err *e);
void copy_place_done(struct copy_place *p);

/*
 * copy_run() - carry it out, in the root that the plan makes or enters
 * @plan: of plan_build_visit(); borrowed
 * Errors: which path, on which side.
 */
bool copy_run(struct plan *plan, struct copy_job *job, struct notes *notes, struct err *e);

#endif
