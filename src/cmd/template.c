/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template.c - one pass over the text, which is carried out as it is read
 *
 * A block that is not to be printed is read all the same, for its end; one that is repeated is
 * read again from its beginning.
 */
#include "cmd/template.h"
#include "base/own.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX 32
#define ARGS_MAX  8
#define VARS_MAX  32
/* Loops in loops: nobody waits for more. */
#define ACTIONS_MAX 1000000

struct variable {
	const char *name; /* with its "$" */
	json_t *value;
};

struct engine {
	struct template_values values;
	FILE *out;
	json_t *root;
	const char *at; /* in the template */
	bool trims_next;
	const char *after_else; /* "if X" of the else that ended the last block */
	bool is_lenient;	/* a missing field is null: in conditions */
	int depth;
	int n_actions;
	struct variable vars[VARS_MAX];
	size_t n_vars;
};

enum stop { STOP_FAILED, STOP_TEXT, STOP_END, STOP_ELSE };

static json_t *eval_pipeline(struct engine *g, const char **p, json_t *dot);
static enum stop run_block(struct engine *g, json_t *dot, bool is_active);

static json_t *keep(struct engine *g, json_t *take_value)
{
	json_t *value = take_value ? take_value : json_null();
	json_array_append_new(g->values.pool, value);
	return value;
}

static json_t *refuse(struct engine *g, const char *what)
{
	if (!g->values.e->what[0])
		err_what(g->values.e, ERR_USAGE, "the format '{{%s}}' is not understood", what);
	if (!g->values.e->hint[0])
		err_hint(g->values.e, "known are {{.Field}}, {{.Field.Sub}} and {{json .Field}}, "
				      "and range, if, with, index, len, join, eq …");
	return NULL;
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

void template_put_value(FILE *out, json_t *value, int depth)
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
			template_put_value(out, item, depth - 1);
		}
		fputc(']', out);
	} else if (json_is_object(value) && depth > 0) {
		const char *between = "map[";
		json_object_foreach(value, key, item)
		{
			fprintf(out, "%s%s:", between, key);
			template_put_value(out, item, depth - 1);
			between = " ";
		}
		fputs(json_object_size(value) ? "]" : "map[]", out);
	} else {
		CLEAN(clean_free)
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		fputs(text ? text : "", out);
	}
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static const char *take_name(struct engine *g, const char **p)
{
	const char *begin = *p;
	while (is_name(**p))
		(*p)++;
	return arena_strndup(g->values.arena, begin, (size_t)(*p - begin));
}

/* Go's names begin with capitals, files' do not always. */
static json_t *member(json_t *value, const char *name)
{
	json_t *found = json_object_get(value, name), *other;
	const char *key;
	if (found)
		return found;
	json_object_foreach(value, key, other) if (!strcasecmp(key, name)) return other;
	return NULL;
}

static json_t *eval_path(struct engine *g, const char **p, json_t *value)
{
	while (value && **p == '.' && is_name((*p)[1])) {
		(*p)++;
		const char *name = take_name(g, p);
		value = member(value, name);
		if (!value && g->is_lenient)
			value = keep(g, NULL);
		if (!value) {
			err_what(g->values.e, ERR_USAGE, "there is no field '%s'", name);
			err_hint(g->values.e, "see what there is with --format json");
		}
	}
	return value;
}

static json_t *eval_variable(struct engine *g, const char **p)
{
	const char *begin = (*p)++;
	while (isalnum((unsigned char)**p) || **p == '_')
		(*p)++;
	size_t n = (size_t)(*p - begin);
	if (n == 1)
		return g->root;
	for (size_t i = g->n_vars; i-- > 0;)
		if (strlen(g->vars[i].name) == n && !memcmp(g->vars[i].name, begin, n))
			return g->vars[i].value;
	return refuse(g, begin);
}

static json_t *eval_text(struct engine *g, const char **p)
{
	char quote = *(*p)++;
	char *text = arena_alloc(g->values.arena, strlen(*p) + 1);
	size_t n = 0;
	for (; **p && **p != quote; (*p)++) {
		char c = **p;
		if (c == '\\' && quote == '"' && (*p)[1]) {
			c = *++*p;
			c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
		}
		text[n++] = c;
	}
	if (**p != quote)
		return refuse(g, "a text without its end");
	(*p)++;
	return keep(g, json_string(text));
}

