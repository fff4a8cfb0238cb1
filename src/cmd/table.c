/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/table.h"
#include "base/own.h"
#include "base/text.h"
#include "cmd/options.h"
#include "cmd/template.h"

#include <ctype.h>
#include <string.h>

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

static void put_padded(FILE *out, const char *text, size_t width)
{
	size_t n = strlen(text);
	fwrite(text, 1, n, out);
	for (; n < width; n++)
		putc_unlocked(' ', out);
}

/* Names of images and comments are somebody else's words: never raw to a terminal. */
static void put(FILE *out, const char *text, size_t width)
{
	char shown[1024];
	text_visible(shown, sizeof(shown), text);
	put_padded(out, shown, width);
}

static void print_columns(FILE *out, json_t *rows, const struct column *columns, bool has_no_header)
{
	size_t widths[COLUMNS_MAX], i;
	json_t *row;
	for (size_t c = 0; columns[c].title; c++)
		widths[c] = columns[c + 1].title ? width_of(rows, &columns[c]) + 3 : 0;
	for (size_t c = 0; !has_no_header && columns[c].title; c++)
		put_padded(out, columns[c].title, widths[c]);
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

/* The last names of {{.A.B}} and the like, as heads of a table. */
static bool print_heads(FILE *out, const char *template, struct err *e)
{
	for (const char *p = template; *p;) {
		const char *end = text_starts(p, "{{") ? strstr(p, "}}") : NULL;
		if (text_starts(p, "{{") && !end)
			return err_what(e, ERR_USAGE, "the format has {{ without }}");
		if (end) {
			const char *name = end;
			while (name > p && (isalnum((unsigned char)name[-1]) || name[-1] == '_'))
				name--;
			for (; name < end; name++)
				fputc(toupper((unsigned char)*name), out);
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
		if (!has_no_header && !print_heads(out, template, e))
			return false;
	}
	json_array_foreach(rows, i, row)
	{
		if (!template_print(out, row, template, arena, e))
			return false;
		fputc('\n', out);
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
