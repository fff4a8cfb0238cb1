/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/mount_options.h"
#include "base/text.h"

#include <string.h>

enum word_kind {
	WORD_ATTR, /* set and clear of MOUNT_ATTR_* */
	WORD_PROPAGATION,
	WORD_BIND,
	WORD_NOTHING, /* accepted: it has no effect on this kernel, or is the default */
	WORD_CREATE,
	WORD_COPY,
	WORD_REFUSED,
};

/* Without a pointer: every one of a position independent program costs each start a relocation. */
struct word {
	char name[12];
	enum word_kind kind;
	bool recursive;
	uint64_t set;
	uint64_t clr;
};

#define ATIME MOUNT_ATTR__ATIME

/* lint: table */
static const struct word words[] = {
	{"ro", WORD_ATTR, true, MOUNT_ATTR_RDONLY, 0},
	{"rro", WORD_ATTR, true, MOUNT_ATTR_RDONLY, 0},
	{"rw", WORD_ATTR, false, 0, 0},
	{"rrw", WORD_ATTR, true, 0, MOUNT_ATTR_RDONLY},
	{"nosuid", WORD_ATTR, false, MOUNT_ATTR_NOSUID, 0},
	{"rnosuid", WORD_ATTR, true, MOUNT_ATTR_NOSUID, 0},
	{"suid", WORD_ATTR, false, 0, MOUNT_ATTR_NOSUID},
	{"nodev", WORD_ATTR, false, MOUNT_ATTR_NODEV, 0},
	{"rnodev", WORD_ATTR, true, MOUNT_ATTR_NODEV, 0},
	{"dev", WORD_ATTR, false, 0, MOUNT_ATTR_NODEV},
	{"noexec", WORD_ATTR, false, MOUNT_ATTR_NOEXEC, 0},
	{"rnoexec", WORD_ATTR, true, MOUNT_ATTR_NOEXEC, 0},
	{"exec", WORD_ATTR, false, 0, MOUNT_ATTR_NOEXEC},
	{"noatime", WORD_ATTR, false, MOUNT_ATTR_NOATIME, ATIME},
	{"rnoatime", WORD_ATTR, true, MOUNT_ATTR_NOATIME, ATIME},
	{"relatime", WORD_ATTR, false, MOUNT_ATTR_RELATIME, ATIME},
	{"strictatime", WORD_ATTR, false, MOUNT_ATTR_STRICTATIME, ATIME},
	{"nodiratime", WORD_ATTR, false, MOUNT_ATTR_NODIRATIME, 0},
	{"diratime", WORD_ATTR, false, 0, MOUNT_ATTR_NODIRATIME},
	{"nosymfollow", WORD_ATTR, false, MOUNT_ATTR_NOSYMFOLLOW, 0},
	{"private", WORD_PROPAGATION, false, MS_PRIVATE, 0},
	{"rprivate", WORD_PROPAGATION, true, MS_PRIVATE, 0},
	{"shared", WORD_PROPAGATION, false, MS_SHARED, 0},
	{"rshared", WORD_PROPAGATION, true, MS_SHARED, 0},
	{"slave", WORD_PROPAGATION, false, MS_SLAVE, 0},
	{"rslave", WORD_PROPAGATION, true, MS_SLAVE, 0},
	{"unbindable", WORD_PROPAGATION, false, MS_UNBINDABLE, 0},
	{"runbindable", WORD_PROPAGATION, true, MS_UNBINDABLE, 0},
	{"bind", WORD_BIND, false, 0, 0},
	{"rbind", WORD_BIND, true, 0, 0},
	{"create", WORD_CREATE, false, 0, 0},
	{"defaults", WORD_NOTHING, false, 0, 0},
	/* Labels: nothing to relabel where SELinux does not run, and never done unasked. */
	{"z", WORD_NOTHING, false, 0, 0},
	{"Z", WORD_NOTHING, false, 0, 0},
	{"U", WORD_REFUSED, false, 0, 0},
	{"idmap", WORD_REFUSED, false, 0, 0},
	/* Of volumes; whether they mean anything where they stand is looked at below. */
	{"copy", WORD_COPY, false, 0, 0},
	{"nocopy", WORD_COPY, false, 0, 0},
};

static const struct word *find_word(const char *name)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].name[0] == name[0] && !strcmp(words[i].name, name))
			return &words[i];
	return NULL;
}

static const char *reason(const struct word *word)
{
	return word->name[0] == 'U'
		       ? "guscio never changes owners of your files: use --userns=keep-id"
		       : "the kernel maps ids of a host file system only for root";
}

