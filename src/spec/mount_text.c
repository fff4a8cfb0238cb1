/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "spec/mount_options.h"

#include <string.h>

#define PARTS_MAX 64

/* Splits at @separator; a backslash before ':' keeps it. Pieces live in the arena. */
static bool split(
	const char *text, char separator, struct arena *a, struct strv *ret, struct err *e)
{
	char *piece = arena_alloc(a, strlen(text) + 1);
	size_t n = 0;
	for (const char *p = text;; p++) {
		if (*p == '\\' && p[1] == separator) {
			piece[n++] = *++p;
			continue;
		}
		if (*p && *p != separator) {
			piece[n++] = *p;
			continue;
		}
		piece[n] = '\0';
		if (ret->n == PARTS_MAX)
			return err_what(e, ERR_USAGE, "'%s' has too many parts", text);
		strv_add(a, ret, piece);
		n = 0;
		if (!*p)
			return true;
	}
}

static bool add_options(const char *text, struct arena *a, struct mount_spec *m, struct err *e)
{
	struct strv options = {0};
	if (!split(text, ',', a, &options, e))
		return false;
	for (size_t i = 0; i < options.n; i++) {
		const char *option = options.v[i];
		if (!option[0])
			continue;
		/* podman's O: an overlay over the source, whose changes are thrown away. */
		if (!strcmp(option, "O") && !strcmp(m->type, "bind")) {
			m->type = "overlay";
			m->options = (struct strv){0};
			continue;
		}
		strv_add(a, &m->options, option);
	}
	return true;
}

static bool set_target(const char *target, struct arena *a, struct mount_spec *m, struct err *e)
{
	char clean[4096];
	if (target[0] != '/') {
		err_what(e, ERR_USAGE, "mount target '%s' is not absolute", target);
		return err_hint(e, "write it from the container's root: /%s", target);
	}
	if (!text_path_clean(target, clean, sizeof(clean)))
		return err_what(e, ERR_USAGE, "mount target '%s' is too long", target);
	if (!strcmp(clean, "/"))
		return err_what(e, ERR_USAGE, "the root itself is no mount target");
	m->destination = arena_strdup(a, clean);
	return true;
}

bool mount_is_volume_name(const char *s)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");
	return len > 0 && !s[len] && len <= 127 && !strchr("_.-", s[0]);
}

static bool set_source(const char *source, struct mount_spec *m, struct err *e)
{
	if (!source[0])
		return err_what(e, ERR_USAGE, "the source of mount '%s' is empty", m->destination);
	bool is_path = source[0] == '/' || text_starts(source, "./") ||
		       text_starts(source, "../") || !strcmp(source, ".") || !strcmp(source, "..");
	if (!is_path && !mount_is_volume_name(source)) {
		err_what(e, ERR_USAGE, "'%s' is no name for a volume", source);
		return err_hint(e, "for a directory write ./%s", source);
	}
	m->source = source;
	return true;
}

bool mount_from_volume(const char *text, struct arena *a, struct mount_spec *ret, struct err *e)
{
	struct mount_spec m = {.type = "bind"};
	struct strv parts = {0};
	if (!split(text, ':', a, &parts, e))
		return false;
	if (parts.n > 3) {
		err_what(e, ERR_USAGE, "'%s' is not SRC:DST[:OPTIONS]", text);
		return err_hint(e, "a ':' in a name is written \\:");
	}
	static const char *const defaults[] = {"rbind", "rprivate", "nosuid", "nodev"};
	for (size_t i = 0; i < 4; i++)
		strv_add(a, &m.options, defaults[i]);
	if (parts.n == 1) {
		m.source = MOUNT_ANONYMOUS;
		if (!set_target(parts.v[0], a, &m, e))
			return false;
		*ret = m;
		return true;
	}
	if (!set_target(parts.v[1], a, &m, e) || !set_source(parts.v[0], &m, e) ||
		(parts.n == 3 && !add_options(parts.v[2], a, &m, e)))
		return false;
	*ret = m;
	return true;
}

bool mount_from_tmpfs(const char *text, struct arena *a, struct mount_spec *ret, struct err *e)
{
	struct mount_spec m = {.type = "tmpfs", .source = "tmpfs"};
	size_t len = strcspn(text, ":");
	static const char *const defaults[] = {"nosuid", "nodev", "noexec", "mode=1777"};
	for (size_t i = 0; i < 4; i++)
		strv_add(a, &m.options, defaults[i]);
	if (!set_target(arena_strndup(a, text, len), a, &m, e) ||
		(text[len] && !add_options(text + len + 1, a, &m, e)))
		return false;
	*ret = m;
	return true;
}

