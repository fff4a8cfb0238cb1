/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - one request, tried again while that makes sense; libcurl's only home */
#ifndef FETCH_HTTP_H
#define FETCH_HTTP_H

#include "base/err.h"

#include <stdint.h>

#define HTTP_TEXT_MAX  ((size_t)4 << 20)
#define HTTP_ERROR_MAX 4096

/* Where the body of a good answer goes: exactly one of the two. */
struct http_sink {
	int fd;		  /* appended there, -1: to text */
	int more_fd;	  /* eventfd that counts up with each write, or -1 */
	int64_t offset;	  /* bytes of the body that are there already */
	int64_t size_max; /* a larger body is an error */
	char *text;	  /* malloc'ed, zero-ended */
	size_t text_size;
};

struct http_request {
	const char *method; /* NULL: GET */
	const char *url;
	const char *accept;	     /* NULL: anything */
	const char *authorization;   /* whole header value, or NULL */
	const char *content_type;    /* of the body */
	const char *user, *password; /* basic authentication, or NULL */
	int body_fd;		     /* -1: none */
	int64_t body_size;
	const char *form;	/* body as text instead */
	struct http_sink *sink; /* NULL: the body is dropped */
};

struct http_response {
	long status;
	char type[256];
	char digest[160];
	char location[4096];
	char challenge[2048]; /* WWW-Authenticate */
	long retry_after_s;
	char error[HTTP_ERROR_MAX]; /* the body of an answer that is no good one */
	size_t error_size;
};

struct http_settings {
	bool is_insecure;	/* no certificate checks, plain http as a last resort */
	const char *ca;		/* PEM, beside the system's, or NULL */
	const char *cert, *key; /* paths of the client's certificate, or NULL */
	int retries;
};

struct http; /* a connection that is used again */

void http_global_init(void);
struct http *http_new(const struct http_settings *settings, struct err *e);
void http_free(struct http *h);

/*
 * http_do() - send a request and take the answer, whatever its status
 * Network errors, 429 and 5xx are tried again with growing pauses, Retry-After being
 * obeyed up to a minute; a body that broke off goes on where it stopped.
 * Errors: ERR_HOST nobody answered, or not in a way that can be understood; ERR_STATE somebody
 *         did whose certificate is not trusted; ERR_INPUT the body is too large.
 */
bool http_do(struct http *h, const struct http_request *request, struct http_response *ret,
	struct err *e);

/* Text as part of a URL's query, malloc'ed. */
char *http_escape(struct http *h, const char *text);

#endif
