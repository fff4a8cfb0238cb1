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

struct word {
	const char *name;
	enum word_kind kind;
	uint64_t set;
	uint64_t clr;
	bool recursive;
	const char *reason;
};

#define ATIME MOUNT_ATTR__ATIME

/* lint: table */
static const struct word words[] = {
	{"ro", WORD_ATTR, MOUNT_ATTR_RDONLY, 0, true, NULL},
	{"rro", WORD_ATTR, MOUNT_ATTR_RDONLY, 0, true, NULL},
	{"rw", WORD_ATTR, 0, 0, false, NULL},
	{"rrw", WORD_ATTR, 0, MOUNT_ATTR_RDONLY, true, NULL},
	{"nosuid", WORD_ATTR, MOUNT_ATTR_NOSUID, 0, false, NULL},
	{"rnosuid", WORD_ATTR, MOUNT_ATTR_NOSUID, 0, true, NULL},
	{"suid", WORD_ATTR, 0, MOUNT_ATTR_NOSUID, false, NULL},
	{"nodev", WORD_ATTR, MOUNT_ATTR_NODEV, 0, false, NULL},
	{"rnodev", WORD_ATTR, MOUNT_ATTR_NODEV, 0, true, NULL},
	{"dev", WORD_ATTR, 0, MOUNT_ATTR_NODEV, false, NULL},
	{"noexec", WORD_ATTR, MOUNT_ATTR_NOEXEC, 0, false, NULL},
	{"rnoexec", WORD_ATTR, MOUNT_ATTR_NOEXEC, 0, true, NULL},
	{"exec", WORD_ATTR, 0, MOUNT_ATTR_NOEXEC, false, NULL},
	{"noatime", WORD_ATTR, MOUNT_ATTR_NOATIME, ATIME, false, NULL},
	{"rnoatime", WORD_ATTR, MOUNT_ATTR_NOATIME, ATIME, true, NULL},
	{"relatime", WORD_ATTR, MOUNT_ATTR_RELATIME, ATIME, false, NULL},
	{"strictatime", WORD_ATTR, MOUNT_ATTR_STRICTATIME, ATIME, false, NULL},
	{"nodiratime", WORD_ATTR, MOUNT_ATTR_NODIRATIME, 0, false, NULL},
	{"diratime", WORD_ATTR, 0, MOUNT_ATTR_NODIRATIME, false, NULL},
	{"nosymfollow", WORD_ATTR, MOUNT_ATTR_NOSYMFOLLOW, 0, false, NULL},
	{"private", WORD_PROPAGATION, MS_PRIVATE, 0, false, NULL},
	{"rprivate", WORD_PROPAGATION, MS_PRIVATE, 0, true, NULL},
	{"shared", WORD_PROPAGATION, MS_SHARED, 0, false, NULL},
	{"rshared", WORD_PROPAGATION, MS_SHARED, 0, true, NULL},
	{"slave", WORD_PROPAGATION, MS_SLAVE, 0, false, NULL},
	{"rslave", WORD_PROPAGATION, MS_SLAVE, 0, true, NULL},
	{"unbindable", WORD_PROPAGATION, MS_UNBINDABLE, 0, false, NULL},
	{"runbindable", WORD_PROPAGATION, MS_UNBINDABLE, 0, true, NULL},
	{"bind", WORD_BIND, 0, 0, false, NULL},
	{"rbind", WORD_BIND, 0, 0, true, NULL},
	{"create", WORD_CREATE, 0, 0, false, NULL},
	{"defaults", WORD_NOTHING, 0, 0, false, NULL},
	/* Labels: nothing to relabel where SELinux does not run, and never done unasked. */
	{"z", WORD_NOTHING, 0, 0, false, NULL},
	{"Z", WORD_NOTHING, 0, 0, false, NULL},
	{"U", WORD_REFUSED, 0, 0, false,
		"guscio never changes owners of your files: use --userns=keep-id"},
	{"idmap", WORD_REFUSED, 0, 0, false,
		"the kernel maps ids of a host file system only for root"},
	/* Of volumes; whether they mean anything where they stand is looked at below. */
	{"copy", WORD_COPY, 0, 0, false, NULL},
	{"nocopy", WORD_COPY, 0, 0, false, NULL},
};

static const struct word *find_word(const char *name)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i].name, name))
			return &words[i];
	return NULL;
}

/* Options of the file system itself: key, or key= with a value. */
static const struct {
	const char *type;
	const char *const keys[10];
} file_systems[] = {
	{"tmpfs", {"size=", "mode=", "uid=", "gid=", "nr_inodes=", "nr_blocks=", "huge="}},
	{"overlay", {"lowerdir=", "upperdir=", "workdir=", "volatile"}},
	{"devpts", {"newinstance", "ptmxmode=", "mode=", "gid=", "uid=", "max="}},
	{"proc", {"subset=", "hidepid="}},
};

static bool is_data(const char *type, const char *option)
{
	for (size_t i = 0; i < sizeof(file_systems) / sizeof(file_systems[0]); i++) {
		if (strcmp(file_systems[i].type, type))
			continue;
		for (const char *const *key = file_systems[i].keys; *key; key++) {
			bool has_value = text_ends(*key, "=");
			if (has_value ? text_starts(option, *key) : !strcmp(option, *key))
				return true;
		}
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
	return err_hint(e, "%s", word->reason);
}

bool mount_options_parse(
	const struct mount_spec *m, struct arena *a, struct mount_flags *ret, struct err *e)
{
	bool is_bind = !strcmp(m->type, "bind");
	struct mount_flags flags = {.recursive = is_bind,
		.propagation = is_bind ? MS_PRIVATE : 0,
		.propagation_recursive = is_bind};
	*e = (struct err)ERR_INIT;
	for (size_t i = 0; i < m->options.n; i++) {
		const char *option = m->options.v[i];
		const struct word *word = find_word(option);
		if (is_data(m->type, option)) {
			/* devpts is always a new instance since Linux 4.7; the word is gone. */
			if (strcmp(option, "newinstance"))
				strv_add(a, &flags.data, option);
			continue;
		}
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