/* CSV as docker reads it: a field in double quotes may hold commas, "" is one quote. */
static bool split_csv(const char *text, struct arena *a, struct strv *ret, struct err *e)
{
	char *field = arena_alloc(a, strlen(text) + 1);
	size_t n = 0;
	bool is_quoted = false;
	for (const char *p = text;; p++) {
		if (*p == '"') {
			if (is_quoted && p[1] == '"')
				field[n++] = *p++;
			else
				is_quoted = !is_quoted;
			continue;
		}
		if (*p && (*p != ',' || is_quoted)) {
			field[n++] = *p;
			continue;
		}
		if (is_quoted)
			return err_what(e, ERR_USAGE, "--mount '%s' has a quote without end", text);
		field[n] = '\0';
		if (ret->n == PARTS_MAX)
			return err_what(e, ERR_USAGE, "--mount '%s' has too many parts", text);
		strv_add(a, ret, field);
		n = 0;
		if (!*p)
			return true;
	}
}

enum key_kind {
	KEY_TYPE,
	KEY_SOURCE,
	KEY_TARGET,
	KEY_READONLY,
	KEY_PROPAGATION,
	KEY_NONRECURSIVE,
	KEY_CREATE,
	KEY_WORD, /* an option word of the same name */
	KEY_DATA, /* "size" from tmpfs-size and the like */
	KEY_NOCOPY,
	KEY_REFUSED,
};

struct key {
	const char *name;
	enum key_kind kind;
	const char *data;
};

/* lint: table */
static const struct key keys[] = {
	{"type", KEY_TYPE, NULL},
	{"source", KEY_SOURCE, NULL},
	{"src", KEY_SOURCE, NULL},
	{"target", KEY_TARGET, NULL},
	{"destination", KEY_TARGET, NULL},
	{"dst", KEY_TARGET, NULL},
	{"readonly", KEY_READONLY, NULL},
	{"ro", KEY_READONLY, NULL},
	{"bind-propagation", KEY_PROPAGATION, NULL},
	{"bind-nonrecursive", KEY_NONRECURSIVE, NULL},
	{"bind-create-src", KEY_CREATE, NULL},
	{"tmpfs-size", KEY_DATA, "size"},
	{"tmpfs-mode", KEY_DATA, "mode"},
	{"size", KEY_DATA, "size"},
	{"mode", KEY_DATA, "mode"},
	{"lowerdir", KEY_DATA, "lowerdir"},
	{"upperdir", KEY_DATA, "upperdir"},
	{"workdir", KEY_DATA, "workdir"},
	{"max", KEY_DATA, "max"},
	{"ptmxmode", KEY_DATA, "ptmxmode"},
	{"uid", KEY_DATA, "uid"},
	{"gid", KEY_DATA, "gid"},
	{"volatile", KEY_WORD, NULL},
	{"consistency", KEY_REFUSED, "it means nothing on Linux"},
	{"volume-driver", KEY_REFUSED, "volumes are directories"},
	{"volume-opt", KEY_REFUSED, "volumes are directories"},
	{"volume-nocopy", KEY_NOCOPY, NULL},
	{"relabel", KEY_REFUSED, "guscio never changes labels of your files"},
};

static const struct key *find_key(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strlen(keys[i].name) == len && !memcmp(keys[i].name, name, len))
			return &keys[i];
	return NULL;
}

static bool is_true(const char *value, bool *ret)
{
	static const struct name_value booleans[] = {
		{"", 1}, {"true", 1}, {"1", 1}, {"false", 0}, {"0", 0}, {NULL, 0}};
	const struct name_value *found = name_find(booleans, value);
	if (found)
		*ret = found->value;
	return found;
}

static bool set_switch(
	const char *value, const char *word, struct arena *a, struct mount_spec *m, struct err *e)
{
	bool on;
	if (!is_true(value, &on))
		return err_what(e, ERR_USAGE, "'%s' is neither true nor false", value);
	if (on)
		strv_add(a, &m->options, word);
	return true;
}