#define KEY_SIZE 12

/* Options of the file system itself: key, or key= with a value. */
static const struct {
	char type[8];
	char keys[8][KEY_SIZE]; /* the last one is empty */
} file_systems[] = {
	{"tmpfs", {"size=", "mode=", "uid=", "gid=", "nr_inodes=", "nr_blocks=", "huge="}},
	{"overlay", {"lowerdir=", "upperdir=", "workdir=", "volatile"}},
	{"devpts", {"newinstance", "ptmxmode=", "mode=", "gid=", "uid=", "max="}},
	{"proc", {"subset=", "hidepid="}},
};

/* NULL: one without options that we know. */
static const char *find_keys(const char *type)
{
	for (size_t i = 0; i < sizeof(file_systems) / sizeof(file_systems[0]); i++)
		if (!strcmp(file_systems[i].type, type))
			return file_systems[i].keys[0];
	return NULL;
}

static bool is_data(const char *keys, const char *option)
{
	for (const char *key = keys; key && *key; key += KEY_SIZE) {
		if (key[0] != option[0])
			continue;
		bool has_value = text_ends(key, "=");
		if (has_value ? text_starts(option, key) : !strcmp(option, key))
			return true;
	}
	return false;
}

static bool refuse_unknown(const struct mount_spec *m, const char *option, struct err *e)
{
	const char *names[sizeof(words) / sizeof(words[0]) + 1];
	size_t n = 0;
	for (; n < sizeof(words) / sizeof(words[0]); n++)
		names[n] = words[n].name;
	names[n] = NULL;
	err_what(e, ERR_USAGE, "mount option '%s' of '%s' is not known for %s", option,
		m->destination, m->type);
	const char *nearest = text_nearest(option, names);
	if (nearest)
		err_hint(e, "did you mean '%s'?", nearest);
	return false;
}

static bool apply_word(const struct mount_spec *m, const struct word *word,
	struct mount_flags *flags, struct err *e)
{
	switch (word->kind) {
	case WORD_ATTR:
		flags->attr_set = (flags->attr_set & ~word->clr) | word->set;
		if (word->clr & ATIME)
			flags->attr_clr |= ATIME;
		else
			flags->attr_clr = (flags->attr_clr | word->clr) & ~word->set;
		if (!strcmp(word->name, "rw"))
			flags->attr_set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
		flags->recursive_attr |= word->recursive;
		return true;
	case WORD_PROPAGATION:
		flags->propagation = word->set;
		flags->propagation_recursive = word->recursive;
		return true;
	case WORD_BIND:
		flags->recursive = word->recursive;
		return true;
	case WORD_CREATE:
		flags->create_source = true;
		return true;
	case WORD_NOTHING:
		return true;
	case WORD_COPY:
		if (m->source && (!m->source[0] || mount_is_volume_name(m->source)) &&
			!strcmp(m->type, "bind"))
			return true;
		err_what(e, ERR_USAGE, "mount option '%s' of '%s' is for volumes", word->name,
			m->destination);
		return err_hint(e, "a volume is named by a word without a slash");
	case WORD_REFUSED:
		break;
	}
	err_what(e, ERR_USAGE, "mount option '%s' of '%s' cannot be had", word->name,
		m->destination);
	return err_hint(e, "%s", reason(word));
}

bool mount_options_parse(
	const struct mount_spec *m, struct arena *a, struct mount_flags *ret, struct err *e)
{
	bool is_bind = !strcmp(m->type, "bind");
	struct mount_flags flags = {.recursive = is_bind,
		.propagation = is_bind ? MS_PRIVATE : 0,
		.propagation_recursive = is_bind};
	const char *keys = find_keys(m->type);
	*e = (struct err)ERR_INIT;
	for (size_t i = 0; i < m->options.n; i++) {
		const char *option = m->options.v[i];
		if (is_data(keys, option)) {
			/* devpts is always a new instance since Linux 4.7; the word is gone. */
			if (strcmp(option, "newinstance"))
				strv_add(a, &flags.data, option);
			continue;
		}
		const struct word *word = find_word(option);
		if (!word)
			return refuse_unknown(m, option, e);
		if (!apply_word(m, word, &flags, e))
			return false;
	}
	/* "dev" and friends only take back a default of -v; the host's own flags are locked. */
	if (is_bind)
		flags.attr_clr &= ~(uint64_t)(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	*ret = flags;
	return true;
}
