/* SPDX-License-Identifier: Apache-2.0 */
#include "image/registries.h"
#include "base/own.h"
#include "base/text.h"

#include <fcntl.h>
#include <string.h>

#define RULES_MAX 512

enum table { TABLE_TOP, TABLE_REGISTRY, TABLE_MIRROR, TABLE_OTHER };

struct parser {
	struct arena *arena;
	const char *p;
	int line;
	enum table table;
	struct registries *to;
	struct err *e;
};

static bool refuse(struct parser *s, const char *why)
{
	return err_msg(s->e, ERR_INPUT, "line %d: %s", s->line, why);
}

static void skip_blank(struct parser *s, bool lines_too)
{
	for (;;) {
		if (*s->p == ' ' || *s->p == '\t' || (lines_too && *s->p == '\r')) {
			s->p++;
		} else if (lines_too && *s->p == '\n') {
			s->p++;
			s->line++;
		} else if (*s->p == '#') {
			s->p += strcspn(s->p, "\n");
		} else {
			return;
		}
	}
}

/* "basic" with its escapes, or 'literal'. */
static bool read_string(struct parser *s, const char **ret)
{
	char quote = *s->p++;
	char *out = arena_alloc(s->arena, strcspn(s->p, "\n") + 1);
	size_t n = 0;
	while (*s->p && *s->p != quote && *s->p != '\n') {
		char c = *s->p++;
		if (c == '\\' && quote == '"') {
			c = *s->p ? *s->p++ : '\0';
			c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
			if (!c || !strchr("\"\\\n\t", c))
				return refuse(s, "an escape that is not known");
		}
		out[n++] = c;
	}
	if (*s->p != quote)
		return refuse(s, "a string has no end");
	s->p++;
	*ret = out;
	return true;
}

