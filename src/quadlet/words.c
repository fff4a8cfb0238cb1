/* SPDX-License-Identifier: Apache-2.0 */
#include "quadlet/words.h"
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define BLANKS " \t\n\r"

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* @count digits of @base; returns how many bytes they are, 0 when they are none. */
static size_t number(const char *at, unsigned base, size_t count, uint32_t *ret)
{
	uint32_t value = 0;
	for (size_t i = 0; i < count; i++) {
		int digit = hex(at[i]);
		if (digit < 0 || (unsigned)digit >= base)
			return 0;
		value = value * base + (uint32_t)digit;
	}
	*ret = value;
	return count;
}

static size_t put_character(char *to, uint32_t c)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	to[0] = (char)(heads[n] | c);
	return n;
}

/*
 * An escape behind its backslash; returns its length, 0 when it is none. Never more bytes than
 * were read.
 */
static size_t escape(const char *at, char *to, size_t *ret_n, bool *is_zero)
{
	static const char simple[] = "a\ab\bf\fn\nr\rt\tv\v\\\\\"\"''s ";
	uint32_t c = 0;
	size_t n = 0;
	for (const char *pair = simple; *pair; pair += 2)
		if (*at == pair[0]) {
			to[(*ret_n)++] = pair[1];
			return 1;
		}
	if (*at == 'x' && (n = number(at + 1, 16, 2, &c)))
		to[*ret_n] = (char)c;
	else if (*at >= '0' && *at <= '3' && (n = number(at, 8, 3, &c)))
		to[*ret_n] = (char)c;
	else if ((*at == 'u' && (n = number(at + 1, 16, 4, &c))) ||
		 (*at == 'U' && (n = number(at + 1, 16, 8, &c)))) {
		if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return 0;
		*is_zero |= !c;
		*ret_n += put_character(to + *ret_n, c);
		return n + 1;
	}
	if (!n)
		return 0;
	*is_zero |= !c;
	(*ret_n)++;
	return *at == 'x' ? n + 1 : n;
}

/* One word, in a buffer as long as the text; NULL behind it, or with @e filled. */
static const char *take_word(const char *at, char *word, size_t *ret_n, struct err *e)
{
	char quote = '\0';
	bool is_zero = false;
	size_t n = 0, len;
	for (; *at && (quote || !strchr(BLANKS, *at)); at += len) {
		len = 1;
		if (*at == '\\' && (len = escape(at + 1, word, &n, &is_zero) + 1) > 1)
			continue;
		if (*at == quote)
			quote = '\0';
		else if (!quote && (*at == '"' || *at == '\''))
			quote = *at;
		else
			word[n++] = *at;
	}
	word[n] = '\0';
	*ret_n = n;
	if (quote)
		return err_msg(e, ERR_INPUT, "a quote (%c) does not end", quote), NULL;
	if (is_zero)
		return err_msg(e, ERR_INPUT, "an escape stands for the zero byte"), NULL;
	return at;
}

bool words_split(struct arena *arena, const char *text, struct strv *ret, struct err *e)
{
	char *word = arena_alloc(arena, strlen(text) + 1);
	size_t n;
	for (text += strspn(text, BLANKS); *text; text += strspn(text, BLANKS)) {
		text = take_word(text, word, &n, e);
		if (!text)
			return false;
		strv_add(arena, ret, arena_strndup(arena, word, n));
	}
	return true;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("@%_+=:,./-${}~^", c);
}

static void add_quoted(struct lines *to, const char *word, bool is_literal)
{
	char escaped[8];
	lines_add(to, "\"", NULL);
	for (; *word; word++) {
		if (*word == '"' || *word == '\\')
			snprintf(escaped, sizeof(escaped), "\\%c", *word);
		else if (*word == '\n')
			snprintf(escaped, sizeof(escaped), "\\n");
		else if ((unsigned char)*word < 0x20 || *word == 0x7f)
			snprintf(escaped, sizeof(escaped), "\\x%02x", (unsigned char)*word);
		else if (is_literal && (*word == '%' || *word == '$'))
			snprintf(escaped, sizeof(escaped), "%c%c", *word, *word);
		else
			snprintf(escaped, sizeof(escaped), "%c", *word);
		lines_add(to, escaped, NULL);
	}
	lines_add(to, "\"", NULL);
}

void words_add(struct lines *to, const struct strv *words, unsigned style)
{
	bool is_literal = style & WORDS_LITERAL, is_wrapped = style & WORDS_WRAPPED;
	for (size_t i = 0; i < words->n; i++) {
		const char *word = words->v[i];
		bool is_bare = *word != '\0';
		if (i)
			lines_add(to, is_wrapped && word[0] == '-' ? " \\\n\t" : " ", NULL);
		for (const char *c = word; *c; c++)
			is_bare &= is_plain(*c) && !(is_literal && (*c == '%' || *c == '$'));
		if (is_bare)
			lines_add(to, word, NULL);
		else
			add_quoted(to, word, is_literal);
	}
}
