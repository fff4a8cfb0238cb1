/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - words to values: numbers, sizes, times, names in tables */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct name_value {
	const char *name;
	long value;
};

/* The entry of @table (ended by a NULL name) called @name, or NULL. */
const struct name_value *name_find(const struct name_value *table, const char *name);

/*
 * text_nearest() - the known word a typo probably meant
 * Returns the entry of the NULL-ended @words at edit distance 1 or 2, else NULL.
 */
const char *text_nearest(const char *word, const char *const *words);

/* Decimal digits only, whole text, at most @max. */
bool text_to_u64(const char *s, uint64_t max, uint64_t *ret);
bool text_to_u32(const char *s, uint32_t *ret);
/* Octal digits only, whole text, at most @max. */
bool text_to_octal(const char *s, uint32_t max, uint32_t *ret);
/* An id: as text_to_u32 but not 4294967295, which the kernel keeps for "none". */
bool text_to_id(const char *s, uint32_t *ret);
/* Bytes as docker writes them: 10, 10b, 64k, 64kb, 64m, 2g, 1t (powers of 1024). */
bool text_to_bytes(const char *s, uint64_t *ret);
/* Milliseconds: 10 or 10s, 500ms, 2m, 1h. */
bool text_to_ms(const char *s, uint64_t *ret_ms);

bool text_starts(const char *s, const char *prefix);
bool text_ends(const char *s, const char *suffix);

/*
 * text_path_clean() - an absolute path without ".", "..", double or trailing slashes
 * Purely lexical, as the OCI spec wants mount targets; @dst has @size bytes.
 * False when @src is not absolute or does not fit.
 */
bool text_path_clean(const char *src, char *dst, size_t size);

/*
 * text_visible() - @src as a terminal may see it: control bytes and escapes in visible form
 * Cuts what does not fit into the @size bytes of @dst, its end included.
 */
void text_visible(char *dst, size_t size, const char *src);

#endif
