/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/registry.h"
#include "base/own.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#define ACCEPT_MANIFESTS                                                                           \
	"application/vnd.oci.image.manifest.v1+json, "                                             \
	"application/vnd.oci.image.index.v1+json, "                                                \
	"application/vnd.docker.distribution.manifest.v2+json, "                                   \
	"application/vnd.docker.distribution.manifest.list.v2+json"

static char *copy_string(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text && text[0] ? strdup(text) : NULL;
}

bool registry_read(struct registry *r, const char *json, size_t size, struct err *e)
{
	json_t *document = json_loadb(json, size, 0, NULL), *item;
	json_t *endpoints = json_object_get(document, "endpoints");
	size_t i;
	r->user = copy_string(document, "user");
	r->password = copy_string(document, "password");
	r->identity_token = copy_string(document, "identity_token");
	r->scope_actions = copy_string(document, "actions");
	json_array_foreach(endpoints, i, item)
	{
		if (r->n_endpoints == ENDPOINTS_MAX)
			break;
		struct endpoint *p = &r->endpoints[r->n_endpoints++];
		pthread_mutex_init(&p->lock, NULL);
		p->url = copy_string(item, "url");
		p->repository = copy_string(item, "repository");
		p->is_mirror = json_is_true(json_object_get(item, "mirror"));
		p->http = (struct http_settings){
			.is_insecure = json_is_true(json_object_get(item, "insecure")),
			.ca = copy_string(item, "ca"),
			.cert = copy_string(item, "cert"),
			.key = copy_string(item, "key"),
			.retries = (int)json_integer_value(json_object_get(document, "retries"))};
		if (!p->url || !p->repository)
			r->n_endpoints = 0;
	}
	json_decref(document);
	return (r->n_endpoints > 0 && r->scope_actions) ||
	       err_msg(e, ERR_INTERNAL, "the settings for guscio-fetch are wrong");
}

/* A parameter of "Bearer realm="…",service="…"", malloc'ed. */
static char *parameter(const char *challenge, const char *name)
{
	size_t n = strlen(name);
	for (const char *p = challenge; (p = strcasestr(p, name)); p += n) {
		bool is_whole = p == challenge || p[-1] == ' ' || p[-1] == ',';
		if (!is_whole || p[n] != '=')
			continue;
		const char *value = p + n + 1;
		if (*value == '"')
			return strndup(value + 1, strcspn(value + 1, "\""));
		return strndup(value, strcspn(value, ", "));
	}
	return NULL;
}

static bool read_token(const struct http_sink *sink, char *authorization, size_t size)
{
	json_t *answer = json_loadb(sink->text ? sink->text : "", sink->text_size, 0, NULL);
	const char *token = json_string_value(json_object_get(answer, "token"));
	if (!token)
		token = json_string_value(json_object_get(answer, "access_token"));
	bool ok = token && strlen(token) < TOKEN_MAX && !strpbrk(token, "\r\n");
	if (ok)
		snprintf(authorization, size, "Bearer %s", token);
	json_decref(answer);
	return ok;
}

/* GET for anonymous callers and passwords, POST for an identity token [distribution token spec]. */
static bool ask_for_token(struct registry *r, struct http *h, struct endpoint *p,
	const char *challenge, char *authorization, size_t size, struct err *e)
{
	char url[8192], form[TOKEN_MAX], scope[1024];
	struct http_response response;
	struct http_sink sink = {.fd = -1, .more_fd = -1};
	struct http_request request = {.body_fd = -1, .sink = &sink, .url = url};
	CLEAN(clean_free) char *realm = parameter(challenge, "realm");
	CLEAN(clean_free) char *service = parameter(challenge, "service");
	if (!realm || (strncmp(realm, "https://", 8) && strncmp(p->url, "http://", 7)))
		return err_msg(
			e, ERR_HOST, "%s asks for a token in a way that is not understood", p->url);
	snprintf(scope, sizeof(scope), "repository:%s:%s", p->repository, r->scope_actions);
	CLEAN(clean_free) char *q_service = http_escape(h, service ? service : "");
	CLEAN(clean_free) char *q_scope = http_escape(h, scope);
	CLEAN(clean_free)
	char *q_token = r->identity_token ? http_escape(h, r->identity_token) : NULL;
	if (q_token) {
		snprintf(url, sizeof(url), "%s", realm);
		snprintf(form, sizeof(form),
			"grant_type=refresh_token&client_id=guscio&service=%s&scope=%s"
			"&refresh_token=%s",
			q_service, q_scope, q_token);
		request.form = form;
	} else {
		snprintf(url, sizeof(url), "%s%cservice=%s%s%s", realm,
			strchr(realm, '?') ? '&' : '?', q_service,
			strcmp(r->scope_actions, "login") ? "&scope=" : "",
			strcmp(r->scope_actions, "login") ? q_scope : "");
		request.user = r->user;
		request.password = r->password;
	}
	bool ok = http_do(h, &request, &response, e);
	if (ok && response.status != 200) {
		ok = err_msg(e, ERR_HOST, "%s refuses a token (%ld)", realm, response.status);
		if (response.status == 401 || response.status == 403)
			err_hint(e, r->user ? "are user and password right?" : "try: guscio login");
	} else if (ok && !read_token(&sink, authorization, size)) {
		ok = err_msg(e, ERR_HOST, "%s gave no token", realm);
	}
	free(sink.text);
	return ok;
}

