/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

/* libbsd has both orders of strnvis()'s arguments: this one is OpenBSD's, dst src size flag. */
#define LIBBSD_OPENBSD_VIS
#include <bsd/vis.h>
#include <string.h>
#include <strings.h>

const struct name_value *name_find(const struct name_value *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	return NULL;
}

/* Levenshtein's distance over short words; longer ones count as far away. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	size_t row[33];
	if (la > 32 || lb > 32)
		return SIZE_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t up = row[j];
			size_t best = diagonal + (a[i - 1] != b[j - 1]);
			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diagonal = up;
		}
	}
	return row[lb];
}

const char *text_nearest(const char *word, const char *const *words)
{
	const char *best = NULL;
	size_t best_distance = strlen(word) > 3 ? 3 : 2; /* strictly below this */
	for (; *words; words++) {
		size_t d = edit_distance(word, *words);
		if (d < best_distance) {
			best_distance = d;
			best = *words;
		}
	}
	return best;
}

bool text_to_u64(const char *s, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(*s - '0'), &value) || value > max)
			return false;
	}
	*ret = value;
	return true;
}

bool text_to_octal(const char *s, uint32_t max, uint32_t *ret)
{
	uint32_t value = 0;
	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '7' || value > max / 8)
			return false;
		value = value * 8 + (uint32_t)(*s - '0');
	}
	if (value > max)
		return false;
	*ret = value;
	return true;
}

bool text_to_u32(const char *s, uint32_t *ret)
{
	uint64_t value;
	if (!text_to_u64(s, UINT32_MAX, &value))
		return false;
	*ret = (uint32_t)value;
	return true;
}

bool text_to_id(const char *s, uint32_t *ret)
{
	uint64_t value;
	if (!text_to_u64(s, UINT32_MAX - 1, &value))
		return false;
	*ret = (uint32_t)value;
	return true;
}

struct unit {
	const char *suffix;
	uint64_t factor;
};

/* A decimal number, then one of the units; the empty suffix is a unit too. */
static bool text_to_units(const char *s, const struct unit *units, uint64_t *ret)
{
	char digits[24];
	size_t n = strspn(s, "0123456789");
	uint64_t value;
	if (n == 0 || n >= sizeof(digits))
		return false;
	memcpy(digits, s, n);
	digits[n] = '\0';
	if (!text_to_u64(digits, UINT64_MAX, &value))
		return false;
	for (; units->suffix; units++)
		if (!strcasecmp(s + n, units->suffix))
			return !__builtin_mul_overflow(value, units->factor, ret);
	return false;
}

bool text_to_bytes(const char *s, uint64_t *ret)
{
	static const struct unit units[] = {{"", 1}, {"b", 1}, {"k", 1ull << 10},
		{"kb", 1ull << 10}, {"kib", 1ull << 10}, {"m", 1ull << 20}, {"mb", 1ull << 20},
		{"mib", 1ull << 20}, {"g", 1ull << 30}, {"gb", 1ull << 30}, {"gib", 1ull << 30},
		{"t", 1ull << 40}, {"tb", 1ull << 40}, {"tib", 1ull << 40}, {NULL, 0}};
	uint64_t value;
	if (!text_to_units(s, units, &value))
		return false;
	*ret = value;
	return true;
}

bool text_to_ms(const char *s, uint64_t *ret_ms)
{
	static const struct unit units[] = {
		{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0}};
	uint64_t value;
	if (!text_to_units(s, units, &value))
		return false;
	*ret_ms = value;
	return true;
}

bool text_starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool text_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);
	return n >= m && !strcmp(s + n - m, suffix);
}

bool text_path_clean(const char *src, char *dst, size_t size)
{
	size_t n = 0;
	if (src[0] != '/' || size < 2)
		return false;
	while (*src) {
		size_t len = strcspn(src, "/");
		bool is_dot = len == 1 && src[0] == '.';
		bool is_up = len == 2 && src[0] == '.' && src[1] == '.';
		if (is_up) {
			while (n > 0 && dst[--n] != '/')
				;
		} else if (len > 0 && !is_dot) {
			if (n + 1 + len + 1 > size)
				return false;
			dst[n++] = '/';
			memcpy(dst + n, src, len);
			n += len;
		}
		src += len;
		src += *src == '/';
	}
	if (n == 0)
		dst[n++] = '/';
	dst[n] = '\0';
	return true;
}

/* ASCII that is seen as it is. */
static bool text_is_plain(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] >= 0x7f)
			return false;
	return true;
}

void text_visible(char *dst, size_t size, const char *src)
{
	/* Nearly every word, and some commands print thousands. */
	size_t n = strnlen(src, size);
	if (n < size && text_is_plain(src, n)) {
		memcpy(dst, src, n + 1);
		return;
	}
	/* libbsd 0.11 writes the end of a text that it cut one byte after the size it was told. */
	if (size > 0)
		strnvis(dst, src, size - 1, VIS_CSTYLE | VIS_NOSLASH | VIS_NL | VIS_TAB);
	if (size > 0)
		dst[size - 1] = '\0';
}
