/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h - lines to systemd's journal, in its native protocol
 *
 * One datagram an entry, to a socket whose place is fixed: NAME=VALUE lines, and a value of any
 * bytes as NAME, its length and itself [systemd.io/JOURNAL_NATIVE_PROTOCOL]. It is documented and
 * stable, and these are all of its rules that count here, since a line of ours is always short
 * enough for a datagram; libsystemd for it would cost each monitor more memory than it has.
 */
#ifndef MONITOR_JOURNAL_H
#define MONITOR_JOURNAL_H

#include "state/container.h"

#define JOURNAL_HEAD_MAX 2048

struct journal {
	int fd;
	bool is_behind; /* the last entry was not taken: nobody waits for the next ones */
	char head[JOURNAL_HEAD_MAX];
	size_t n_head;
};

/* The fields that all entries of a container have. False with errno. */
bool journal_open(struct journal *j, const struct container *c);

/*
 * journal_send() - one entry
 * @text: without the end of its line; @is_part: the line goes on in the next entry
 * Waits at most a second for a journal that does not read. False when it was not taken.
 */
bool journal_send(struct journal *j, bool is_error, bool is_part, const char *text, size_t n);

#endif
