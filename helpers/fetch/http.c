/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/http.h"
#include "base/own.h"

#include <curl/curl.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define CONNECT_TIMEOUT_S 15L
#define STALL_TIMEOUT_S	  30L
#define PAUSE_MAX_S	  60
#define REDIRECTS_MAX	  10L

struct http {
	CURL *curl;
	const struct http_settings *settings;
	char *ca_bundle; /* the system's certificates and ours */
	char message[CURL_ERROR_SIZE];
	/* Of the transfer that runs: */
	struct http_sink *sink;
	struct http_response *response;
	int64_t skip; /* bytes of the body that the sink has already */
	struct err *sink_error;
	bool has_sink_failed;
	bool has_progress;
};

void http_global_init(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* curl takes one bundle: the system's own goes first, when there is one to be read. */
static bool join_bundle(struct http *h, struct err *e)
{
	char *system = NULL;
	char *text = NULL;
	size_t size = 0;
	if (!h->settings->ca)
		return true;
	curl_easy_getinfo(h->curl, CURLINFO_CAINFO, &system);
	FILE *out = open_memstream(&text, &size);
	CLEAN(clean_file) FILE *in = system ? fopen(system, "re") : NULL;
	char block[4096];
	size_t n;
	if (!out)
		return err_sys(e, "have memory for certificates");
	while (in && (n = fread(block, 1, sizeof(block), in)) > 0)
		fwrite(block, 1, n, out);
	fprintf(out, "\n%s\n", h->settings->ca);
	/* Closing may move the text: only then is it where it stays. */
	if (fclose(out) != 0)
		return err_sys(e, "have memory for certificates");
	h->ca_bundle = text;
	return true;
}

struct http *http_new(const struct http_settings *settings, struct err *e)
{
	struct http *h = calloc(1, sizeof(*h));
	if (h)
		h->settings = settings;
	if (h && (h->curl = curl_easy_init()) && join_bundle(h, e))
		return h;
	http_free(h);
	return err_msg(e, ERR_INTERNAL, "libcurl cannot be started"), NULL;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->curl);
	free(h->ca_bundle);
	free(h);
}

char *http_escape(struct http *h, const char *text)
{
	char *escaped = curl_easy_escape(h->curl, text, 0);
	char *copy = escaped ? strdup(escaped) : NULL;
	curl_free(escaped);
	return copy;
}

static bool append_text(struct http_sink *sink, const char *data, size_t size)
{
	if (sink->text_size + size > HTTP_TEXT_MAX)
		return false;
	char *grown = realloc(sink->text, sink->text_size + size + 1);
	if (!grown)
		return false;
	memcpy(grown + sink->text_size, data, size);
	sink->text = grown;
	sink->text_size += size;
	grown[sink->text_size] = '\0';
	return true;
}

static bool append_file(struct http_sink *sink, const char *data, size_t size, struct err *e)
{
	static const uint64_t one = 1;
	while (size > 0) {
		ssize_t n = write(sink->fd, data, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "write what was downloaded");
		data += n;
		size -= (size_t)n;
		sink->offset += n;
	}
	return sink->more_fd < 0 || write(sink->more_fd, &one, sizeof(one)) == sizeof(one) ||
	       err_sys(e, "say that there is more");
}

static size_t take_body(char *data, size_t one, size_t size, void *user)
{
	struct http *h = user;
	struct http_response *r = h->response;
	long status = 0;
	(void)one;
	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299) {
		size_t room = sizeof(r->error) - 1 - r->error_size;
		size_t n = size < room ? size : room;
		memcpy(r->error + r->error_size, data, n);
		r->error_size += n;
		r->error[r->error_size] = '\0';
		return size;
	}
	if (!h->sink)
		return size;
	/* Asked for the rest, but got the whole: the same bytes once more. */
	size_t taken = size;
	if (status == 200 && h->skip > 0) {
		size_t n = (int64_t)size < h->skip ? size : (size_t)h->skip;
		h->skip -= (int64_t)n;
		data += n;
		size -= n;
	}
	/* The same bytes again are none: who only ever sends those is given up. */
	h->has_progress |= size > 0;
	bool ok;
	if (h->sink->fd < 0) {
		ok = append_text(h->sink, data, size);
		if (!ok)
			err_msg(h->sink_error, ERR_INPUT, "the answer is larger than %zu MiB",
				HTTP_TEXT_MAX >> 20);
	} else {
		ok = h->sink->offset + (int64_t)size <= h->sink->size_max ||
		     err_msg(h->sink_error, ERR_INPUT, "it is larger than the manifest says");
		ok = ok && append_file(h->sink, data, size, h->sink_error);
	}
	h->has_sink_failed = !ok;
	return ok ? taken : 0;
}

