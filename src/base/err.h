/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h - one error, as data
 *
 * An error is a fixed-size value without pointers: it needs no heap, can be
 * filled after fork, and is its own wire format. Two voices speak once each:
 * the call that failed sets the cause (err_sys, err_msg), the function that
 * knows the user's noun sets what could not be done (err_what) and a hint.
 * Only main prints.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum err_kind {
	ERR_NONE = 0,
	ERR_USAGE,     /* the command line is wrong */
	ERR_INPUT,     /* a file, archive or document is wrong */
	ERR_HOST,      /* this machine does not allow or have it */
	ERR_STATE,     /* a name in use, a container that is not there */
	ERR_INTERNAL,  /* our own fault, or memory is short */
	ERR_NOEXEC,    /* the program was found but cannot be executed */
	ERR_NOCOMMAND, /* the program was not found */
};

struct err {
	int32_t kind; /* enum err_kind */
	int32_t sys;  /* errno of the failed call, 0 if none */
	int32_t step; /* index of the plan's step, -1 if none */
	char what[256];
	char cause[256];
	char hint[160];
};

#define ERR_INIT                                                                                   \
	{                                                                                          \
		.step = -1                                                                         \
	}

void err_fill_cause(struct err *e, int kind, int sys, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void err_fill_what(struct err *e, int kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void err_fill_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Statement expressions that end in false, so that a failing function can
 * "return err_sys(...)" and the compilers see that it returns false.
 */
/* The call that failed: cause and errno. Evaluates to false. */
#define err_sys(e, ...)                                                                            \
	({                                                                                         \
		err_fill_cause((e), ERR_INTERNAL, errno, __VA_ARGS__);                             \
		false;                                                                             \
	})
/* A cause that is no system call's. Evaluates to false. */
#define err_msg(e, kind, ...)                                                                      \
	({                                                                                         \
		err_fill_cause((e), (kind), 0, __VA_ARGS__);                                       \
		false;                                                                             \
	})
/* What could not be done, in the user's words; sets the kind too. Evaluates to false. */
#define err_what(e, kind, ...)                                                                     \
	({                                                                                         \
		err_fill_what((e), (kind), __VA_ARGS__);                                           \
		false;                                                                             \
	})
/* What to do next. Evaluates to false. */
#define err_hint(e, ...)                                                                           \
	({                                                                                         \
		err_fill_hint((e), __VA_ARGS__);                                                   \
		false;                                                                             \
	})

/*
 * err_format() - the line a user sees, without "guscio: " and line end
 * @e:    a filled error; borrowed
 * @buf:  receives "WHAT: CAUSE: reason", outside bytes made harmless by strvis
 * @size: of @buf, in bytes
 */
void err_format(const struct err *e, char *buf, size_t size);

/*
 * err_exit_code() - docker's exit status for a kind of error
 *
 * 127 for a program that was not found, 126 for one that cannot be executed,
 * 125 for everything that is ours.
 */
int err_exit_code(const struct err *e);

/*
 * text_fit() - copy a text into a fixed buffer, cut in the middle when too long
 * @dst:  receives the text, always ended by a zero byte
 * @size: of @dst, in bytes; at least 8
 * @src:  borrowed
 */
void text_fit(char *dst, size_t size, const char *src);

#endif