static bool read_key(struct parser *s, const char **ret)
{
	if (*s->p == '"' || *s->p == '\'')
		return read_string(s, ret);
	size_t n =
		strspn(s->p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
	if (n == 0)
		return refuse(s, "a key is missing");
	*ret = arena_strndup(s->arena, s->p, n);
	s->p += n;
	return true;
}

struct value {
	const char *text; /* a string, or NULL */
	bool is_true;
};

static bool skip_array(struct parser *s);

/* Strings and booleans are kept; numbers and arrays only passed over. */
static bool read_value(struct parser *s, struct value *ret)
{
	*ret = (struct value){0};
	if (*s->p == '"' || *s->p == '\'')
		return read_string(s, &ret->text);
	if (*s->p == '[')
		return skip_array(s);
	if (*s->p == '{')
		return refuse(s, "inline tables are not known here");
	size_t n = strcspn(s->p, " \t\r\n,]#");
	if (n == 0)
		return refuse(s, "a value is missing");
	ret->is_true = n == 4 && !strncmp(s->p, "true", 4);
	s->p += n;
	return true;
}

static bool skip_array(struct parser *s)
{
	struct value ignored;
	s->p++;
	for (;;) {
		skip_blank(s, true);
		if (*s->p == ']') {
			s->p++;
			return true;
		}
		/* One level is all that this configuration has: no recursion for an attacker. */
		if (!*s->p || *s->p == '[')
			return refuse(s, "an array has no end");
		if (!read_value(s, &ignored))
			return false;
		skip_blank(s, true);
		if (*s->p == ',')
			s->p++;
		else if (*s->p != ']')
			return refuse(s, "an array misses a comma");
	}
}

static bool begin_table(struct parser *s)
{
	bool is_list = s->p[1] == '[';
	size_t n = strcspn(s->p, "]\n");
	const char *name = s->p + 1 + is_list;
	size_t length = (size_t)(s->p + n - name);
	struct registries *to = s->to;
	if (s->p[n] != ']' || (is_list && s->p[n + 1] != ']'))
		return refuse(s, "a table's name has no end");
	s->p += n + 1 + is_list;
	s->table = TABLE_OTHER;
	if (is_list && length == 8 && !strncmp(name, "registry", 8)) {
		if (to->n == RULES_MAX)
			return refuse(s, "there are too many registries");
		(void)ARENA_APPEND(s->arena, to->v, to->n);
		s->table = TABLE_REGISTRY;
	} else if (is_list && length == 15 && !strncmp(name, "registry.mirror", 15)) {
		struct registry_rule *rule = to->n ? &to->v[to->n - 1] : NULL;
		if (!rule || rule->n_mirrors == REGISTRIES_MIRRORS_MAX)
			return refuse(s, rule ? "there are too many mirrors"
					      : "a mirror without a registry");
		rule->n_mirrors++;
		s->table = TABLE_MIRROR;
	}
	return true;
}

static void keep(struct parser *s, const char *key, const struct value *value)
{
	struct registry_rule *rule = s->to->n ? &s->to->v[s->to->n - 1] : NULL;
	if (s->table == TABLE_REGISTRY) {
		if (!strcmp(key, "prefix"))
			rule->prefix = value->text;
		else if (!strcmp(key, "location"))
			rule->location = value->text;
		else if (!strcmp(key, "insecure"))
			rule->is_insecure = value->is_true;
		else if (!strcmp(key, "blocked"))
			rule->is_blocked = value->is_true;
		else if (!strcmp(key, "mirror-by-digest-only"))
			for (size_t i = 0; i < REGISTRIES_MIRRORS_MAX; i++)
				rule->mirrors[i].by_digest_only = value->is_true;
	} else if (s->table == TABLE_MIRROR) {
		struct registry_mirror *mirror = &rule->mirrors[rule->n_mirrors - 1];
		if (!strcmp(key, "location"))
			mirror->location = value->text;
		else if (!strcmp(key, "insecure"))
			mirror->is_insecure = value->is_true;
		else if (!strcmp(key, "pull-from-mirror") && value->text)
			mirror->by_digest_only = !strcmp(value->text, "digest-only");
	}
}

static bool read_line(struct parser *s)
{
	const char *key;
	struct value value;
	if (*s->p == '[')
		return begin_table(s);
	if (!read_key(s, &key))
		return false;
	skip_blank(s, false);
	if (*s->p++ != '=')
		return refuse(s, "a key has no value");
	skip_blank(s, false);
	if (!read_value(s, &value))
		return false;
	keep(s, key, &value);
	return true;
}

bool registries_parse(struct arena *arena, const char *text, struct registries *to, struct err *e)
{
	struct parser s = {.arena = arena, .p = text, .line = 1, .to = to, .e = e};
	size_t before = to->n;
	for (;;) {
		skip_blank(&s, true);
		if (!*s.p)
			break;
		if (!read_line(&s))
			return false;
		skip_blank(&s, false);
		if (*s.p && *s.p != '\n' && *s.p != '\r')
			return refuse(&s, "there is something behind the value");
	}
	for (size_t i = before; i < to->n; i++) {
		struct registry_rule *rule = &to->v[i];
		if (!rule->prefix)
			rule->prefix = rule->location;
		if (!rule->prefix)
			return err_msg(e, ERR_INPUT, "a registry has neither prefix nor location");
		for (size_t j = 0; j < rule->n_mirrors; j++)
			if (!rule->mirrors[j].location)
				return err_msg(e, ERR_INPUT, "a mirror of '%s' has no location",
					rule->prefix);
	}
	return true;
}

static bool read_file(struct arena *arena, const char *path, struct registries *to, struct err *e)
{
	const char *text = arena_read_file(arena, AT_FDCWD, path, NULL, e);
	if (!text && e->sys == ENOENT) {
		*e = (struct err)ERR_INIT;
		return true;
	}
	return (text && registries_parse(arena, text, to, e)) ||
	       err_what(e, ERR_INPUT, "cannot read '%s'", path);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool read_folder(struct arena *arena, const char *path, struct registries *to, struct err *e)
{
	CLEAN(clean_dir) DIR *dir = opendir(path);
	struct strv names = {0};
	struct dirent *entry;
	while (dir && names.n < 64 && (entry = readdir(dir)))
		if (text_ends(entry->d_name, ".conf"))
			strv_add(arena, &names, arena_printf(arena, "%s/%s", path, entry->d_name));
	if (names.n)
		qsort(names.v, names.n, sizeof(*names.v), by_name);
	for (size_t i = 0; i < names.n; i++)
		if (!read_file(arena, names.v[i], to, e))
			return false;
	return true;
}

bool registries_read(struct arena *arena, struct registries *ret, struct err *e)
{
	const char *named = getenv("CONTAINERS_REGISTRIES_CONF");
	const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
	struct registries found = {0};
	*ret = found;
	if (named && named[0])
		return read_file(arena, named, ret, e);
	const char *base = config && config[0] ? arena_printf(arena, "%s/containers", config)
			   : home	       ? arena_printf(arena, "%s/.config/containers", home)
					       : NULL;
	const char *own = base ? arena_printf(arena, "%s/registries.conf", base) : NULL;
	if (own && access(own, R_OK) == 0)
		return read_file(arena, own, ret, e) &&
		       read_folder(
			       arena, arena_printf(arena, "%s/registries.conf.d", base), ret, e);
	return read_file(arena, "/etc/containers/registries.conf", ret, e) &&
	       read_folder(arena, "/etc/containers/registries.conf.d", ret, e);
}

/* Length of the part of @name that @prefix stands for, 0: none. */
static size_t fits(const char *prefix, const char *name)
{
	if (text_starts(prefix, "*.")) {
		size_t host = strcspn(name, "/:"), n = strlen(prefix + 1);
		return host > n && !strncmp(name + host - n, prefix + 1, n) ? host : 0;
	}
	size_t n = strlen(prefix);
	bool ends_well = !name[n < strlen(name) ? n : strlen(name)] || strchr("/:@", name[n]);
	return text_starts(name, prefix) && ends_well ? n : 0;
}

const struct registry_rule *registries_find(const struct registries *r, const char *name)
{
	const struct registry_rule *best = NULL;
	size_t best_length = 0;
	for (size_t i = 0; i < r->n; i++) {
		size_t n = fits(r->v[i].prefix, name);
		/* Of two for the same prefix the later file's wins. */
		if (n && (!best || strlen(r->v[i].prefix) >= best_length)) {
			best = &r->v[i];
			best_length = strlen(r->v[i].prefix);
		}
	}
	return best;
}

const char *registries_replace(struct arena *arena, const struct registry_rule *rule,
	const char *location, const char *name)
{
	return arena_printf(arena, "%s%s", location, name + fits(rule->prefix, name));
}