static void copy_header(char *to, size_t room, const char *value, size_t size)
{
	while (size > 0 && (*value == ' ' || *value == '\t')) {
		value++;
		size--;
	}
	while (size > 0 && (value[size - 1] == '\r' || value[size - 1] == '\n'))
		size--;
	if (size >= room)
		size = 0; /* too long to be what we look for */
	memcpy(to, value, size);
	to[size] = '\0';
}

static size_t take_header(char *line, size_t one, size_t size, void *user)
{
	struct http_response *r = ((struct http *)user)->response;
	char number[32];
	(void)one;
	const struct {
		const char *name;
		char *to;
		size_t room;
	} wanted[] = {{"content-type:", r->type, sizeof(r->type)},
		{"docker-content-digest:", r->digest, sizeof(r->digest)},
		{"location:", r->location, sizeof(r->location)},
		{"www-authenticate:", r->challenge, sizeof(r->challenge)},
		{"retry-after:", number, sizeof(number)}};
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		size_t n = strlen(wanted[i].name);
		if (size <= n || strncasecmp(line, wanted[i].name, n))
			continue;
		copy_header(wanted[i].to, wanted[i].room, line + n, size - n);
		if (wanted[i].to == number)
			r->retry_after_s = atol(number);
	}
	return size;
}

static size_t give_body(char *data, size_t one, size_t size, void *user)
{
	const struct http_request *request = user;
	ssize_t n = read(request->body_fd, data, one * size);
	return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
}

static int rewind_body(void *user, curl_off_t offset, int origin)
{
	const struct http_request *request = user;
	return lseek(request->body_fd, offset, origin) < 0 ? CURL_SEEKFUNC_FAIL : CURL_SEEKFUNC_OK;
}

/* How long nothing may come before a try counts as failed. */
static long stall_timeout_s(void)
{
	const char *text = getenv("GUSCIO_STALL_TIMEOUT");
	long seconds = text ? atol(text) : 0;
	return seconds > 0 && seconds < 86400 ? seconds : STALL_TIMEOUT_S;
}

static void set_transport(struct http *h, const char *url)
{
	CURL *c = h->curl;
	const struct http_settings *s = h->settings;
	bool is_plain = !strncmp(url, "http://", 7);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	/* A registry that speaks TLS does not send us where nobody can be trusted. */
	curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, is_plain ? "http,https" : "https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(c, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, stall_timeout_s());
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 512L * 1024);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "guscio/" GUSCIO_VERSION);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->message);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, s->is_insecure ? 0L : 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, s->is_insecure ? 0L : 2L);
	if (s->cert)
		curl_easy_setopt(c, CURLOPT_SSLCERT, s->cert);
	if (s->key)
		curl_easy_setopt(c, CURLOPT_SSLKEY, s->key);
	if (h->ca_bundle) {
		struct curl_blob blob = {h->ca_bundle, strlen(h->ca_bundle), CURL_BLOB_NOCOPY};
		curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &blob);
	}
}

static void set_body(struct http *h, const struct http_request *request)
{
	CURL *c = h->curl;
	if (request->form) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, request->form);
	} else if (request->body_fd >= 0) {
		curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(c, CURLOPT_READFUNCTION, give_body);
		curl_easy_setopt(c, CURLOPT_READDATA, request);
		curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, rewind_body);
		curl_easy_setopt(c, CURLOPT_SEEKDATA, request);
		curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_size);
	} else if (request->method && !strcmp(request->method, "HEAD")) {
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	} else if (request->method && !strcmp(request->method, "POST")) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, "");
	}
	if (request->method)
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, request->method);
}

