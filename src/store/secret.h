/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret.h - what containers need and images must not hold: passwords, keys
 *
 * <data_dir>/secrets/<name>	mode 0600: some lines about the secret, then what is in it
 *
 * One file a secret, replaced by rename: a reader finds the old one or the new one, whole.
 */
#ifndef STORE_SECRET_H
#define STORE_SECRET_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

/* podman's limit, which is docker's: less than this. */
#define SECRET_SIZE_LIMIT ((size_t)512000)
#define SECRET_ID_SIZE	  26

struct secret {
	const char *name, *id; /* 25 hex digits */
	int64_t created_ns, updated_ns;
	struct strv labels;
	const char *data; /* NULL: not asked for */
	size_t size;
};

/*
 * secret_write() - keep one
 * @secret: with a name that may be a file's; its id and times are made here
 * @replaces: one of that name makes way, and only the time of its birth stays
 * Errors: ERR_STATE there is one already; ERR_USAGE it is empty or too large.
 */
bool secret_write(const char *data_dir, struct secret *secret, bool replaces, struct arena *arena,
	struct err *e);

/*
 * secret_read() - one of that very name
 * @wants_data: what is in it too, with a zero byte behind
 * Errors: ERR_STATE there is none; ERR_INPUT it is spoilt.
 */
bool secret_read(const char *data_dir, const char *name, bool wants_data, struct arena *arena,
	struct secret *ret, struct err *e);

/*
 * secret_find() - the name of a secret for a name, an id, or the beginning of one id
 * Errors: ERR_STATE there is none, or more than one.
 */
bool secret_find(const char *data_dir, const char *text, struct arena *arena, const char **ret_name,
	struct err *e);

/* Names, sorted. */
bool secret_list(const char *data_dir, struct arena *arena, struct strv *ret, struct err *e);

/* What a container has been given stays with it. Errors: ERR_STATE there is none. */
bool secret_remove(const char *data_dir, const char *name, struct err *e);

/*
 * secret_from_text() - a secret's file
 * @text: of @size bytes and a zero byte; changed
 */
bool secret_from_text(char *text, size_t size, bool wants_data, struct arena *arena,
	struct secret *ret, struct err *e);

#endif
