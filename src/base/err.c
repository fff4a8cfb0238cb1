/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A path can be PATH_MAX long and stands in a sentence: room for both before the cut. */
#define TEXT_MAX 5120

void text_fit(char *dst, size_t size, const char *src)
{
	size_t len = strlen(src);
	if (len < size) {
		memcpy(dst, src, len + 1);
		return;
	}
	size_t head = (size - 4) / 2;
	size_t tail = size - 4 - head;
	memcpy(dst, src, head);
	memcpy(dst + head, "...", 3);
	memcpy(dst + head + 3, src + len - tail, tail);
	dst[size - 1] = '\0';
}

static void format_fit(char *dst, size_t size, const char *fmt, va_list ap)
{
	char text[TEXT_MAX];
	vsnprintf(text, sizeof(text), fmt, ap);
	text_fit(dst, size, text);
}

void err_fill_cause(struct err *e, int kind, int sys, const char *fmt, ...)
{
	va_list ap;
	*e = (struct err)ERR_INIT;
	e->kind = kind;
	e->sys = sys;
	va_start(ap, fmt);
	format_fit(e->cause, sizeof(e->cause), fmt, ap);
	va_end(ap);
	errno = sys;
}

void err_fill_what(struct err *e, int kind, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	e->kind = kind;
	va_start(ap, fmt);
	format_fit(e->what, sizeof(e->what), fmt, ap);
	va_end(ap);
	errno = saved;
}

void err_fill_hint(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	va_start(ap, fmt);
	format_fit(e->hint, sizeof(e->hint), fmt, ap);
	va_end(ap);
	errno = saved;
}

/* strerror() words that users misread are said in our own. */
static const char *sys_reason(int sys)
{
	switch (sys) {
	case ENOSPC:
		return "the disk is full or a quota is reached";
	case EMFILE:
		return "too many open files for this process (ulimit -n)";
	case ENFILE:
		return "too many open files on this machine";
	default:
		return strerror(sys);
	}
}

void err_format(const struct err *e, char *buf, size_t size)
{
	char line[sizeof(e->what) + sizeof(e->cause) + 128];
	int n = 0;
	n += snprintf(line, sizeof(line), "%s", e->what);
	if (e->cause[0])
		n += snprintf(line + n, sizeof(line) - (size_t)n, "%s%s", n ? ": " : "", e->cause);
	if (e->sys)
		snprintf(line + n, sizeof(line) - (size_t)n, ": %s", sys_reason(e->sys));
	text_visible(buf, size, line);
}

int err_exit_code(const struct err *e)
{
	switch (e->kind) {
	case ERR_NONE:
		return 0;
	case ERR_NOEXEC:
		return 126;
	case ERR_NOCOMMAND:
		return 127;
	default:
		return 125;
	}
}
