/* SPDX-License-Identifier: Apache-2.0 */
/* translate.h - what the parts of a translation share */
#ifndef QUADLET_TRANSLATE_H
#define QUADLET_TRANSLATE_H

#include "quadlet/lines.h"
#include "quadlet/quadlet.h"
#include "quadlet/words.h"

struct translation {
	const struct quadlet_set *all;
	const struct quadlet_source *from;
	const char *guscio, *dir; /* for a unit: "%" and "$" doubled */
	struct arena *arena;
	const char *section;  /* [Container], [Volume], [Network] */
	struct strv command;  /* ExecStart= */
	struct strv wanted;   /* units that it needs */
	const char *resource; /* the container's, volume's or network's name */
	struct lines service; /* further lines of [Service] */
	bool is_oneshot;
};

enum key_kind {
	KEY_VALUE,   /* --option VALUE, the last one counts */
	KEY_EACH,    /* --option VALUE for each */
	KEY_WORDS,   /* --option WORD for each word of each */
	KEY_PATH,    /* --option VALUE for each, a path: relative to the file's directory */
	KEY_SWITCH,  /* --option=true|false */
	KEY_PREFIX,  /* --security-opt KEY=VALUE for each */
	KEY_OWN,     /* code of its own */
	KEY_REFUSED, /* option is why */
};

struct key {
	const char *name;
	enum key_kind kind;
	const char *option;
};

/* keys.c: tables ended by a NULL name, by kind of source. */
extern const struct key *const quadlet_keys[QUADLET_KINDS];

/* Every key is known, and none is refused. */
bool keys_check(struct translation *t, struct err *e);
/* Options for all keys that need no code of their own. */
bool keys_translate(struct translation *t, struct err *e);
/* true, yes, on, 1 or their opposites. */
bool keys_bool(const struct unit_entry *entry, bool *ret, struct err *e);

/* The last value of a key in the source's own section, NULL without one. */
const struct unit_entry *translation_last(const struct translation *t, const char *key);
void translation_add(struct translation *t, const char *option, const char *value);
/* "./data" beside the file; what is absolute, or begins with a specifier, as it is. */
const char *translation_path(const struct translation *t, const char *path);
/*
 * The name of the volume or network that "data.volume" stands for, and its unit as one that is
 * needed. Errors: ERR_INPUT there is no such file.
 */
bool translation_resource(struct translation *t, const struct unit_entry *entry,
	const char *source_name, const char **ret, struct err *e);
/* What a source's resource is called: systemd-NAME, or what its file says. */
const char *quadlet_resource(const struct quadlet_source *source, struct arena *arena);
/* web.container -> web.service, data.volume -> data-volume.service */
const char *quadlet_service_name(const char *name, struct arena *arena);

/* container.c */
bool container_translate(struct translation *t, struct err *e);

/* service.c: [Unit], [Service] and [Install] around what was made. */
bool service_write(struct translation *t, struct quadlet_unit *ret, struct err *e);

#endif
