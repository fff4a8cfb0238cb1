/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resolver.h"
#include "base/own.h"
#include "net/stack.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#define ATTEMPTS_MIN 3

struct query {
	struct resolver *resolver;
	bool is_used;
	bool is_sent; /* a stream's question; a datagram goes out when its socket is made */
	int fd;
	unsigned attempt, refused;
	int64_t until_ms; /* of this attempt */
	uint16_t client_id;
	struct dns_client client;
	struct dns_question question;
	size_t size;
	uint8_t message[2 + RESOLVER_QUERY_SIZE]; /* behind its length, as in a stream */
	size_t got;
	uint8_t *answer; /* of a stream, in parts: its length comes first */
};

struct resolver {
	struct loop *loop;
	const struct names *names;
	resolver_reply reply;
	void *opaque;
	struct resolvers upstream;
	size_t n_used;
	struct query *queries[RESOLVER_QUERIES_MAX];
	uint8_t buffer[DNS_MESSAGE_MAX];
};

static void query_try(struct query *q);

struct resolver *resolver_new(struct loop *loop, const struct names *names, resolver_reply reply,
	void *opaque, struct err *e)
{
	struct resolver *r = calloc(1, sizeof(*r));
	if (!r)
		return err_sys(e, "make a resolver"), NULL;
	r->loop = loop;
	r->names = names;
	r->reply = reply;
	r->opaque = opaque;
	return r;
}

void resolver_set_upstream(struct resolver *r, const struct resolvers *upstream)
{
	r->upstream = *upstream;
}

static uint8_t *query_bytes(struct query *q)
{
	return q->message + 2;
}

static void query_disconnect(struct query *q)
{
	loop_remove(q->resolver->loop, q->fd);
	clean_fd(&q->fd);
	clean_free(&q->answer);
	q->got = 0;
	q->is_sent = false;
}

static void query_end(struct query *q)
{
	query_disconnect(q);
	q->is_used = false;
	q->resolver->n_used--;
}

static void query_answer(struct query *q, uint8_t *answer, size_t size)
{
	struct resolver *r = q->resolver;
	memcpy(answer, &q->client_id, 2);
	r->reply(r->opaque, &q->client, answer, size);
	query_end(q);
}

static void query_fail(struct query *q)
{
	uint8_t out[DNS_ANSWER_MAX];
	query_answer(q, out, dns_answer(query_bytes(q), &q->question, DNS_FAILED, NULL, 0, out));
}

static unsigned attempts(const struct resolver *r)
{
	return r->upstream.n > ATTEMPTS_MIN ? (unsigned)r->upstream.n : ATTEMPTS_MIN;
}

/* This resolver is no help: the next one, unless all of them have said so. */
static void query_next(struct query *q, bool is_refused)
{
	query_disconnect(q);
	q->attempt++;
	q->refused = is_refused ? q->refused + 1 : 0;
	if (q->attempt >= attempts(q->resolver) || q->refused >= q->resolver->upstream.n)
		query_fail(q);
	else
		query_try(q);
}

/* Is this the answer? Then it is passed on, or another resolver is asked. */
static bool query_take(struct query *q, uint8_t *answer, size_t size)
{
	struct dns_question a;
	if (!dns_read(answer, size, &a) || !a.is_response ||
		memcmp(answer, query_bytes(q), 2) != 0 ||
		!dns_same_question(query_bytes(q), &q->question, answer, &a))
		return false;
	bool is_useless = a.rcode == DNS_FAILED || a.rcode == DNS_REFUSED || a.rcode == DNS_UNKNOWN;
	if (is_useless && q->attempt + 1 < q->resolver->upstream.n)
		query_next(q, true);
	else
		query_answer(q, answer, size);
	return true;
}

static void datagram_ready(void *opaque, int fd, uint32_t events)
{
	struct query *q = opaque;
	(void)events;
	for (;;) {
		uint8_t *buffer = q->resolver->buffer;
		ssize_t got = recv(fd, buffer, sizeof(q->resolver->buffer), MSG_DONTWAIT);
		if (got >= 0 && query_take(q, buffer, (size_t)got))
			return;
		if (got < 0 && errno != EINTR)
			break;
	}
	if (errno != EAGAIN)
		query_next(q, true);
}

/* False when it is over with this resolver. */
static bool stream_send(struct query *q, int fd)
{
	int reason = 0;
	socklen_t size = sizeof(reason);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &size) < 0 || reason)
		return false;
	/* A fresh connection takes 4 KiB at once. */
	if (send(fd, q->message, q->size + 2, MSG_NOSIGNAL) != (ssize_t)q->size + 2)
		return false;
	q->answer = malloc(2 + DNS_MESSAGE_MAX);
	q->is_sent = true;
	loop_want(q->resolver->loop, fd, EPOLLIN);
	return q->answer;
}

static void stream_ready(void *opaque, int fd, uint32_t events)
{
	struct query *q = opaque;
	(void)events;
	if (!q->is_sent) {
		if (!stream_send(q, fd))
			query_next(q, true);
		return;
	}
	size_t whole = q->got < 2 ? 2 : 2 + (size_t)(q->answer[0] << 8 | q->answer[1]);
	ssize_t got = recv(fd, q->answer + q->got, whole - q->got, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		query_next(q, true);
		return;
	}
	q->got += (size_t)got;
	if (q->got <= 2 || q->got < whole)
		return;
	uint8_t *answer = TAKE_PTR(q->answer);
	if (!query_take(q, answer + 2, q->got - 2))
		query_next(q, true);
	free(answer);
}