static bool authorize(struct registry *r, struct http *h, struct endpoint *p, const char *challenge,
	struct err *e)
{
	char authorization[TOKEN_MAX + 8] = "";
	if (!strncasecmp(challenge, "bearer", 6)) {
		if (!ask_for_token(r, h, p, challenge, authorization, sizeof(authorization), e))
			return false;
	} else if (strncasecmp(challenge, "basic", 5)) {
		return err_msg(e, ERR_HOST, "%s wants a way to log in that is not known", p->url);
	}
	pthread_mutex_lock(&p->lock);
	p->is_basic = !authorization[0];
	strcpy(p->authorization, authorization);
	pthread_mutex_unlock(&p->lock);
	return true;
}

/* One request with whatever the endpoint wants to know first. */
static bool ask(struct registry *r, struct http *h, struct endpoint *p,
	struct http_request *request, struct http_response *ret, struct err *e)
{
	char authorization[TOKEN_MAX + 8];
	for (int tries = 0;; tries++) {
		pthread_mutex_lock(&p->lock);
		strcpy(authorization, p->authorization);
		bool is_basic = p->is_basic;
		pthread_mutex_unlock(&p->lock);
		request->authorization = authorization[0] ? authorization : NULL;
		request->user = is_basic ? r->user : NULL;
		request->password = is_basic ? r->password : NULL;
		if (!http_do(h, request, ret, e))
			return false;
		bool has_nothing_to_say = !strncasecmp(ret->challenge, "basic", 5) && !r->user;
		if (ret->status != 401 || tries > 0 || !ret->challenge[0] || has_nothing_to_say)
			return true;
		if (!authorize(r, h, p, ret->challenge, e))
			return false;
	}
}

/* The registry's own word for what went wrong: errors[0].message. */
static void own_words(const struct http_response *response, char *to, size_t size)
{
	json_t *answer = json_loadb(response->error, response->error_size, 0, NULL);
	json_t *first = json_array_get(json_object_get(answer, "errors"), 0);
	const char *message = json_string_value(json_object_get(first, "message"));
	snprintf(to, size, "%s%.120s", message && message[0] ? ": " : "", message ? message : "");
	json_decref(answer);
}

static bool refuse(const struct registry *r, const struct endpoint *p, const char *thing,
	const struct http_response *response, struct err *e)
{
	char words[160];
	const char *host = strstr(p->url, "://") ? strstr(p->url, "://") + 3 : p->url;
	own_words(response, words, sizeof(words));
	switch (response->status) {
	case 401:
	case 403:
		err_msg(e, ERR_HOST, "%s refuses access to %s (%ld%s)", host, p->repository,
			response->status, words);
		return err_hint(e,
			r->user ? "may '%s' do that, and does the image exist?"
				: "does the image exist? if so: guscio login %s",
			r->user ? r->user : host);
	case 404:
		err_msg(e, ERR_INPUT, "%s has no %s of %s", host, thing, p->repository);
		return err_hint(e, "check the spelling of the name and the tag");
	case 429:
		err_msg(e, ERR_HOST, "%s says: too many requests%s", host, words);
		return err_hint(e, "wait, or log in: guscio login %s", host);
	default:
		return err_msg(e, ERR_HOST, "%s answers %ld for %s%s", host, response->status,
			thing, words);
	}
}

/* Connections that wait for their next request. */
static struct {
	pthread_mutex_t lock;
	struct http *free[ENDPOINTS_MAX][16];
	size_t n[ENDPOINTS_MAX];
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER}; /* lint: one a process */

