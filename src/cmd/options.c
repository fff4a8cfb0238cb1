/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/options.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define NAMES_MAX 128

bool print_out(const char *text, struct err *e)
{
	if (fputs(text, stdout) == EOF || fflush(stdout) == EOF) {
		err_sys(e, "write");
		return err_what(e, ERR_HOST, "cannot write to standard output");
	}
	return true;
}

void print_notes(struct notes *notes)
{
	char line[sizeof(notes->text[0]) * 4];
	size_t n = notes->n < NOTES_MAX ? notes->n : NOTES_MAX;
	for (size_t i = 0; i < n; i++) {
		text_visible(line, sizeof(line), notes->text[i]);
		fprintf(stderr, "guscio: note: %s\n", line);
	}
	notes->n = 0;
}

bool option_bool(const char *value, const char *name, bool *ret, struct err *e)
{
	static const struct name_value words[] = {{"true", 1}, {"1", 1}, {"yes", 1}, {"on", 1},
		{"false", 0}, {"0", 0}, {"no", 0}, {"off", 0}, {NULL, 0}};
	const struct name_value *found = name_find(words, value);
	if (!found) {
		err_what(e, ERR_USAGE, "--%s is a switch, not '%s'", name, value);
		return err_hint(e, "write --%s or --%s=false", name, name);
	}
	*ret = found->value;
	return true;
}

static bool is_optional(const struct option_def *option)
{
	return option->arg && option->arg[0] == '[';
}

static const struct option_def *find_long(
	const struct command *command, const char *name, size_t len)
{
	for (const struct option_def *o = command->options; o->name; o++)
		if (strlen(o->name) == len && !memcmp(o->name, name, len))
			return o;
	return NULL;
}

static const struct option_def *find_letter(const struct command *command, char letter)
{
	for (const struct option_def *o = command->options; o->name; o++)
		if (o->letter == letter)
			return o;
	return NULL;
}

static bool refuse_unknown(const struct command *command, const char *word, struct err *e)
{
	const char *names[NAMES_MAX + 1];
	char bare[64];
	size_t n = 0;
	err_what(e, ERR_USAGE, "unknown option '%s'", word);
	if (text_starts(word, "--")) {
		for (const struct option_def *o = command->options; o->name && n < NAMES_MAX; o++)
			names[n++] = o->name;
		names[n] = NULL;
		snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(word + 2, "="), word + 2);
		const char *nearest = text_nearest(bare, names);
		if (nearest)
			return err_hint(e, "did you mean --%s?", nearest);
	}
	return err_hint(e, "see: guscio %s --help", command->name);
}

static bool refuse_missing(const struct option_def *option, struct err *e)
{
	return err_what(e, ERR_USAGE, "--%s needs a value: %s", option->name, option->arg);
}

struct words {
	int argc;
	char **argv;
	int at;
};

static const char *next_word(struct words *words)
{
	return words->at + 1 < words->argc ? words->argv[++words->at] : NULL;
}

static bool parse_long(
	const struct command *command, struct words *words, struct invocation *to, struct err *e)
{
	const char *word = words->argv[words->at];
	size_t len = strcspn(word + 2, "=");
	const char *value = word[2 + len] ? word + 2 + len + 1 : NULL;
	const struct option_def *option = find_long(command, word + 2, len);
	if (!option)
		return refuse_unknown(command, word, e);
	if (!value && !option->arg)
		value = "true";
	if (!value && is_optional(option))
		value = "";
	if (!value)
		value = next_word(words);
	if (!value)
		return refuse_missing(option, e);
	return option->set(to, value, e);
}

/* -it, -eNAME=x, -e NAME=x */
static bool parse_letters(
	const struct command *command, struct words *words, struct invocation *to, struct err *e)
{
	const char *word = words->argv[words->at];
	for (const char *letter = word + 1; *letter; letter++) {
		const struct option_def *option = find_letter(command, *letter);
		if (!option)
			return refuse_unknown(command, word, e);
		if (!option->arg) {
			if (!option->set(to, "true", e))
				return false;
			continue;
		}
		const char *value = letter[1] ? letter + 1 + (letter[1] == '=') : next_word(words);
		if (!value)
			return refuse_missing(option, e);
		return option->set(to, value, e);
	}
	return true;
}

