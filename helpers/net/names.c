/* SPDX-License-Identifier: Apache-2.0 */
#include "net/names.h"
#include "base/own.h"

#include <ctype.h>
#include <string.h>

void names_done(struct names *names)
{
	free(names->list);
	*names = (struct names){0};
}

/* Letters, digits, hyphens and, since people use them, underscores; labels of 1 to 63. */
static bool name_normal(const char *text, char ret[NAME_SIZE])
{
	size_t length = strlen(text), label = 0;
	if (length > 1 && text[length - 1] == '.')
		length--;
	if (length == 0 || length > 253)
		return false;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '.' ? label == 0 : !(isalnum(c) || c == '-' || c == '_'))
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
		ret[i] = (char)tolower(c);
	}
	ret[length] = '\0';
	return label > 0;
}

bool names_add(struct names *names, const char *text, const union endpoint *at, uint64_t owner,
	struct err *e)
{
	struct name name = {.at = *at, .owner = owner};
	if (!name_normal(text, name.text))
		return err_msg(e, ERR_USAGE, "'%s' is no host name", text);
	if (names->n == NAMES_MAX)
		return err_msg(e, ERR_STATE, "a network has at most %d names", NAMES_MAX);
	if (names->n == names->room) {
		size_t room = names->room ? names->room * 2 : 8;
		struct name *list = realloc(names->list, room * sizeof(*list));
		if (!list)
			return err_sys(e, "remember a name");
		names->list = list;
		names->room = room;
	}
	names->list[names->n++] = name;
	return true;
}

size_t names_remove(struct names *names, uint64_t owner, const char *text)
{
	char wanted[NAME_SIZE] = "";
	size_t kept = 0, before = names->n;
	if (text && !name_normal(text, wanted))
		return 0;
	for (size_t i = 0; i < before; i++) {
		const struct name *name = &names->list[i];
		if (name->owner == owner && (!text || !strcmp(name->text, wanted)))
			continue;
		names->list[kept++] = *name;
	}
	names->n = kept;
	return before - kept;
}

bool names_find(const struct names *names, const char *text, int family, const union endpoint **ret,
	size_t *ret_n)
{
	bool is_ours = false;
	*ret_n = 0;
	for (size_t i = 0; i < names->n; i++) {
		const struct name *name = &names->list[i];
		if (strcmp(name->text, text) != 0)
			continue;
		is_ours = true;
		if (name->at.any.sa_family == family && *ret_n < NAME_ANSWERS_MAX)
			ret[(*ret_n)++] = &name->at;
	}
	return is_ours;
}
