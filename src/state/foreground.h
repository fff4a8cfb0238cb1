/* SPDX-License-Identifier: Apache-2.0 */
/*
 * foreground.h - containers of "guscio run" in somebody's foreground, as commands see them
 *
 * Nothing of them is on disk. Behind the starter's record in the runtime directory (record.h)
 * stand, each after an empty line, what a container that stays has in its record
 * (container_text.h), and its document. The starter writes all of it when the container has lived
 * for a moment: many a program is done by then, and what is shown takes as long to write as the
 * kernel's part of a start. Until then there is a directory with a lock, and who asks waits. They
 * go with it. One whose starter was killed ends with it, and is not
 * believed.
 */
#ifndef STATE_FOREGROUND_H
#define STATE_FOREGROUND_H

#include "state/container.h"

#define FOREGROUND_SHOWN_AFTER_MS 20

/*
 * foreground_text() - what state_write() gets as more
 * @document: JSON, without empty lines
 * From malloc; NULL when memory is short.
 */
char *foreground_text(const struct container *c, const char *document);

/*
 * foreground_find() - one that runs, by name, id or unique prefix of an id
 * @ret: is_foreground, its starter as its monitor; without a name it has its short id as one
 * Errors: ERR_STATE unknown or ambiguous.
 */
bool foreground_find(const char *runtime_dir, const char *text, struct arena *arena,
	struct container *ret, struct err *e);

/* All of them that are not among @known, which is sorted. */
void foreground_list(const char *runtime_dir, const struct strv *known, struct arena *arena,
	struct container **ret, size_t *ret_n);

/* Its document; Errors: ERR_STATE it has ended. */
char *foreground_document(
	const char *runtime_dir, const char *id, struct arena *arena, struct err *e);

/*
 * containers_find() - a container of either kind
 * @all_fd: of containers_open(); may be -1
 * A name on disk comes first; the beginning of an id must be of one only, wherever it is.
 */
bool containers_find(int all_fd, const char *runtime_dir, const char *text, struct arena *arena,
	struct container *ret, struct err *e);

#endif
