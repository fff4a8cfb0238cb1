/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.h - the OCI distribution spec 1.1, from the client's side
 *
 * One registry and repository a process; its mirrors are tried before it. Used by several
 * threads, each with a connection of its own; the tokens are shared.
 */
#ifndef FETCH_REGISTRY_H
#define FETCH_REGISTRY_H

#include "fetch/http.h"

#include <pthread.h>

#define ENDPOINTS_MAX 8
#define TOKEN_MAX     16000

struct endpoint {
	char *url; /* https://host:port */
	bool is_mirror;
	char *repository; /* a mirror may have another name for it */
	struct http_settings http;
	pthread_mutex_t lock;
	char authorization[TOKEN_MAX + 8]; /* what the last good answer was asked with */
	bool is_basic;
};

struct registry {
	struct endpoint endpoints[ENDPOINTS_MAX];
	size_t n_endpoints;
	char *user, *password, *identity_token;
	char *scope_actions; /* "pull", or "pull,push" */
};

/* Reads the settings, a JSON text; kept for the whole process. */
bool registry_read(struct registry *r, const char *json, size_t size, struct err *e);

struct manifest_answer {
	char type[256];
	char digest[160];
};

/* Manifest by tag or digest, written to @fd. */
bool registry_manifest(struct registry *r, const char *reference, int fd,
	struct manifest_answer *ret, struct err *e);

/* A blob of @size bytes, appended to @fd, of which @offset bytes are there. */
bool registry_blob(struct registry *r, const char *digest, int64_t size, int64_t offset, int fd,
	int more_fd, struct err *e);

/* Uploads a blob unless it is there; *ret_known says that it was. */
bool registry_push_blob(struct registry *r, const char *digest, int64_t size, int fd,
	bool *ret_known, struct err *e);
bool registry_push_manifest(struct registry *r, const char *reference, const char *type,
	int64_t size, int fd, struct err *e);

/* Are the user and password good? */
bool registry_login(struct registry *r, struct err *e);

#endif
