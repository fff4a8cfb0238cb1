/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - what a container writes, in docker's json-file format or to the journal
 *
 * One object a line: {"log":TEXT,"stream":NAME,"time":TIME}. A line longer than
 * LOG_LINE_MAX comes in parts, of which only the last ends in "\n". Bytes that are no
 * UTF-8 are U+FFFD in TEXT, as docker writes them, and whole in one more member,
 * "raw", in base64: no byte is lost. The file is appended to by one write a batch; what was
 * written to it survives the death of the writer.
 */
#ifndef MONITOR_LOG_H
#define MONITOR_LOG_H

#include "monitor/journal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX 16384
#define LOG_OUT_SIZE (LOG_LINE_MAX * 8 + 256)

enum log_stream { LOG_STDOUT, LOG_STDERR, LOG_STREAMS };

struct log {
	int dir_fd; /* the container's directory */
	int fd;	    /* -1: nothing is kept in a file */
	bool is_journal;
	struct journal journal;
	uint64_t size, max_size, max_files;
	uint64_t lost; /* bytes that did not fit on the disk */
	struct {
		char text[LOG_LINE_MAX];
		size_t n;
	} part[LOG_STREAMS];
	char time[40];
	char out[LOG_OUT_SIZE];
	size_t n;
};

/* Opens container.log for appending; false with errno. */
bool log_open(struct log *log, int dir_fd, uint64_t max_size, uint64_t max_files);

/* To the journal instead; false with errno. */
bool log_open_journal(struct log *log, const struct container *c);

/* Takes what was read; it is in the file when this returns, but for the begun line. */
void log_take(struct log *log, enum log_stream stream, const char *data, size_t n);

/* Begun lines too. */
void log_finish(struct log *log);

#endif
