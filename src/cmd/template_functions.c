/* SPDX-License-Identifier: Apache-2.0 */
/* template_functions.c - docker's functions for templates, and Go's comparisons */
#include "base/own.h"
#include "base/text.h"
#include "cmd/template.h"

#include <ctype.h>
#include <string.h>

typedef json_t *function(struct template_values *t, json_t **args, size_t n);

/* @take_value belongs to the pool from here on. */
static json_t *keep(struct template_values *t, json_t *take_value)
{
	json_t *value = take_value ? take_value : json_null();
	json_array_append_new(t->pool, value);
	return value;
}

static json_t *fail(struct template_values *t, const char *why)
{
	err_what(t->e, ERR_USAGE, "the format is not understood: %s", why);
	return NULL;
}

bool template_is_true(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return json_object_size(value) > 0;
	case JSON_ARRAY:
		return json_array_size(value) > 0;
	case JSON_STRING:
		return json_string_length(value) > 0;
	case JSON_INTEGER:
		return json_integer_value(value) != 0;
	case JSON_REAL:
	case JSON_TRUE:
		return true;
	default:
		return false;
	}
}

static json_t *do_json(struct template_values *t, json_t **args, size_t n)
{
	(void)n;
	CLEAN(clean_free) char *text = json_dumps(args[0], JSON_ENCODE_ANY | JSON_COMPACT);
	return keep(t, json_string(text ? text : ""));
}

/* A key that a map has not is an empty text, as of Go's map[string]string. */
static json_t *do_index(struct template_values *t, json_t **args, size_t n)
{
	json_t *value = args[0];
	for (size_t i = 1; i < n; i++) {
		if (json_is_array(value) && json_is_integer(args[i])) {
			value = json_array_get(value, (size_t)json_integer_value(args[i]));
			if (!value)
				return fail(t, "index: out of range");
		} else if (json_is_object(value) && json_is_string(args[i])) {
			value = json_object_get(value, json_string_value(args[i]));
			if (!value)
				value = keep(t, json_string(""));
		} else {
			return fail(t, "index: this is no list or map, or no index for it");
		}
	}
	return value;
}

static json_t *do_len(struct template_values *t, json_t **args, size_t n)
{
	size_t length = json_is_array(args[0])	  ? json_array_size(args[0])
			: json_is_object(args[0]) ? json_object_size(args[0])
						  : json_string_length(args[0]);
	(void)n;
	return keep(t, json_integer((json_int_t)length));
}

static json_t *do_join(struct template_values *t, json_t **args, size_t n)
{
	CLEAN(clean_free) char *text = NULL;
	const char *separator = json_string_value(args[1]);
	size_t size = 0, i;
	json_t *item;
	FILE *out = open_memstream(&text, &size);
	(void)n;
	if (!out)
		return fail(t, "no memory");
	json_array_foreach(args[0], i, item)
	{
		const char *word = json_string_value(item);
		fprintf(out, "%s%s", i && separator ? separator : "", word ? word : "");
	}
	fclose(out);
	return keep(t, json_string(text));
}

static json_t *do_split(struct template_values *t, json_t **args, size_t n)
{
	const char *text = json_string_value(args[0]), *by = json_string_value(args[1]);
	json_t *array = keep(t, json_array());
	(void)n;
	if (!text || !by || !by[0])
		return fail(t, "split: two texts are wanted");
	for (const char *next; (next = strstr(text, by)); text = next + strlen(by))
		json_array_append_new(array, json_stringn(text, (size_t)(next - text)));
	json_array_append_new(array, json_string(text));
	return array;
}

static json_t *change_case(struct template_values *t, json_t *value, int (*change)(int))
{
	const char *text = json_string_value(value);
	char *copy = arena_strdup(t->arena, text ? text : "");
	for (char *p = copy; *p; p++)
		*p = (char)change((unsigned char)*p);
	return keep(t, json_string(copy));
}

static json_t *do_lower(struct template_values *t, json_t **args, size_t n)
{
	(void)n;
	return change_case(t, args[0], tolower);
}