static void skip_blanks(const char **p)
{
	*p += strspn(*p, " \t\n");
}

static json_t *eval_word(struct engine *g, const char **p)
{
	static const struct name_value words[] = {
		{"true", 1}, {"false", 0}, {"nil", -1}, {NULL, 0}};
	const char *name = take_name(g, p);
	const struct name_value *word = name_find(words, name);
	if (!word)
		return template_call(&g->values, name, NULL, 0);
	return keep(g, word->value < 0 ? json_null() : json_boolean(word->value));
}

static json_t *eval_operand(struct engine *g, const char **p, json_t *dot)
{
	const char *begin = *p;
	if (**p == '.') {
		if (is_name((*p)[1]))
			return eval_path(g, p, dot);
		(*p)++;
		return dot;
	}
	if (**p == '$')
		return eval_path(g, p, eval_variable(g, p));
	if (**p == '"' || **p == '`')
		return eval_text(g, p);
	if (**p == '(') {
		(*p)++;
		json_t *value = eval_pipeline(g, p, dot);
		if (value && **p != ')')
			return refuse(g, begin);
		(*p)++;
		return value ? eval_path(g, p, value) : NULL;
	}
	if (isdigit((unsigned char)**p) || (**p == '-' && isdigit((unsigned char)(*p)[1]))) {
		char *end;
		json_int_t number = strtoll(*p, &end, 10);
		*p = end;
		return keep(g, json_integer(number));
	}
	return isalpha((unsigned char)**p) ? eval_word(g, p) : refuse(g, begin);
}

static bool is_constant(const char *p)
{
	return (text_starts(p, "true") && !is_name(p[4])) ||
	       (text_starts(p, "false") && !is_name(p[5])) ||
	       (text_starts(p, "nil") && !is_name(p[3]));
}

/* @piped: what came through the pipe is the last argument; NULL: nothing did */
static json_t *eval_command(struct engine *g, const char **p, json_t *dot, json_t *piped)
{
	json_t *args[ARGS_MAX + 1];
	size_t n = 0;
	const char *begin = *p;
	if (!isalpha((unsigned char)**p) || is_constant(*p)) {
		json_t *value = eval_operand(g, p, dot);
		skip_blanks(p);
		return !value || (!piped && (!**p || strchr("|)", **p))) ? value : refuse(g, begin);
	}
	const char *name = take_name(g, p);
	for (skip_blanks(p); **p && **p != '|' && **p != ')'; skip_blanks(p)) {
		if (n == ARGS_MAX || !(args[n++] = eval_operand(g, p, dot)))
			return g->values.e->what[0] ? NULL : refuse(g, begin);
	}
	if (piped)
		args[n++] = piped;
	return template_call(&g->values, name, args, n);
}

static json_t *eval_pipeline(struct engine *g, const char **p, json_t *dot)
{
	json_t *value = NULL;
	if (++g->depth > DEPTH_MAX)
		return refuse(g, "too many parentheses");
	do {
		if (value)
			(*p)++;
		skip_blanks(p);
		value = eval_command(g, p, dot, value);
		skip_blanks(p);
	} while (value && **p == '|');
	g->depth--;
	return value;
}

static json_t *eval_all(struct engine *g, const char *text, json_t *dot, bool is_condition)
{
	const char *p = text;
	bool before = g->is_lenient;
	g->is_lenient |= is_condition;
	json_t *value = eval_pipeline(g, &p, dot);
	g->is_lenient = before;
	return value && *p ? refuse(g, text) : value;
}

static bool set_variable(struct engine *g, const char *name, json_t *value)
{
	for (size_t i = g->n_vars; i-- > 0;)
		if (!strcmp(g->vars[i].name, name)) {
			g->vars[i].value = value;
			return true;
		}
	if (g->n_vars == VARS_MAX)
		return refuse(g, "too many variables"), false;
	g->vars[g->n_vars++] = (struct variable){name, value};
	return true;
}

