/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/create_command.h"
#include "base/own.h"
#include "base/text.h"
#include "cmd/commands.h"

#include <string.h>
#include <unistd.h>

#define KEY "guscio.create-command"

/* A word a line: what would end the line is escaped. */
static const char *escaped(struct arena *arena, const char *word)
{
	char *to = arena_alloc(arena, 2 * strlen(word) + 1), *at = to;
	for (; *word; word++) {
		if (*word == '\\' || *word == '\n')
			*at++ = '\\';
		*at++ = *word == '\n' ? 'n' : *word;
	}
	return to;
}

static const char *unescaped(struct arena *arena, const char *word)
{
	char *to = arena_alloc(arena, strlen(word) + 1), *at = to;
	for (; *word; word++) {
		if (*word == '\\' && word[1])
			*at++ = *++word == 'n' ? '\n' : *word;
		else
			*at++ = *word;
	}
	return to;
}

void create_command_note(struct invocation *to)
{
	static const char *const secrets[] = {"creds", NULL};
	struct arena *arena = &to->arena;
	struct strv lines = {0}, options = {0};
	CLEAN(clean_free) char *cwd = getcwd(NULL, 0);
	size_t size = sizeof(KEY) + 1;
	options_without(&command_run, &to->option_words, secrets, arena, &options);
	strv_add(arena, &lines, escaped(arena, cwd ? cwd : "/"));
	strv_add(arena, &lines, to->command_name);
	strv_add(arena, &lines, arena_printf(arena, "%zu", options.n));
	for (size_t i = 0; i < options.n; i++)
		strv_add(arena, &lines, escaped(arena, options.v[i]));
	for (size_t i = 0; i < to->root_words.n; i++)
		strv_add(arena, &lines, escaped(arena, to->root_words.v[i]));
	for (size_t i = 0; i < lines.n; i++)
		size += strlen(lines.v[i]) + 1;
	char *text = arena_alloc(arena, size), *at = stpcpy(text, KEY "=");
	for (size_t i = 0; i < lines.n; i++)
		at = stpcpy(stpcpy(at, lines.v[i]), i + 1 < lines.n ? "\n" : "");
	strv_env_set(arena, &to->spec.annotations, text);
}

bool create_command_read(const struct strv *annotations, struct arena *arena,
	struct create_command *ret, struct err *e)
{
	const char *text = strv_env(annotations, KEY);
	char *rest = text ? arena_strdup(arena, text) : NULL, *line;
	uint64_t n_options = 0;
	*ret = (struct create_command){0};
	for (size_t i = 0; (line = strsep(&rest, "\n")); i++) {
		const char *word = unescaped(arena, line);
		if (i == 0)
			ret->directory = word;
		else if (i == 1)
			ret->name = word;
		else if (i == 2 && !text_to_u64(word, 1 << 20, &n_options))
			break;
		else if (i > 2)
			strv_add(arena, i - 3 < n_options ? &ret->options : &ret->root_words, word);
	}
	return (ret->name && ret->options.n == n_options) ||
	       err_msg(e, ERR_STATE, "its command line was not kept");
}