/* Socket, port and id are new for each attempt: who guesses has to guess all of them. */
static bool query_connect(struct query *q, const union endpoint *to)
{
	bool is_stream = q->client.stream;
	struct loop *loop = q->resolver->loop;
	q->fd = socket(to->any.sa_family,
		(is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (q->fd < 0 || getrandom(query_bytes(q), 2, GRND_NONBLOCK) != 2)
		return false;
	if (connect(q->fd, &to->any, endpoint_size(to)) < 0 && errno != EINPROGRESS)
		return false;
	if (!is_stream && send(q->fd, query_bytes(q), q->size, MSG_NOSIGNAL) < 0)
		return false;
	return loop_add(loop, q->fd, is_stream ? EPOLLOUT : EPOLLIN,
		is_stream ? stream_ready : datagram_ready, q);
}

static void query_try(struct query *q)
{
	struct resolver *r = q->resolver;
	if (r->upstream.n == 0) {
		query_fail(q);
		return;
	}
	q->until_ms = loop_now_ms() + RESOLVER_ANSWER_MS / attempts(r);
	if (!query_connect(q, &r->upstream.at[q->attempt % r->upstream.n]))
		query_next(q, true);
}

static bool is_asked_already(
	const struct resolver *r, const struct dns_client *client, const uint8_t *message)
{
	for (size_t i = 0; i < RESOLVER_QUERIES_MAX && r->queries[i]; i++) {
		const struct query *q = r->queries[i];
		if (q->is_used && !memcmp(&q->client_id, message, 2) &&
			!memcmp(&q->client, client, sizeof(*client)))
			return true;
	}
	return false;
}

static struct query *query_new(struct resolver *r)
{
	for (size_t i = 0; i < RESOLVER_QUERIES_MAX; i++) {
		if (!r->queries[i])
			r->queries[i] = calloc(1, sizeof(struct query));
		struct query *q = r->queries[i];
		if (!q)
			return NULL;
		if (q->is_used)
			continue;
		q->resolver = r;
		q->is_used = true;
		q->fd = -1;
		q->attempt = q->refused = 0;
		r->n_used++;
		return q;
	}
	return NULL;
}

static void reply_at_once(struct resolver *r, const struct dns_client *client,
	const uint8_t *message, const struct dns_question *question, unsigned rcode)
{
	const union endpoint *found[NAME_ANSWERS_MAX];
	uint8_t out[DNS_ANSWER_MAX];
	size_t n = 0;
	int family = question->type == DNS_TYPE_A ? AF_INET : AF_INET6;
	if (question->type != DNS_TYPE_A && question->type != DNS_TYPE_AAAA)
		family = AF_UNSPEC;
	if (rcode == DNS_OK)
		names_find(r->names, question->name, family, found, &n);
	r->reply(r->opaque, client, out, dns_answer(message, question, rcode, found, n, out));
}

void resolver_ask(
	struct resolver *r, const struct dns_client *client, const uint8_t *message, size_t size)
{
	struct dns_question question;
	const union endpoint *found[NAME_ANSWERS_MAX];
	size_t n;
	if (size > RESOLVER_QUERY_SIZE || !dns_read(message, size, &question) ||
		question.is_response || is_asked_already(r, client, message))
		return;
	if (!question.is_query) {
		reply_at_once(r, client, message, &question, DNS_UNKNOWN);
		return;
	}
	if (names_find(r->names, question.name, AF_UNSPEC, found, &n)) {
		reply_at_once(r, client, message, &question, DNS_OK);
		return;
	}
	struct query *q = query_new(r);
	if (!q) {
		reply_at_once(r, client, message, &question, DNS_FAILED);
		return;
	}
	q->client = *client;
	q->question = question;
	q->size = size;
	q->message[0] = (uint8_t)(size >> 8);
	q->message[1] = (uint8_t)size;
	memcpy(query_bytes(q), message, size);
	memcpy(&q->client_id, message, 2);
	query_try(q);
}

void resolver_forget(struct resolver *r, const struct stream *stream)
{
	for (size_t i = 0; i < RESOLVER_QUERIES_MAX && r->queries[i]; i++)
		if (r->queries[i]->is_used && r->queries[i]->client.stream == stream)
			query_end(r->queries[i]);
}

int resolver_timeout(const struct resolver *r, int64_t now_ms)
{
	int64_t first = INT32_MAX;
	if (r->n_used == 0)
		return -1;
	for (size_t i = 0; i < RESOLVER_QUERIES_MAX && r->queries[i]; i++)
		if (r->queries[i]->is_used && r->queries[i]->until_ms - now_ms < first)
			first = r->queries[i]->until_ms - now_ms;
	return first < 0 ? 0 : (int)first;
}

void resolver_expire(struct resolver *r, int64_t now_ms)
{
	for (size_t i = 0; r->n_used > 0 && i < RESOLVER_QUERIES_MAX && r->queries[i]; i++)
		if (r->queries[i]->is_used && r->queries[i]->until_ms <= now_ms)
			query_next(r->queries[i], false);
}