static bool refuse_key(const char *field, size_t len, struct err *e)
{
	const char *names[sizeof(keys) / sizeof(keys[0]) + 1];
	char word[64];
	size_t n = 0;
	for (; n < sizeof(keys) / sizeof(keys[0]); n++)
		names[n] = keys[n].name;
	names[n] = NULL;
	memcpy(word, field, len < 63 ? len : 63);
	word[len < 63 ? len : 63] = '\0';
	err_what(e, ERR_USAGE, "--mount key '%s' is not known", word);
	const char *nearest = text_nearest(word, names);
	if (nearest)
		err_hint(e, "did you mean '%s'?", nearest);
	return false;
}

static bool set_field(const char *field, struct arena *a, struct mount_spec *m, struct err *e)
{
	size_t len = strcspn(field, "=");
	const char *value = field[len] ? field + len + 1 : "";
	const struct key *key = find_key(field, len);
	/* Words for volumes are looked at again when the source is known. */
	struct mount_spec word = {.destination = "", .type = m->type, .source = MOUNT_ANONYMOUS};
	struct mount_flags ignored;
	if (!key) {
		/* A plain option word, as podman takes it. */
		strv_add(a, &word.options, field);
		if (field[len] || !mount_options_parse(&word, a, &ignored, e))
			return refuse_key(field, len, e);
		strv_add(a, &m->options, field);
		return true;
	}
	switch (key->kind) {
	case KEY_TYPE:
		m->type = value;
		return true;
	case KEY_SOURCE:
		m->source = value;
		return true;
	case KEY_TARGET:
		return set_target(value, a, m, e);
	case KEY_READONLY:
		return set_switch(value, "ro", a, m, e);
	case KEY_NONRECURSIVE:
		return set_switch(value, "bind", a, m, e);
	case KEY_CREATE:
		return set_switch(value, "create", a, m, e);
	case KEY_PROPAGATION:
	case KEY_WORD:
		strv_add(a, &m->options, key->kind == KEY_WORD ? key->name : value);
		return true;
	case KEY_DATA:
		strv_add(a, &m->options, arena_printf(a, "%s=%s", key->data, value));
		return true;
	case KEY_NOCOPY:
		return set_switch(value, "nocopy", a, m, e);
	case KEY_REFUSED:
		break;
	}
	err_what(e, ERR_USAGE, "--mount key '%s' cannot be had", key->name);
	return err_hint(e, "%s", key->data);
}

bool mount_from_mount(const char *text, struct arena *a, struct mount_spec *ret, struct err *e)
{
	static const char *const types[] = {"bind", "tmpfs", "overlay", "mqueue", "devpts", NULL};
	struct mount_spec m = {.type = "bind"};
	struct strv fields = {0};
	bool is_known = false, is_volume;
	if (!split_csv(text, a, &fields, e))
		return false;
	/* The type first: it says which words the others may use. */
	for (size_t i = 0; i < fields.n; i++)
		if (text_starts(fields.v[i], "type="))
			m.type = fields.v[i] + 5;
	/* A volume is a directory that has a name, or is given one. */
	is_volume = !strcmp(m.type, "volume");
	if (is_volume)
		m.type = "bind";
	for (size_t i = 0; types[i]; i++)
		is_known |= !strcmp(types[i], m.type);
	if (!is_known) {
		err_what(e, ERR_USAGE, "mount type '%s' is not known", m.type);
		return err_hint(e, "bind, volume, tmpfs, overlay, mqueue or devpts");
	}
	for (size_t i = 0; i < fields.n; i++)
		if (!(is_volume && text_starts(fields.v[i], "type=")) &&
			!set_field(fields.v[i], a, &m, e))
			return false;
	if (is_volume && !m.source)
		m.source = MOUNT_ANONYMOUS;
	else if (is_volume && !mount_is_volume_name(m.source))
		return err_what(e, ERR_USAGE, "'%s' is no name for a volume", m.source);
	if (!m.destination)
		return err_what(e, ERR_USAGE, "--mount '%s' has no target", text);
	bool is_anonymous = is_volume && !m.source[0];
	if (!is_anonymous && !strcmp(m.type, "bind") && (!m.source || !set_source(m.source, &m, e)))
		return m.source ? false
				: err_what(e, ERR_USAGE, "--mount '%s' has no source", text);
	if (!m.source)
		m.source = m.type;
	*ret = m;
	return true;
}