static struct http *take_connection(struct registry *r, size_t endpoint, struct err *e)
{
	struct http *h = NULL;
	pthread_mutex_lock(&pool.lock);
	if (pool.n[endpoint] > 0)
		h = pool.free[endpoint][--pool.n[endpoint]];
	pthread_mutex_unlock(&pool.lock);
	return h ? h : http_new(&r->endpoints[endpoint].http, e);
}

static void give_connection(size_t endpoint, struct http *h)
{
	pthread_mutex_lock(&pool.lock);
	bool has_room = pool.n[endpoint] < 16;
	if (has_room)
		pool.free[endpoint][pool.n[endpoint]++] = h;
	pthread_mutex_unlock(&pool.lock);
	if (!has_room)
		http_free(h);
}

/* The same registry without TLS comes next in the list, but somebody does speak TLS there. */
static bool must_stop(const struct registry *r, size_t i, const struct err *e)
{
	/* Nor is a full disk a reason to ask somebody else. */
	if (e->kind == ERR_INPUT || e->kind == ERR_INTERNAL)
		return true;
	const struct endpoint *next = i + 1 < r->n_endpoints ? &r->endpoints[i + 1] : NULL;
	return e->kind == ERR_STATE && next && !strncmp(r->endpoints[i].url, "https://", 8) &&
	       !strncmp(next->url, "http://", 7) && !strcmp(r->endpoints[i].url + 8, next->url + 7);
}

/* A GET below /v2/, at the first endpoint that has it; the last one's error is the user's. */
static bool get_anywhere(struct registry *r, const char *kind, const char *name, const char *accept,
	struct http_sink *sink, struct http_response *ret, struct err *e)
{
	for (size_t i = 0; i < r->n_endpoints; i++) {
		struct endpoint *p = &r->endpoints[i];
		char url[4096], thing[300];
		struct http *h = take_connection(r, i, e);
		if (!h)
			return false;
		snprintf(url, sizeof(url), "%s/v2/%s/%s/%s", p->url, p->repository, kind, name);
		snprintf(thing, sizeof(thing), "%s %s", strcmp(kind, "blobs") ? "manifest" : "blob",
			name);
		struct http_request request = {
			.url = url, .accept = accept, .body_fd = -1, .sink = sink};
		*e = (struct err)ERR_INIT;
		bool ok = ask(r, h, p, &request, ret, e);
		give_connection(i, h);
		if (ok && (ret->status == 200 || ret->status == 206))
			return true;
		/* All of it was there already: nothing to send is an answer too. */
		if (ok && ret->status == 416 && sink->offset == sink->size_max)
			return true;
		if (ok)
			refuse(r, p, thing, ret, e);
		/* The registry itself has spoken: behind it in the list is only the way without
		 * TLS. */
		if (ok && !p->is_mirror)
			return false;
		if (!ok && must_stop(r, i, e))
			return false;
	}
	return false;
}

bool registry_manifest(struct registry *r, const char *reference, int fd,
	struct manifest_answer *ret, struct err *e)
{
	struct http_response response;
	struct http_sink sink = {.fd = -1, .more_fd = -1};
	bool ok = get_anywhere(r, "manifests", reference, ACCEPT_MANIFESTS, &sink, &response, e);
	if (ok) {
		memcpy(ret->type, response.type, sizeof(ret->type));
		memcpy(ret->digest, response.digest, sizeof(ret->digest));
		ok = write(fd, sink.text ? sink.text : "", sink.text_size) ==
			     (ssize_t)sink.text_size ||
		     err_sys(e, "write the manifest");
	}
	free(sink.text);
	return ok;
}

bool registry_blob(struct registry *r, const char *digest, int64_t size, int64_t offset, int fd,
	int more_fd, struct err *e)
{
	struct http_response response;
	struct http_sink sink = {.fd = fd, .more_fd = more_fd, .offset = offset, .size_max = size};
	if (offset == size)
		return true;
	if (!get_anywhere(r, "blobs", digest, NULL, &sink, &response, e))
		return false;
	return sink.offset == size ||
	       err_msg(e, ERR_INPUT, "blob %s has %lld bytes instead of %lld", digest,
		       (long long)sink.offset, (long long)size);
}