bool options_parse(const struct command *command, int argc, char **argv, struct invocation *to,
	int *ret_n, bool *ret_help, struct err *e)
{
	struct words words = {argc, argv, 0};
	*ret_help = false;
	for (; words.at < argc; words.at++) {
		const char *word = argv[words.at];
		if (word[0] != '-' || !word[1])
			break;
		if (!strcmp(word, "--")) {
			words.at++;
			break;
		}
		if (!strcmp(word, "--help")) {
			*ret_help = true;
			break;
		}
		bool ok = word[1] == '-' ? parse_long(command, &words, to, e)
					 : parse_letters(command, &words, to, e);
		if (!ok)
			return false;
	}
	*ret_n = words.at;
	return true;
}

bool options_parse_mixed(const struct command *command, int *argc, char **argv,
	struct invocation *to, bool *ret_help, struct err *e)
{
	int n_arguments = 0, n = *argc, at = 0;
	while (at < n) {
		int n_options;
		if (!options_parse(command, n - at, argv + at, to, &n_options, ret_help, e))
			return false;
		if (*ret_help)
			break;
		bool is_rest = n_options > 0 && !strcmp(argv[at + n_options - 1], "--");
		at += n_options;
		/* Never before the place that is being read. */
		if (at < n)
			argv[n_arguments++] = argv[at++];
		while (is_rest && at < n)
			argv[n_arguments++] = argv[at++];
	}
	*argc = n_arguments;
	return true;
}

static bool is_named(const struct option_def *option, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(option->name, *names))
			return true;
	return false;
}

/* -dit without -d; a value that is a word of its own is left to the caller. */
static const char *letters_without(const struct command *command, const char *word,
	const char *const *names, struct arena *arena, bool *ret_takes_next, bool *ret_keeps_next)
{
	char *kept = arena_strdup(arena, "-");
	for (const char *letter = word + 1; *letter; letter++) {
		const struct option_def *option = find_letter(command, *letter);
		bool is_kept = option && !is_named(option, names);
		bool has_value = option && option->arg;
		size_t n = has_value ? strlen(letter) : 1;
		if (is_kept)
			kept = arena_printf(arena, "%s%.*s", kept, (int)n, letter);
		*ret_takes_next = has_value && !letter[1];
		*ret_keeps_next = is_kept;
		if (has_value)
			break;
	}
	return kept[1] ? kept : NULL;
}

void options_without(const struct command *command, const struct strv *words,
	const char *const *names, struct arena *arena, struct strv *ret)
{
	for (size_t i = 0; i < words->n; i++) {
		const char *word = words->v[i];
		bool takes_next = false, keeps_next = true;
		if (text_starts(word, "--")) {
			size_t len = strcspn(word + 2, "=");
			const struct option_def *option = find_long(command, word + 2, len);
			takes_next =
				option && option->arg && !is_optional(option) && !word[2 + len];
			keeps_next = !option || !is_named(option, names);
			word = keeps_next ? word : NULL;
		} else {
			word = letters_without(
				command, word, names, arena, &takes_next, &keeps_next);
		}
		if (word)
			strv_add(arena, ret, word);
		if (takes_next && ++i < words->n && keeps_next)
			strv_add(arena, ret, words->v[i]);
	}
}

const char *options_help(const struct command *command, struct arena *arena)
{
	const char *text = arena_printf(arena, "usage: guscio %s%s%s\n\n%s.\n%s", command->name,
		command->arguments[0] ? " " : "", command->arguments, command->summary,
		command->details);
	text = arena_printf(arena, "%s\noptions:\n", text);
	for (const struct option_def *o = command->options; o->name; o++) {
		const char *left = arena_printf(arena, "%s--%s%s%s",
			o->letter ? arena_printf(arena, "-%c, ", o->letter) : "    ", o->name,
			!o->arg		 ? ""
			: is_optional(o) ? "[="
					 : " ",
			!o->arg		 ? ""
			: is_optional(o) ? o->arg + 1
					 : o->arg);
		text = arena_printf(arena, "%s  %-32s %s\n", text, left, o->help);
	}
	return arena_printf(arena, "%s  %-32s %s\n", text, "    --help", "show this text");
}
