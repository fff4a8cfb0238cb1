/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_NAME "container.log"

static bool open_file(struct log *log)
{
	struct stat st;
	log->fd = openat(log->dir_fd, FILE_NAME,
		O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	log->size = log->fd >= 0 && fstat(log->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	return log->fd >= 0;
}

/* A monitor that was killed in the middle of a write has left half a line: it ends here. */
static void end_torn_line(struct log *log)
{
	char last = '\n';
	int fd = openat(log->dir_fd, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && log->size > 0 && pread(fd, &last, 1, (off_t)log->size - 1) == 1 &&
		last != '\n' && write(log->fd, "\n", 1) == 1)
		log->size++;
	if (fd >= 0)
		close(fd);
}

bool log_open(struct log *log, int dir_fd, uint64_t max_size, uint64_t max_files)
{
	log->dir_fd = dir_fd;
	log->max_size = max_size;
	log->max_files = max_files ? max_files : 1;
	if (!open_file(log))
		return false;
	end_torn_line(log);
	return true;
}

bool log_open_journal(struct log *log, const struct container *c)
{
	log->is_journal = journal_open(&log->journal, c);
	return log->is_journal;
}

/* container.log becomes .1, .1 becomes .2; with one file only it begins anew. */
static void rotate(struct log *log)
{
	char from[48], to[48];
	close(log->fd);
	for (uint64_t i = log->max_files - 1; i > 0; i--) {
		if (i == 1)
			snprintf(from, sizeof(from), FILE_NAME);
		else
			snprintf(from, sizeof(from), FILE_NAME ".%llu", (unsigned long long)i - 1);
		snprintf(to, sizeof(to), FILE_NAME ".%llu", (unsigned long long)i);
		renameat(log->dir_fd, from, log->dir_fd, to);
	}
	if (log->max_files == 1)
		unlinkat(log->dir_fd, FILE_NAME, 0);
	open_file(log);
}

static void stamp(struct log *log)
{
	struct timespec now;
	struct tm tm;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	size_t n = strftime(log->time, sizeof(log->time), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(log->time + n, sizeof(log->time) - n, ".%09ldZ", now.tv_nsec);
}

static void write_out(struct log *log)
{
	uint64_t before = log->size;
	for (size_t done = 0; done < log->n;) {
		ssize_t n = write(log->fd, log->out + done, log->n - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0) {
			done += (size_t)n;
			log->size += (uint64_t)n;
			continue;
		}
		/* A full disk: whole lines or none, and later a word about what is missing. */
		log->lost += log->n;
		if (log->fd >= 0 && ftruncate(log->fd, (off_t)before) == 0)
			log->size = before;
		break;
	}
	log->n = 0;
}

static void flush(struct log *log)
{
	if (!log->n)
		return;
	if (log->max_size && log->size && log->size + log->n > log->max_size)
		rotate(log);
	write_out(log);
}

static void put(struct log *log, const char *text, size_t n)
{
	memcpy(log->out + log->n, text, n);
	log->n += n;
}

/* Length of the UTF-8 character at @p, 0 when it is none [RFC 3629]. */
static size_t character(const unsigned char *p, size_t left)
{
	static const struct {
		unsigned char first, last, low, high; /* first byte; second byte */
		size_t n;
	} forms[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (*p < forms[i].first || *p > forms[i].last)
			continue;
		if (forms[i].n > left || p[1] < forms[i].low || p[1] > forms[i].high)
			return 0;
		for (size_t k = 2; k < forms[i].n; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].n;
	}
	return 0;
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Returns whether every byte was part of a character. */
static bool put_string(struct log *log, const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + n;
	char escape[8];
	bool is_whole = true;
	while (p < end) {
		const unsigned char *run = p;
		while (p < end && is_plain(*p))
			p++;
		put(log, (const char *)run, (size_t)(p - run));
		if (p == end)
			break;
		size_t len = *p >= 0x80 ? character(p, (size_t)(end - p)) : 0;
		if (len) {
			put(log, (const char *)p, len);
			p += len;
			continue;
		}
		if (*p == '\n' || *p == '\r' || *p == '\t') {
			put(log, *p == '\n' ? "\\n" : *p == '\r' ? "\\r" : "\\t", 2);
		} else if (*p == '"' || *p == '\\') {
			put(log, *p == '"' ? "\\\"" : "\\\\", 2);
		} else if (*p < 0x80) {
			snprintf(escape, sizeof(escape), "\\u%04x", *p);
			put(log, escape, 6);
		} else {
			put(log, "\\ufffd", 6);
			is_whole = false;
		}
		p++;
	}
	return is_whole;
}

static void put_base64(struct log *log, const char *text, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)text;
	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		unsigned bits = (unsigned)p[i] << 16 | (left > 1 ? (unsigned)p[i + 1] << 8 : 0) |
				(left > 2 ? p[i + 2] : 0);
		const char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63],
			left > 1 ? digits[bits >> 6 & 63] : '=',
			left > 2 ? digits[bits & 63] : '='};
		put(log, four, 4);
	}
}