static struct curl_slist *headers_of(const struct http_request *request)
{
	struct curl_slist *list = NULL;
	const struct {
		const char *name, *value;
	} headers[] = {{"Accept", request->accept}, {"Authorization", request->authorization},
		{"Content-Type", request->content_type}};
	char line[16384];
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		if (!headers[i].value)
			continue;
		snprintf(line, sizeof(line), "%s: %s", headers[i].name, headers[i].value);
		list = curl_slist_append(list, line);
	}
	/* Some registries never answer "100 Continue". */
	return curl_slist_append(list, "Expect:");
}

static CURLcode perform_once(struct http *h, const struct http_request *request)
{
	CURL *c = h->curl;
	char range[32];
	curl_easy_reset(c);
	h->message[0] = '\0';
	set_transport(h, request->url);
	set_body(h, request);
	struct curl_slist *headers = headers_of(request);
	curl_easy_setopt(c, CURLOPT_URL, request->url);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, h);
	if (request->user) {
		curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(c, CURLOPT_USERNAME, request->user);
		curl_easy_setopt(c, CURLOPT_PASSWORD, request->password);
	}
	h->skip = 0;
	if (request->sink && request->sink->fd >= 0 && request->sink->offset > 0) {
		h->skip = request->sink->offset;
		snprintf(range, sizeof(range), "%lld-", (long long)h->skip);
		curl_easy_setopt(c, CURLOPT_RANGE, range);
	}
	CURLcode result = curl_easy_perform(c);
	curl_slist_free_all(headers);
	return result;
}

/* How many times more. Whom nobody reaches is told so soon: there may simply be no network. */
static int tries_for(CURLcode result, long status, int retries)
{
	switch (result) {
	case CURLE_OK:
		return status == 429 || status == 408 || (status >= 500 && status != 501) ? retries
											  : 0;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
		return retries < 2 ? retries : 2;
	case CURLE_GOT_NOTHING:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return retries;
	default:
		return 0;
	}
}

static void pause_before(int attempt, long retry_after_s)
{
	long ms = 250L << attempt;
	if (retry_after_s > 0)
		ms = 1000L * (retry_after_s < PAUSE_MAX_S ? retry_after_s : PAUSE_MAX_S);
	poll(NULL, 0, (int)ms);
}

static void explain(
	struct http *h, const struct http_request *request, CURLcode result, struct err *e)
{
	const char *why = h->message[0] ? h->message : curl_easy_strerror(result);
	char host[200];
	const char *begin = strstr(request->url, "://");
	begin = begin ? begin + 3 : request->url;
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(begin, "/"), begin);
	err_msg(e, ERR_HOST, "%s: %s", host, why);
	if (result == CURLE_PEER_FAILED_VERIFICATION)
		e->kind = ERR_STATE; /* registry.c: no reason to try without TLS */
	if (result == CURLE_PEER_FAILED_VERIFICATION)
		err_hint(e,
			"put its CA's certificate into ~/.config/containers/certs.d/%.80s/ca.crt",
			host);
	else if (result == CURLE_COULDNT_RESOLVE_HOST || result == CURLE_COULDNT_CONNECT)
		err_hint(e, "is the name right, and is there a network? (proxies: https_proxy)");
}

bool http_do(struct http *h, const struct http_request *request, struct http_response *ret,
	struct err *e)
{
	struct err sink_error = ERR_INIT;
	h->sink = request->sink;
	h->response = ret;
	h->sink_error = &sink_error;
	for (int attempt = 0;; attempt++) {
		*ret = (struct http_response){0};
		h->has_sink_failed = h->has_progress = false;
		if (request->body_fd >= 0 && !request->form)
			lseek(request->body_fd, 0, SEEK_SET);
		CURLcode result = perform_once(h, request);
		curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &ret->status);
		if (h->has_sink_failed)
			return *e = sink_error, false;
		/* Bytes that came in are progress: only failures in a row count. */
		if (h->has_progress && request->sink->fd >= 0)
			attempt = 0;
		else if (request->sink && request->sink->fd < 0)
			request->sink->text_size =
				result == CURLE_OK ? request->sink->text_size : 0;
		if (attempt < tries_for(result, ret->status, h->settings->retries)) {
			pause_before(attempt, ret->retry_after_s);
			continue;
		}
		if (result == CURLE_OK)
			return true;
		explain(h, request, result, e);
		return false;
	}
}
