/* SPDX-License-Identifier: Apache-2.0 */
/* auth.h - containers-auth.json(5) and docker's config.json: who we are to a registry */
#ifndef IMAGE_AUTH_H
#define IMAGE_AUTH_H

#include "base/arena.h"
#include "base/err.h"

struct credentials {
	const char *user, *password; /* NULL: nobody */
	const char *identity_token;
};

/*
 * auth_find() - credentials for "registry/repository", most specific entry first
 * @file: --authfile, or NULL for the usual places
 * Credential helpers are asked as docker asks them. Nothing found is no error.
 */
bool auth_find(struct arena *arena, const char *file, const char *name, struct credentials *ret,
	struct err *e);

/* Writes an entry to the file that login uses, mode 0600; NULL credentials remove it. */
bool auth_store(struct arena *arena, const char *file, const char *registry,
	const struct credentials *credentials, bool *ret_was_there, struct err *e);

/* The file that login writes to. */
const char *auth_file(struct arena *arena, const char *file);

#endif
