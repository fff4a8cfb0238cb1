/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reference.h"
#include "base/text.h"

#include <string.h>

#define NAME_LENGTH_MAX 255
#define TAG_LENGTH_MAX	128

bool reference_is_digest(const char *text)
{
	return text_starts(text, "sha256:") && strlen(text) == 71 &&
	       strspn(text + 7, "0123456789abcdef") == 64;
}

static bool refuse(const char *text, const char *why, struct err *e)
{
	err_msg(e, ERR_USAGE, "%s", why);
	return err_what(e, ERR_USAGE, "'%s' is no name of an image", text);
}

static bool is_low(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Lower-case words with ".", "_", "__" or dashes between them, "/" between components. */
static bool is_repository(const char *s)
{
	for (;;) {
		if (!is_low(*s))
			return false;
		while (is_low(*s))
			s++;
		if (!*s)
			return true;
		if (*s == '/' || *s == '.')
			s++;
		else if (*s == '_')
			s += s[1] == '_' ? 2 : 1;
		else if (*s == '-')
			s += strspn(s, "-");
		else
			return false;
	}
}

static bool is_registry(const char *s)
{
	size_t host = s[0] == '[' ? strcspn(s, "]") + 1 : strcspn(s, ":");
	const char *allowed = s[0] == '[' ? "[]0123456789abcdefABCDEF:"
					  : "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					    "0123456789.-";
	if (host == 0 || host > strlen(s) || strspn(s, allowed) < host || s[0] == '-' ||
		s[0] == '.')
		return false;
	if (!s[host])
		return true;
	uint64_t port;
	return s[host] == ':' && text_to_u64(s + host + 1, 65535, &port) && port > 0;
}

static bool is_tag(const char *s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.-";
	return s[0] && s[0] != '.' && s[0] != '-' && strlen(s) <= TAG_LENGTH_MAX &&
	       strspn(s, allowed) == strlen(s);
}

/* The first component is a registry when it cannot be part of a path. */
static void split_registry(struct arena *arena, const char *rest, struct reference *r)
{
	const char *slash = strchr(rest, '/');
	if (slash) {
		const char *first = arena_strndup(arena, rest, (size_t)(slash - rest));
		if (strpbrk(first, ".:ABCDEFGHIJKLMNOPQRSTUVWXYZ[") ||
			!strcmp(first, "localhost")) {
			r->registry = !strcmp(first, "index.docker.io") ||
						      !strcmp(first, "registry-1.docker.io")
					      ? "docker.io"
					      : first;
			rest = slash + 1;
		}
	}
	if (!r->registry)
		r->registry = "docker.io";
	r->repository = !strcmp(r->registry, "docker.io") && !strchr(rest, '/')
				? arena_printf(arena, "library/%s", rest)
				: rest;
}

bool reference_parse(struct arena *arena, const char *text, struct reference *ret, struct err *e)
{
	struct reference r = {0};
	if (strlen(text) > 1024)
		return refuse(arena_strndup(arena, text, 40), "it is too long", e);
	char *rest = arena_strdup(arena, text_starts(text, "docker://") ? text + 9 : text);
	char *at = strchr(rest, '@');
	if (at) {
		*at = '\0';
		r.digest = at + 1;
		if (!reference_is_digest(r.digest))
			return refuse(text, "a digest is sha256: and 64 hex digits", e);
	}
	char *slash = strrchr(rest, '/');
	char *colon = strchr(slash ? slash : rest, ':');
	if (colon) {
		*colon = '\0';
		r.tag = colon + 1;
	}
	if (!r.tag && !r.digest)
		r.tag = "latest";
	if (r.tag && !is_tag(r.tag))
		return refuse(text, "the tag is not letters, digits, '_', '.' and '-'", e);
	split_registry(arena, rest, &r);
	if (!is_registry(r.registry))
		return refuse(text, "the registry is no host with an optional port", e);
	if (strlen(r.repository) > NAME_LENGTH_MAX || !is_repository(r.repository))
		return refuse(text,
			"a name is lower-case letters and digits, with '.', '_', '-' and '/' "
			"between",
			e);
	if (r.digest)
		r.tag = NULL; /* the digest says it all [docker does the same] */
	r.name = r.digest ? arena_printf(arena, "%s/%s@%s", r.registry, r.repository, r.digest)
			  : arena_printf(arena, "%s/%s:%s", r.registry, r.repository, r.tag);
	*ret = r;
	return true;
}
