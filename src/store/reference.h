/* SPDX-License-Identifier: Apache-2.0 */
/* reference.h - names of images, by docker's rules for what is left out [distribution/reference] */
#ifndef STORE_REFERENCE_H
#define STORE_REFERENCE_H

#include "base/arena.h"
#include "base/err.h"

struct reference {
	const char *registry;	/* docker.io, localhost:5000 */
	const char *repository; /* library/alpine */
	const char *tag;	/* NULL only with a digest */
	const char *digest;	/* sha256:<64 hex digits>, or NULL */
	const char *name;	/* registry/repository:tag, or registry/repository@digest */
};

/*
 * reference_parse() - [docker://][REGISTRY/]REPOSITORY[:TAG][@DIGEST]
 * Without registry docker.io, there without path library/, without tag and digest latest.
 * Errors: ERR_USAGE, with the rule that was broken.
 */
bool reference_parse(struct arena *arena, const char *text, struct reference *ret, struct err *e);

/* "sha256:" and 64 lower-case hex digits. */
bool reference_is_digest(const char *text);

#endif
