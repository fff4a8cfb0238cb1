/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - a bar a layer on a terminal, a line a layer elsewhere */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include "image/layers.h"

struct bars {
	bool is_terminal, is_quiet;
	bool is_waited_for; /* by systemd: $NOTIFY_SOCKET */
	uint64_t next_ask_ns;
	size_t lines; /* drawn so far: the cursor stands below them */
	uint64_t begin_ns;
	int64_t begin_bytes; /* that were there before */
	bool has_begun;
	struct watch watch;
	bool said[IMAGE_LAYERS_MAX];
};

/* NULL when nobody wants to see it, or to know that it goes on. @p must outlive the watch. */
const struct watch *progress_watch(struct bars *p, bool is_quiet);

/* "12.3 MB" as docker says it: powers of 1000. */
void progress_size(int64_t bytes, char *buf, size_t size);

#endif