/* "$a, $b := rest" and "$a := rest": the names, and where the rest begins. */
static const char *take_names(struct engine *g, const char *text, const char *names[2])
{
	const char *sign = strstr(text, ":=");
	names[0] = names[1] = NULL;
	if (text[0] != '$' || !sign)
		return text;
	char *copy = arena_strndup(g->values.arena, text, (size_t)(sign - text)), *word;
	for (size_t n = 0; n < 2 && (word = strsep(&copy, ",")); n++) {
		word += strspn(word, " ");
		word[strcspn(word, " ")] = '\0';
		names[n] = word;
	}
	sign += 2;
	return sign + strspn(sign, " ");
}

/* The other branches of an if or with; @is_done: one was printed already. */
static bool run_else(struct engine *g, json_t *dot, enum stop stop, bool is_active, bool is_done)
{
	while (stop == STOP_ELSE) {
		const char *condition = g->after_else;
		bool is_true = is_active && !is_done;
		if (is_true && text_starts(condition, "if ")) {
			json_t *value = eval_all(g, condition + 3, dot, true);
			if (!value)
				return false;
			is_true = template_is_true(value);
		}
		is_done |= is_true;
		stop = run_block(g, dot, is_true);
	}
	if (stop == STOP_TEXT)
		refuse(g, "a block without end");
	return stop == STOP_END;
}

static bool run_if(struct engine *g, const char *text, json_t *dot, bool is_active, bool is_with)
{
	const char *names[2];
	const char *condition = take_names(g, text, names);
	size_t n_vars = g->n_vars;
	json_t *value = is_active ? eval_all(g, condition, dot, true) : NULL;
	if (is_active && !value)
		return false;
	bool is_true = is_active && template_is_true(value);
	if (is_true && names[0] && !set_variable(g, names[0], value))
		return false;
	enum stop stop = run_block(g, is_with && is_true ? value : dot, is_true);
	g->n_vars = n_vars;
	return stop != STOP_FAILED && run_else(g, dot, stop, is_active, is_true);
}