static json_t *do_upper(struct template_values *t, json_t **args, size_t n)
{
	(void)n;
	return change_case(t, args[0], toupper);
}

static json_t *print_all(struct template_values *t, json_t **args, size_t n, bool is_line)
{
	CLEAN(clean_free) char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return fail(t, "no memory");
	for (size_t i = 0; i < n; i++) {
		if (i && is_line)
			fputc(' ', out);
		template_put_value(out, args[i], 8);
	}
	if (is_line)
		fputc('\n', out);
	fclose(out);
	return keep(t, json_string(text));
}

static json_t *do_println(struct template_values *t, json_t **args, size_t n)
{
	return print_all(t, args, n, true);
}

static json_t *do_print(struct template_values *t, json_t **args, size_t n)
{
	return print_all(t, args, n, false);
}

/* eq may have several to compare with: any of them. */
static json_t *do_eq(struct template_values *t, json_t **args, size_t n)
{
	bool is = false;
	for (size_t i = 1; i < n; i++)
		is |= json_equal(args[0], args[i]);
	return keep(t, json_boolean(is));
}

static json_t *do_ne(struct template_values *t, json_t **args, size_t n)
{
	(void)n;
	return keep(t, json_boolean(!json_equal(args[0], args[1])));
}

static json_t *do_gt(struct template_values *t, json_t **args, size_t n)
{
	(void)n;
	return keep(t, json_boolean(json_number_value(args[0]) > json_number_value(args[1])));
}

static json_t *do_lt(struct template_values *t, json_t **args, size_t n)
{
	(void)n;
	return keep(t, json_boolean(json_number_value(args[0]) < json_number_value(args[1])));
}

static json_t *do_not(struct template_values *t, json_t **args, size_t n)
{
	(void)n;
	return keep(t, json_boolean(!template_is_true(args[0])));
}

static json_t *do_and(struct template_values *t, json_t **args, size_t n)
{
	(void)t;
	for (size_t i = 0; i + 1 < n; i++)
		if (!template_is_true(args[i]))
			return args[i];
	return args[n - 1];
}

static json_t *do_or(struct template_values *t, json_t **args, size_t n)
{
	(void)t;
	for (size_t i = 0; i + 1 < n; i++)
		if (template_is_true(args[i]))
			return args[i];
	return args[n - 1];
}

static const struct {
	const char *name;
	size_t min, max;
	function *call;
} functions[] = {{"json", 1, 1, do_json}, {"index", 1, 8, do_index}, {"len", 1, 1, do_len},
	{"join", 2, 2, do_join}, {"split", 2, 2, do_split}, {"lower", 1, 1, do_lower},
	{"upper", 1, 1, do_upper}, {"print", 0, 8, do_print}, {"println", 0, 8, do_println},
	{"eq", 2, 8, do_eq}, {"ne", 2, 2, do_ne}, {"gt", 2, 2, do_gt}, {"lt", 2, 2, do_lt},
	{"not", 1, 1, do_not}, {"and", 1, 8, do_and}, {"or", 1, 8, do_or}};

json_t *template_call(struct template_values *t, const char *name, json_t **args, size_t n)
{
	const char *names[ARRAY_LEN(functions) + 1] = {NULL};
	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		names[i] = functions[i].name;
		if (strcmp(functions[i].name, name))
			continue;
		if (n < functions[i].min || n > functions[i].max)
			return fail(t, arena_printf(t->arena, "%s with %zu arguments", name, n));
		return functions[i].call(t, args, n);
	}
	const char *nearest = text_nearest(name, names);
	fail(t, arena_printf(t->arena, "there is no function '%s'", name));
	if (nearest)
		err_hint(t->e, "did you mean %s?", nearest);
	else
		err_hint(t->e, "known are {{.Field.Sub}}, {{json .}}, range, if, with, index, len, "
			       "join, split, lower, upper, println, eq, ne, not, and, or");
	return NULL;
}
