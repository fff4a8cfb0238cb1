/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/table.h"
#include "base/own.h"
#include "base/text.h"
#include "cmd/options.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS_MAX 16

static size_t width_of(json_t *rows, const struct column *column)
{
	size_t width = strlen(column->title), i;
	json_t *row;
	json_array_foreach(rows, i, row)
	{
		const char *text = json_string_value(json_object_get(row, column->field));
		if (text && strlen(text) > width)
			width = strlen(text);
	}
	return width;
}

/* Names of images and comments are somebody else's words: never raw to a terminal. */
static void put(FILE *out, const char *text, size_t width)
{
	char shown[1024];
	text_visible(shown, sizeof(shown), text);
	fprintf(out, "%-*s", (int)width, shown);
}

static void print_columns(FILE *out, json_t *rows, const struct column *columns, bool has_no_header)
{
	size_t widths[COLUMNS_MAX], i;
	json_t *row;
	for (size_t c = 0; columns[c].title; c++)
		widths[c] = columns[c + 1].title ? width_of(rows, &columns[c]) + 3 : 0;
	for (size_t c = 0; !has_no_header && columns[c].title; c++)
		fprintf(out, "%-*s", (int)widths[c], columns[c].title);
	if (!has_no_header)
		fputc('\n', out);
	json_array_foreach(rows, i, row)
	{
		for (size_t c = 0; columns[c].title; c++) {
			const char *text =
				json_string_value(json_object_get(row, columns[c].field));
			put(out, text ? text : "", widths[c]);
		}
		fputc('\n', out);
	}
}

/* ".A.B" in a row; "." is the row. Go's names begin with capitals, files' do not always. */
static json_t *look_up(json_t *row, const char *path, struct arena *arena)
{
	char *copy = arena_strdup(arena, path), *word;
	json_t *value = row;
	while ((word = strsep(&copy, "."))) {
		if (!word[0])
			continue;
		json_t *next = json_object_get(value, word);
		const char *key;
		json_t *other;
		if (!next)
			json_object_foreach(value, key, other) if (!strcasecmp(key, word)) next =
				other;
		value = next;
		if (!value)
			return NULL;
	}
	return value;
}

static void put_json(FILE *out, const json_t *value)
{
	CLEAN(clean_free) char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	fputs(text ? text : "", out);
}

/* As it is into a pipe; a terminal must not obey what an image says. */
static void put_word(FILE *out, const char *text)
{
	size_t size = 4 * strlen(text) + 1;
	CLEAN(clean_free) char *shown = isatty(STDOUT_FILENO) ? malloc(size) : NULL;
	if (shown)
		text_visible(shown, size, text);
	fputs(shown ? shown : text, out);
}

/* As Go prints values, since templates are written for that: [a b], map[key:value]. */
static void put_value(FILE *out, json_t *value, int depth)
{
	const char *key;
	json_t *item;
	size_t i;
	if (json_is_string(value)) {
		put_word(out, json_string_value(value));
	} else if (json_is_array(value) && depth > 0) {
		fputc('[', out);
		json_array_foreach(value, i, item)
		{
			if (i)
				fputc(' ', out);
			put_value(out, item, depth - 1);
		}
		fputc(']', out);
	} else if (json_is_object(value) && depth > 0) {
		const char *between = "map[";
		json_object_foreach(value, key, item)
		{
			fprintf(out, "%s%s:", between, key);
			put_value(out, item, depth - 1);
			between = " ";
		}
		fputs(json_object_size(value) ? "]" : "map[]", out);
	} else {
		put_json(out, value);
	}
}

/* What stands between {{ and }}. */
static bool expand(
	FILE *out, json_t *row, char *inner, bool is_head, struct arena *arena, struct err *e)
{
	bool as_json = false;
	while (*inner == ' ' || *inner == '-')
		inner++;
	for (size_t n = strlen(inner); n > 0 && (inner[n - 1] == ' ' || inner[n - 1] == '-');)
		inner[--n] = '\0';
	if (text_starts(inner, "json ")) {
		as_json = true;
		inner += 5;
		while (*inner == ' ')
			inner++;
	}
	if (inner[0] != '.' || strpbrk(inner, " |()\"")) {
		err_what(e, ERR_USAGE, "the format '{{%s}}' is not understood", inner);
		return err_hint(e, "known are {{.Field}}, {{.Field.Sub}} and {{json .Field}}");
	}
	if (is_head) {
		const char *name = strrchr(inner, '.') + 1;
		for (const char *p = name; *p; p++)
			fputc(toupper((unsigned char)*p), out);
		return true;
	}
	json_t *value = look_up(row, inner, arena);
	if (!value) {
		err_what(e, ERR_USAGE, "there is no field '%s'", inner);
		return err_hint(e, "see what there is with --format json");
	}
	if (as_json)
		put_json(out, value);
	else
		put_value(out, value, 8);
	return true;
}

static bool print_row(FILE *out, json_t *row, const char *template, bool is_head,
	struct arena *arena, struct err *e)
{
	const char *p = template;
	while (*p) {
		if (p[0] == '{' && p[1] == '{') {
			const char *end = strstr(p, "}}");
			if (!end)
				return err_what(e, ERR_USAGE, "the format has {{ without }}");
			char *inner = arena_strndup(arena, p + 2, (size_t)(end - p - 2));
			if (!expand(out, row, inner, is_head, arena, e))
				return false;
			p = end + 2;
		} else if (p[0] == '\\' && (p[1] == 't' || p[1] == 'n')) {
			fputc(p[1] == 't' ? '\t' : '\n', out);
			p += 2;
		} else {
			fputc(*p++, out);
		}
	}
	fputc('\n', out);
	return true;
}

static bool print_template(FILE *out, json_t *rows, const char *template, bool has_no_header,
	struct arena *arena, struct err *e)
{
	json_t *row;
	size_t i;
	if (text_starts(template, "table ")) {
		template += 6;
		if (!has_no_header && !print_row(out, NULL, template, true, arena, e))
			return false;
	}
	json_array_foreach(rows, i, row)
	{
		if (!print_row(out, row, template, false, arena, e))
			return false;
	}
	return true;
}

bool table_print(json_t *rows, const struct column *columns, const char *format, bool has_no_header,
	struct arena *arena, struct err *e)
{
	CLEAN(clean_free) char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool ok = true;
	if (!out)
		return err_sys(e, "have memory for a table");
	if (!format)
		print_columns(out, rows, columns, has_no_header);
	else if (!strcmp(format, "json"))
		json_dumpf(rows, out, JSON_INDENT(2)), fputc('\n', out);
	else
		ok = print_template(out, rows, format, has_no_header, arena, e);
	fclose(out);
	return ok && print_out(text, e);
}