/* Where pushes go: never to a mirror; of the ways to the registry the first that answers. */
static struct http *find_origin(struct registry *r, size_t *ret, struct err *e)
{
	for (size_t i = 0; i < r->n_endpoints; i++) {
		struct endpoint *p = &r->endpoints[i];
		char url[4096];
		struct http_response response;
		struct http_request ping = {.url = url, .body_fd = -1};
		if (p->is_mirror)
			continue;
		struct http *h = take_connection(r, i, e);
		*ret = i;
		*e = (struct err)ERR_INIT;
		snprintf(url, sizeof(url), "%s/v2/", p->url);
		if (h && (i + 1 == r->n_endpoints || http_do(h, &ping, &response, e)))
			return h;
		if (h)
			give_connection(i, h);
		if (must_stop(r, i, e))
			return NULL;
	}
	return NULL;
}

/* An upload's place: absolute, or below the registry. */
static void upload_url(
	const struct endpoint *p, const char *location, const char *digest, char *url, size_t size)
{
	snprintf(url, size, "%s%s%cdigest=%s", location[0] == '/' ? p->url : "", location,
		strchr(location, '?') ? '&' : '?', digest);
}

static bool has_blob(struct registry *r, struct http *h, struct endpoint *p, const char *digest,
	bool *ret, struct err *e)
{
	char url[4096];
	struct http_response response;
	struct http_request request = {.method = "HEAD", .url = url, .body_fd = -1};
	snprintf(url, sizeof(url), "%s/v2/%s/blobs/%s", p->url, p->repository, digest);
	if (!ask(r, h, p, &request, &response, e))
		return false;
	*ret = response.status == 200;
	return true;
}

static bool upload(struct registry *r, struct http *h, struct endpoint *p, const char *digest,
	int64_t size, int fd, struct err *e)
{
	char url[8192];
	struct http_response response;
	struct http_request begin = {.method = "POST", .url = url, .body_fd = -1};
	snprintf(url, sizeof(url), "%s/v2/%s/blobs/uploads/", p->url, p->repository);
	if (!ask(r, h, p, &begin, &response, e))
		return false;
	if (response.status != 202 || !response.location[0])
		return refuse(r, p, "place for an upload", &response, e);
	char location[4096];
	memcpy(location, response.location, sizeof(location));
	upload_url(p, location, digest, url, sizeof(url));
	struct http_request put = {.method = "PUT",
		.url = url,
		.content_type = "application/octet-stream",
		.body_fd = fd,
		.body_size = size};
	if (!ask(r, h, p, &put, &response, e))
		return false;
	return response.status == 201 || refuse(r, p, "upload", &response, e);
}

bool registry_push_blob(struct registry *r, const char *digest, int64_t size, int fd,
	bool *ret_known, struct err *e)
{
	size_t origin = 0;
	struct http *h = find_origin(r, &origin, e);
	struct endpoint *p = &r->endpoints[origin];
	bool ok = h && has_blob(r, h, p, digest, ret_known, e) &&
		  (*ret_known || upload(r, h, p, digest, size, fd, e));
	if (h)
		give_connection(origin, h);
	return ok;
}

bool registry_push_manifest(struct registry *r, const char *reference, const char *type,
	int64_t size, int fd, struct err *e)
{
	size_t origin = 0;
	struct http *h = find_origin(r, &origin, e);
	struct endpoint *p = &r->endpoints[origin];
	char url[4096];
	struct http_response response;
	struct http_request put = {.method = "PUT",
		.url = url,
		.content_type = type,
		.body_fd = fd,
		.body_size = size};
	snprintf(url, sizeof(url), "%s/v2/%s/manifests/%s", p->url, p->repository, reference);
	bool ok = h && ask(r, h, p, &put, &response, e) &&
		  (response.status == 201 || refuse(r, p, "manifest", &response, e));
	if (h)
		give_connection(origin, h);
	return ok;
}

bool registry_login(struct registry *r, struct err *e)
{
	size_t origin = 0;
	struct http *h = find_origin(r, &origin, e);
	struct endpoint *p = &r->endpoints[origin];
	char url[4096];
	struct http_response response;
	struct http_request request = {.url = url, .body_fd = -1};
	snprintf(url, sizeof(url), "%s/v2/", p->url);
	bool ok = h && ask(r, h, p, &request, &response, e);
	if (h)
		give_connection(origin, h);
	if (ok && response.status == 401)
		return err_msg(e, ERR_HOST, "%s does not accept this user and password", p->url);
	return ok && (response.status == 200 || refuse(r, p, "version", &response, e));
}
