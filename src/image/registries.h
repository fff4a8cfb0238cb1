/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registries.h - containers-registries.conf(5): mirrors, other places, insecure ones
 *
 * The file is TOML; the part of it that this configuration uses is read here, since no C
 * library for it is packaged. Pure but for reading the files.
 */
#ifndef IMAGE_REGISTRIES_H
#define IMAGE_REGISTRIES_H

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"

#define REGISTRIES_MIRRORS_MAX 6

struct registry_mirror {
	const char *location;
	bool is_insecure;
	bool by_digest_only;
};

struct registry_rule {
	const char *prefix;   /* "docker.io", "example.com/team", "*.example.com" */
	const char *location; /* what stands for the prefix, NULL: itself */
	bool is_insecure;
	bool is_blocked;
	struct registry_mirror mirrors[REGISTRIES_MIRRORS_MAX];
	size_t n_mirrors;
};

struct registries {
	struct registry_rule *v;
	size_t n;
};

/*
 * registries_parse() - the text of one file, added to what is there
 * Errors: ERR_INPUT with the line's number.
 */
bool registries_parse(struct arena *arena, const char *text, struct registries *to, struct err *e);

/* The user's file, else the machine's with its directory. Missing files are no error. */
bool registries_read(struct arena *arena, struct registries *ret, struct err *e);

/* The rule with the longest prefix that fits "registry/repository", or NULL. */
const struct registry_rule *registries_find(const struct registries *r, const char *name);

/* @name with the rule's prefix replaced by @location. */
const char *registries_replace(struct arena *arena, const struct registry_rule *rule,
	const char *location, const char *name);

#endif
