/* SPDX-License-Identifier: Apache-2.0 */
/* notes.h - survivable trouble, collected below and printed once by main */
#ifndef BASE_NOTES_H
#define BASE_NOTES_H

#include <stddef.h>

#define NOTES_MAX 16

struct notes {
	size_t n;
	char text[NOTES_MAX][320];
};

/* Adds one line; past NOTES_MAX the last place says how many were left out. */
void notes_add(struct notes *notes, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
