/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words.h - a unit file's value as words, and words as such a value
 *
 * Split as systemd.syntax(7) and systemd.service(5) say ("Quoting", "Command lines"): by blanks,
 * "double" and 'single' quotes, C's escapes. "%" and "$" are not touched: systemd itself puts
 * in what they stand for, when it reads what we have written.
 */
#ifndef QUADLET_WORDS_H
#define QUADLET_WORDS_H

#include "quadlet/lines.h"

#include <stdbool.h>

/*
 * words_split() - the words of @text, added to @ret
 * A backslash that begins no escape stays as it is.
 * Errors: ERR_INPUT a quote that does not end, or an escape for the zero byte.
 */
bool words_split(struct arena *arena, const char *text, struct strv *ret, struct err *e);

enum words_style {
	WORDS_LITERAL = 1, /* no word has a "%" or "$" for systemd: each is doubled */
	WORDS_WRAPPED = 2, /* a line for each option */
};

/* words_add() - @words as a command line for ExecStart= and its like; @style: a set of flags */
void words_add(struct lines *to, const struct strv *words, unsigned style);

#endif