static enum stop run_item(
	struct engine *g, const char *const names[2], json_t *key, json_t *value, const char *body)
{
	size_t n_vars = g->n_vars;
	g->at = body;
	if ((names[1] && (!set_variable(g, names[0], key) || !set_variable(g, names[1], value))) ||
		(!names[1] && names[0] && !set_variable(g, names[0], value)))
		return STOP_FAILED;
	enum stop stop = run_block(g, value, true);
	g->n_vars = n_vars;
	return stop;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Go goes through a map in the order of its keys. */
static enum stop run_items(
	struct engine *g, json_t *list, const char *const names[2], const char *body)
{
	enum stop stop = STOP_END;
	struct strv keys = {0};
	const char *key;
	json_t *value;
	size_t i;
	json_array_foreach(list, i, value)
	{
		json_t *index = keep(g, json_integer((json_int_t)i));
		stop = run_item(g, names, index, value, body);
		if (stop == STOP_FAILED || stop == STOP_TEXT)
			return stop;
	}
	json_object_foreach(list, key, value) strv_add(g->values.arena, &keys, key);
	if (keys.n)
		qsort(keys.v, keys.n, sizeof(*keys.v), by_text);
	for (i = 0; i < keys.n && stop != STOP_FAILED && stop != STOP_TEXT; i++)
		stop = run_item(g, names, keep(g, json_string(keys.v[i])),
			json_object_get(list, keys.v[i]), body);
	return stop;
}

static bool run_range(struct engine *g, const char *text, json_t *dot, bool is_active)
{
	const char *names[2], *body = g->at;
	const char *what = take_names(g, text, names);
	json_t *list = is_active ? eval_all(g, what, dot, true) : NULL;
	if (is_active && !list)
		return false;
	if (list && !json_is_array(list) && !json_is_object(list) && !json_is_null(list))
		return refuse(g, text), false;
	bool has_items = list && template_is_true(list);
	enum stop stop = has_items ? run_items(g, list, names, body) : run_block(g, dot, false);
	return stop != STOP_FAILED && run_else(g, dot, stop, is_active, has_items);
}

static bool run_action(struct engine *g, const char *text, json_t *dot, bool is_active)
{
	const char *names[2];
	if (text_starts(text, "if "))
		return run_if(g, text + 3, dot, is_active, false);
	if (text_starts(text, "with "))
		return run_if(g, text + 5, dot, is_active, true);
	if (text_starts(text, "range "))
		return run_range(g, text + 6, dot, is_active);
	if (!is_active || text_starts(text, "/*"))
		return true;
	const char *what = take_names(g, text, names);
	json_t *value = eval_all(g, what, dot, false);
	if (!value)
		return false;
	if (names[0])
		return set_variable(g, names[0], value);
	template_put_value(g->out, value, 8);
	return true;
}

/* Where "}}" is, which a text in quotes may have too. */
static const char *find_end(const char *p)
{
	char quote = 0;
	for (; *p; p++) {
		if (quote && *p == '\\' && quote == '"' && p[1])
			p++;
		else if (quote)
			quote = *p == quote ? 0 : quote;
		else if (*p == '"' || *p == '`')
			quote = *p;
		else if (p[0] == '}' && p[1] == '}')
			return p;
	}
	return NULL;
}

static void put_plain(struct engine *g, const char *text, size_t n, bool is_active)
{
	if (g->trims_next)
		for (; n && isspace((unsigned char)*text); n--)
			text++;
	g->trims_next = false;
	for (size_t i = 0; is_active && i < n; i++) {
		bool is_escape = text[i] == '\\' && i + 1 < n && strchr("tn", text[i + 1]);
		fputc(!is_escape ? text[i] : text[i + 1] == 't' ? '\t' : '\n', g->out);
		i += is_escape;
	}
}

/* The plain text up to the next action, and that; NULL at the end of the template. */
static const char *next_action(struct engine *g, bool is_active)
{
	const char *begin = g->at, *open = strstr(begin, "{{");
	size_t n = open ? (size_t)(open - begin) : strlen(begin);
	bool trims = open && open[2] == '-' && isspace((unsigned char)open[3]);
	while (trims && n && isspace((unsigned char)begin[n - 1]))
		n--;
	put_plain(g, begin, n, is_active);
	g->at = begin + strlen(begin);
	if (!open)
		return NULL;
	const char *inner = open + 2 + trims, *end = find_end(inner);
	if (!end) {
		err_what(g->values.e, ERR_USAGE, "the format has {{ without }}");
		return NULL;
	}
	g->at = end + 2;
	size_t length = (size_t)(end - inner);
	g->trims_next =
		length > 1 && inner[length - 1] == '-' && isspace((unsigned char)inner[length - 2]);
	length -= g->trims_next;
	while (length && isspace((unsigned char)*inner))
		inner++, length--;
	while (length && isspace((unsigned char)inner[length - 1]))
		length--;
	return arena_strndup(g->values.arena, inner, length);
}

static enum stop run_block(struct engine *g, json_t *dot, bool is_active)
{
	const char *text;
	if (++g->depth > DEPTH_MAX)
		return refuse(g, "too many blocks"), STOP_FAILED;
	while ((text = next_action(g, is_active))) {
		bool is_end = !strcmp(text, "end");
		if (is_end || !strcmp(text, "else") || text_starts(text, "else ")) {
			g->after_else = is_end ? "" : text + 4 + strspn(text + 4, " ");
			g->depth--;
			return is_end ? STOP_END : STOP_ELSE;
		}
		if (++g->n_actions > ACTIONS_MAX || g->values.arena->used > ARENA_SIZE / 2)
			return refuse(g, "too many loops in loops"), STOP_FAILED;
		if (!run_action(g, text, dot, is_active))
			return STOP_FAILED;
	}
	g->depth--;
	return g->values.e->what[0] ? STOP_FAILED : STOP_TEXT;
}

bool template_print(FILE *out, json_t *data, const char *text, struct arena *arena, struct err *e)
{
	struct engine g = {
		.values = {json_array(), arena, e}, .out = out, .root = data, .at = text};
	*e = (struct err)ERR_INIT;
	enum stop stop = run_block(&g, data, true);
	if (stop == STOP_END || stop == STOP_ELSE)
		refuse(&g, stop == STOP_END ? "end" : "else");
	json_decref(g.values.pool);
	return stop == STOP_TEXT;
}