#define PUT_WORD(log, word) put((log), word, sizeof(word) - 1)

static void add_entry(struct log *log, enum log_stream stream, const char *text, size_t n)
{
	bool is_whole = n > 0 && text[n - 1] == '\n';
	if (!journal_send(&log->journal, stream == LOG_STDERR, !is_whole, text, n - is_whole))
		log->lost += n;
}

static void add_line(struct log *log, enum log_stream stream, const char *text, size_t n)
{
	if (log->is_journal) {
		add_entry(log, stream, text, n);
		return;
	}
	/* In the worst case six bytes for one, and a third more in base64. */
	if (log->n + 6 * n + n / 3 * 4 + 256 > sizeof(log->out))
		flush(log);
	PUT_WORD(log, "{\"log\":\"");
	bool is_whole = put_string(log, text, n);
	if (stream == LOG_STDOUT)
		PUT_WORD(log, "\",\"stream\":\"stdout\",\"time\":\"");
	else
		PUT_WORD(log, "\",\"stream\":\"stderr\",\"time\":\"");
	put(log, log->time, strlen(log->time));
	if (is_whole) {
		PUT_WORD(log, "\"}\n");
		return;
	}
	PUT_WORD(log, "\",\"raw\":\"");
	put_base64(log, text, n);
	PUT_WORD(log, "\"}\n");
}

/* The disk has room again: say what is not there. */
static void tell_lost(struct log *log)
{
	char text[80];
	uint64_t lost = log->lost;
	int n = snprintf(text, sizeof(text), "guscio: about %llu bytes of log were lost here\n",
		(unsigned long long)lost);
	log->lost = 0;
	add_line(log, LOG_STDERR, text, (size_t)n);
	flush(log);
	if (log->lost)
		log->lost = lost;
}

static void add_part(struct log *log, enum log_stream stream, const char *data, size_t n)
{
	while (n > 0) {
		size_t room = LOG_LINE_MAX - log->part[stream].n;
		size_t take = n < room ? n : room;
		memcpy(log->part[stream].text + log->part[stream].n, data, take);
		log->part[stream].n += take;
		data += take;
		n -= take;
		if (log->part[stream].n == LOG_LINE_MAX) {
			add_line(log, stream, log->part[stream].text, LOG_LINE_MAX);
			log->part[stream].n = 0;
		}
	}
}

void log_take(struct log *log, enum log_stream stream, const char *data, size_t n)
{
	if (log->fd < 0 && !log->is_journal)
		return;
	stamp(log);
	if (log->lost)
		tell_lost(log);
	while (n > 0) {
		const char *end = memchr(data, '\n', n);
		size_t len = end ? (size_t)(end - data) + 1 : n;
		if (!end || log->part[stream].n || len > LOG_LINE_MAX) {
			add_part(log, stream, data, len);
			if (end && log->part[stream].n) {
				add_line(log, stream, log->part[stream].text, log->part[stream].n);
				log->part[stream].n = 0;
			}
		} else {
			add_line(log, stream, data, len);
		}
		data += len;
		n -= len;
	}
	flush(log);
}

void log_finish(struct log *log)
{
	if (log->fd < 0 && !log->is_journal)
		return;
	stamp(log);
	for (int stream = 0; stream < LOG_STREAMS; stream++) {
		if (log->part[stream].n)
			add_line(log, (enum log_stream)stream, log->part[stream].text,
				log->part[stream].n);
		log->part[stream].n = 0;
	}
	flush(log);
}
