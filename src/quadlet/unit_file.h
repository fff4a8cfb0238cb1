/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit_file.h - a unit file as its assignments [systemd.syntax(7)]
 *
 * Sections, KEY=VALUE, comments, and lines that a backslash continues. Outside bytes: the
 * text's size is limited by who reads it, the number of assignments here.
 */
#ifndef QUADLET_UNIT_FILE_H
#define QUADLET_UNIT_FILE_H

#include "base/arena.h"

#include <stdbool.h>

#define UNIT_FILE_ENTRIES_MAX 2048

struct unit_entry {
	const char *path; /* of the file it is from: a drop-in has its own */
	unsigned line;
	const char *section, *key;
	const char *value; /* without blanks around; "" empties the list before it */
};

struct unit_file {
	struct unit_entry *entries;
	size_t n;
};

/*
 * unit_file_parse() - add the assignments of one text
 * @size: bytes of @text, which a zero byte follows
 * Errors: ERR_INPUT, with file and line.
 */
bool unit_file_parse(struct unit_file *to, const char *path, const char *text, size_t size,
	struct arena *arena, struct err *e);

/*
 * unit_file_find() - what is assigned to a key, in order, without what an empty value took away
 * @ret: receives an array in the arena
 * Returns how many.
 */
size_t unit_file_find(const struct unit_file *file, const char *section, const char *key,
	struct arena *arena, const struct unit_entry ***ret);

/* The last of them, NULL without one. */
const struct unit_entry *unit_file_last(
	const struct unit_file *file, const char *section, const char *key);

/* "FILE:LINE" as what is wrong; the cause stays. Evaluates to false. */
bool unit_entry_refuse(const struct unit_entry *entry, struct err *e);

#endif
