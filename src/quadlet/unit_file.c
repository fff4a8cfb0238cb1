/* SPDX-License-Identifier: Apache-2.0 */
#include "quadlet/unit_file.h"
#include "quadlet/lines.h"

#include <string.h>

#define BLANKS " \t\r"

bool unit_entry_refuse(const struct unit_entry *entry, struct err *e)
{
	return err_what(e, ERR_INPUT, "%s:%u", entry->path, entry->line);
}

struct parser {
	struct unit_file *to;
	struct arena *arena;
	const char *path, *section;
	unsigned line, began; /* began: where the logical line begins */
};

static bool refuse(const struct parser *p, struct err *e)
{
	const struct unit_entry here = {.path = p->path, .line = p->began};
	return unit_entry_refuse(&here, e);
}

static const char *trimmed(struct arena *arena, const char *text, size_t n)
{
	while (n > 0 && strchr(BLANKS, text[0]))
		text++, n--;
	while (n > 0 && strchr(BLANKS, text[n - 1]))
		n--;
	return arena_strndup(arena, text, n);
}

/* One that is not the second of a pair. */
static bool ends_in_backslash(const char *text, size_t n)
{
	size_t count = 0;
	while (count < n && text[n - 1 - count] == '\\')
		count++;
	return count % 2;
}

static bool take_line(struct parser *p, const char *text, struct err *e)
{
	size_t n = strlen(text);
	if (text[0] == '[') {
		if (n < 3 || text[n - 1] != ']' || strcspn(text + 1, "[]") != n - 2)
			return err_msg(e, ERR_INPUT, "'%s' is no head of a section", text),
			       refuse(p, e);
		p->section = arena_strndup(p->arena, text + 1, n - 2);
		return true;
	}
	size_t len = strcspn(text, "=");
	if (!text[len] || !len)
		return err_msg(e, ERR_INPUT, "'%s' is not KEY=VALUE", text), refuse(p, e);
	if (!p->section)
		return err_msg(e, ERR_INPUT, "'%s' stands before any [Section]", text),
		       refuse(p, e);
	if (p->to->n == UNIT_FILE_ENTRIES_MAX)
		return err_msg(e, ERR_INPUT, "more than %d assignments", UNIT_FILE_ENTRIES_MAX),
		       refuse(p, e);
	/* Behind it was a blank; written into a unit, it would take the next line along. */
	if (ends_in_backslash(text, n))
		return err_msg(e, ERR_INPUT, "'%s' ends in a backslash", text), refuse(p, e);
	*ARENA_APPEND(p->arena, p->to->entries, p->to->n) = (struct unit_entry){.path = p->path,
		.line = p->began,
		.section = p->section,
		.key = trimmed(p->arena, text, len),
		.value = trimmed(p->arena, text + len + 1, n - len - 1)};
	return true;
}

/* A comment between continued lines is left out; the backslash becomes a blank. */
static const char *take_logical_line(struct parser *p, const char *at, struct lines *line)
{
	bool goes_on = true, is_first = true;
	line->n = 0;
	while (*at && goes_on) {
		size_t n = strcspn(at, "\n"), end = n, blanks;
		p->line++;
		if (is_first)
			p->began = p->line;
		while (end > 0 && at[end - 1] == '\r')
			end--;
		blanks = strspn(at, BLANKS);
		bool is_comment = at[blanks] == '#' || at[blanks] == ';';
		if (is_comment && is_first)
			end = 0;
		goes_on = is_comment ? !is_first : ends_in_backslash(at, end);
		if (!is_comment) {
			lines_add_bytes(line, at, goes_on ? end - 1 : end);
			lines_add(line, goes_on ? " " : "", NULL);
		}
		is_first = false;
		at += n + (at[n] == '\n');
	}
	return at;
}

bool unit_file_parse(struct unit_file *to, const char *path, const char *text, size_t size,
	struct arena *arena, struct err *e)
{
	struct parser p = {.to = to, .arena = arena, .path = path, .began = 1};
	struct lines line = {.arena = arena};
	if (memchr(text, '\0', size))
		return err_msg(e, ERR_INPUT, "there is a zero byte in it"), refuse(&p, e);
	while (*text) {
		text = take_logical_line(&p, text, &line);
		const char *whole = trimmed(arena, lines_text(&line), line.n);
		if (*whole && !take_line(&p, whole, e))
			return false;
	}
	return true;
}

static bool is_for(const struct unit_entry *entry, const char *section, const char *key)
{
	return !strcmp(entry->section, section) && !strcmp(entry->key, key);
}

size_t unit_file_find(const struct unit_file *file, const char *section, const char *key,
	struct arena *arena, const struct unit_entry ***ret)
{
	size_t n = 0, first = 0;
	for (size_t i = 0; i < file->n; i++) {
		if (!is_for(&file->entries[i], section, key))
			continue;
		n = file->entries[i].value[0] ? n + 1 : 0;
		first = n == 1 ? i : first;
	}
	*ret = arena_array(arena, n + 1, sizeof(**ret));
	for (size_t i = first, k = 0; k < n; i++)
		if (is_for(&file->entries[i], section, key))
			(*ret)[k++] = &file->entries[i];
	return n;
}

const struct unit_entry *unit_file_last(
	const struct unit_file *file, const char *section, const char *key)
{
	const struct unit_entry *last = NULL;
	for (size_t i = 0; i < file->n; i++) {
		const struct unit_entry *entry = &file->entries[i];
		if (is_for(entry, section, key))
			last = entry->value[0] ? entry : NULL;
	}
	return last;
}
