/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/secret_text.h"
#include "base/text.h"
#include "spec/network.h"

#include <stddef.h>
#include <string.h>

#define DIRECTORY "/run/secrets"

struct words {
	const char *source, *type, *target, *uid, *gid, *mode; /* NULL: not given */
};

static const struct {
	const char *key;
	size_t offset;
} keys[] = {{"source", offsetof(struct words, source)}, {"type", offsetof(struct words, type)},
	{"target", offsetof(struct words, target)}, {"uid", offsetof(struct words, uid)},
	{"UID", offsetof(struct words, uid)}, {"gid", offsetof(struct words, gid)},
	{"GID", offsetof(struct words, gid)}, {"mode", offsetof(struct words, mode)}};

static bool take_word(struct words *words, const char *field, struct err *e)
{
	size_t n = strcspn(field, "=");
	for (size_t i = 0; field[n] && i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strlen(keys[i].key) == n && !memcmp(keys[i].key, field, n)) {
			*(const char **)((char *)words + keys[i].offset) = field + n + 1;
			return true;
		}
	err_what(e, ERR_USAGE, "--secret option '%s' is not known", field);
	return err_hint(e, "type=, target=, uid=, gid= or mode=");
}

static bool split(const char *text, struct arena *arena, struct words *ret, struct err *e)
{
	char *rest = arena_strdup(arena, text);
	const char *first = strsep(&rest, ","), *field;
	if (!strchr(first, '='))
		ret->source = first;
	else if (!take_word(ret, first, e))
		return false;
	while ((field = strsep(&rest, ",")))
		if (!take_word(ret, field, e))
			return false;
	return (ret->source && spec_is_name(ret->source)) ||
	       err_what(e, ERR_USAGE, "--secret '%s' names no secret", text);
}

static bool set_variable(struct secret_spec *secret, const struct words *words, struct err *e)
{
	if (words->uid || words->gid || words->mode) {
		err_what(e, ERR_USAGE, "--secret '%s' is a variable", secret->name);
		return err_hint(e, "uid, gid and mode are for type=mount");
	}
	secret->is_env = true;
	secret->target = words->target ? words->target : secret->name;
	return (secret->target[0] && !strchr(secret->target, '=')) ||
	       err_what(e, ERR_USAGE, "'%s' is no name for a variable", secret->target);
}

static bool set_file(
	struct secret_spec *secret, const struct words *words, struct arena *arena, struct err *e)
{
	char clean[4096];
	const char *target = words->target ? words->target : secret->name;
	uint32_t mode = 0444;
	secret->uid = secret->gid = 0;
	if ((words->uid && !text_to_id(words->uid, &secret->uid)) ||
		(words->gid && !text_to_id(words->gid, &secret->gid)))
		return err_what(e, ERR_USAGE, "an id of --secret '%s' is none", secret->name);
	if (words->mode && !text_to_octal(words->mode, 0777, &mode))
		return err_what(e, ERR_USAGE, "mode '%s' of --secret '%s' is none", words->mode,
			secret->name);
	secret->mode = mode;
	if (target[0] != '/')
		target = arena_printf(arena, DIRECTORY "/%s", target);
	if (!text_path_clean(target, clean, sizeof(clean)) || !clean[1] || text_ends(target, "/") ||
		!strcmp(clean, DIRECTORY))
		return err_what(e, ERR_USAGE, "target '%s' of --secret '%s' is no file", target,
			secret->name);
	secret->target = arena_strdup(arena, clean);
	return true;
}

bool spec_add_secret(struct spec *spec, const char *text, struct err *e)
{
	struct words words = {0};
	struct secret_spec secret = {0};
	if (!split(text, spec->arena, &words, e))
		return false;
	secret.name = words.source;
	bool is_env = words.type && !strcmp(words.type, "env");
	if (words.type && !is_env && strcmp(words.type, "mount")) {
		err_what(e, ERR_USAGE, "--secret type '%s' is not known", words.type);
		return err_hint(e, "mount or env");
	}
	if (is_env ? !set_variable(&secret, &words, e) : !set_file(&secret, &words, spec->arena, e))
		return false;
	if (spec->n_secrets == SPEC_SECRETS_MAX)
		return err_what(e, ERR_USAGE, "more than %d secrets", SPEC_SECRETS_MAX);
	*ARENA_APPEND(spec->arena, spec->secrets, spec->n_secrets) = secret;
	return true;
}

const char *secret_to_text(const struct secret_spec *secret, struct arena *arena)
{
	if (secret->is_env)
		return arena_printf(arena, "%s,type=env,target=%s", secret->name, secret->target);
	return arena_printf(arena, "%s,type=mount,target=%s,uid=%u,gid=%u,mode=%04o", secret->name,
		secret->target, secret->uid, secret->gid, (unsigned)secret->mode);
}
