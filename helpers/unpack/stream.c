/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/stream.h"
#include "base/own.h"
#include "unpack/inflate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCKS	   8
#define BLOCK_SIZE (256 * 1024)
#define READ_SIZE  (256 * 1024)
/* Small archives may be packed as well as they like. */
#define RATIO_FREE ((int64_t)1 << 30)

struct block {
	size_t size;
	unsigned char data[BLOCK_SIZE];
};

/*
 * The ring: produced >= hashed >= consumed, and at most BLOCKS apart. Each counter has one
 * writer; the lock is held only to look at the counters, never over work.
 */
struct stream {
	struct stream_source source;
	struct inflate *inflate;
	struct digest *packed_hash;
	struct digest *plain_hash;
	int64_t packed_size;
	int64_t plain_size;
	pthread_t reader, hasher;
	bool has_reader, has_hasher;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	uint64_t produced, hashed, consumed;
	bool is_ended;	/* nothing more will be produced: the end, or an error */
	bool is_failed; /* error holds why */
	bool is_stopped;
	struct err error;
	unsigned char input[READ_SIZE];
	struct block blocks[BLOCKS];
};

/* More of the file, waiting for it to grow; 0 at its end. */
static ssize_t read_packed(struct stream *s, struct err *e)
{
	for (;;) {
		size_t want = sizeof(s->input);
		if (s->source.size >= 0 && s->source.size - s->packed_size < (int64_t)want)
			want = (size_t)(s->source.size - s->packed_size);
		ssize_t n = want ? read(s->source.fd, s->input, want) : 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read it"), -1;
		if (n > 0 || want == 0) {
			digest_add(s->packed_hash, s->input, (size_t)n);
			s->packed_size += n;
			return n;
		}
		if (s->source.more_fd < 0 || s->source.size < 0)
			return 0;
		uint64_t times;
		if (read(s->source.more_fd, &times, sizeof(times)) < 0 && errno != EINTR)
			return err_sys(e, "wait for more of it"), -1;
	}
}

static struct block *wait_for_free(struct stream *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->produced - s->consumed == BLOCKS && !s->is_stopped)
		pthread_cond_wait(&s->moved, &s->lock);
	bool is_stopped = s->is_stopped;
	pthread_mutex_unlock(&s->lock);
	return is_stopped ? NULL : &s->blocks[s->produced % BLOCKS];
}

static void advance(struct stream *s, uint64_t *counter)
{
	pthread_mutex_lock(&s->lock);
	(*counter)++;
	pthread_cond_broadcast(&s->moved);
	pthread_mutex_unlock(&s->lock);
}

static bool check_bomb(const struct stream *s, struct err *e)
{
	if (s->plain_size > s->source.size_max) {
		err_msg(e, ERR_INPUT, "it holds more than %lld MiB",
			(long long)(s->source.size_max >> 20));
		return err_hint(e, "GUSCIO_UNPACK_SIZE in bytes allows more");
	}
	if (s->plain_size > RATIO_FREE && s->plain_size / s->source.ratio_max > s->packed_size) {
		err_msg(e, ERR_INPUT, "it is a bomb: %lld bytes packed into %lld",
			(long long)s->plain_size, (long long)s->packed_size);
		return err_hint(e, "GUSCIO_UNPACK_RATIO allows more than %lld to one",
			(long long)s->source.ratio_max);
	}
	return true;
}

static bool ended_well(const struct stream *s, struct err *e)
{
	if (s->source.size >= 0 && s->packed_size != s->source.size)
		return err_msg(e, ERR_INPUT, "it has %lld bytes instead of %lld",
			(long long)s->packed_size, (long long)s->source.size);
	if (!inflate_is_complete(s->inflate))
		return err_msg(e, ERR_INPUT, "it is truncated");
	return true;
}

/* Fills one block; less than a block only at the end of the input. */
static bool fill(struct stream *s, struct block *block, struct inflate_step *step, struct err *e)
{
	step->out = block->data;
	step->out_left = BLOCK_SIZE;
	while (step->out_left > 0) {
		if (step->in_left == 0 && !step->is_last) {
			ssize_t n = read_packed(s, e);
			if (n < 0)
				return false;
			step->in = s->input;
			step->in_left = (size_t)n;
			step->is_last = n == 0;
		}
		size_t in_left = step->in_left, out_left = step->out_left;
		if (!inflate_step(s->inflate, step, e))
			return false;
		bool is_stuck = in_left == step->in_left && out_left == step->out_left;
		if (is_stuck && step->is_last)
			break;
		if (is_stuck && in_left > 0)
			return err_msg(e, ERR_INPUT, "its packed data is corrupt");
	}
	block->size = BLOCK_SIZE - step->out_left;
	return true;
}

static bool produce_all(struct stream *s, struct err *e)
{
	struct inflate_step step = {0};
	ssize_t n = read_packed(s, e);
	if (n < 0)
		return false;
	s->inflate = inflate_new(s->input, (size_t)n, e);
	if (!s->inflate)
		return false;
	step.in = s->input;
	step.in_left = (size_t)n;
	step.is_last = n == 0;
	for (;;) {
		struct block *block = wait_for_free(s);
		if (!block)
			return true;
		if (!fill(s, block, &step, e))
			return false;
		s->plain_size += (int64_t)block->size;
		if (!check_bomb(s, e))
			return false;
		bool is_end = block->size < BLOCK_SIZE;
		if (block->size > 0)
			advance(s, &s->produced);
		if (is_end)
			return ended_well(s, e);
	}
}

static void *reader_main(void *argument)
{
	struct stream *s = argument;
	struct err e = ERR_INIT;
	bool ok = produce_all(s, &e);
	pthread_mutex_lock(&s->lock);
	s->is_ended = true;
	s->is_failed = !ok;
	if (!ok)
		s->error = e;
	pthread_cond_broadcast(&s->moved);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void *hasher_main(void *argument)
{
	struct stream *s = argument;
	for (;;) {
		pthread_mutex_lock(&s->lock);
		while (s->hashed == s->produced && !s->is_ended && !s->is_stopped)
			pthread_cond_wait(&s->moved, &s->lock);
		bool is_over = s->is_stopped || s->hashed == s->produced;
		pthread_mutex_unlock(&s->lock);
		if (is_over)
			return NULL;
		const struct block *block = &s->blocks[s->hashed % BLOCKS];
		digest_add(s->plain_hash, block->data, block->size);
		advance(s, &s->hashed);
	}
}

struct stream *stream_start(const struct stream_source *source, struct err *e)
{
	struct stream *s = calloc(1, sizeof(*s));
	if (!s)
		return err_sys(e, "have memory"), NULL;
	s->source = *source;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->moved, NULL);
	s->packed_hash = digest_new();
	s->plain_hash = digest_new();
	if (!s->packed_hash || !s->plain_hash) {
		err_msg(e, ERR_INTERNAL, "SHA-256 is not available");
		stream_free(s);
		return NULL;
	}
	s->has_reader = !(errno = pthread_create(&s->reader, NULL, reader_main, s));
	s->has_hasher =
		s->has_reader && !(errno = pthread_create(&s->hasher, NULL, hasher_main, s));
	if (s->has_hasher)
		return s;
	err_sys(e, "start a thread");
	stream_free(s);
	return NULL;
}

/* The block that the caller had is free again; then the next that both stages are done with. */
ssize_t stream_next(struct stream *s, const void **ret_block, struct err *e)
{
	ssize_t size = 0;
	pthread_mutex_lock(&s->lock);
	if (*ret_block) {
		s->consumed++;
		pthread_cond_broadcast(&s->moved);
	}
	*ret_block = NULL;
	while (s->hashed == s->consumed && !(s->is_ended && s->hashed == s->produced))
		pthread_cond_wait(&s->moved, &s->lock);
	if (s->hashed > s->consumed) {
		*ret_block = s->blocks[s->consumed % BLOCKS].data;
		size = (ssize_t)s->blocks[s->consumed % BLOCKS].size;
	} else if (s->is_failed) {
		*e = s->error;
		size = -1;
	}
	pthread_mutex_unlock(&s->lock);
	return size;
}

static void join_threads(struct stream *s)
{
	if (s->has_reader)
		pthread_join(s->reader, NULL);
	if (s->has_hasher)
		pthread_join(s->hasher, NULL);
	s->has_reader = s->has_hasher = false;
}

bool stream_drain(struct stream *s, struct stream_result *ret, struct err *e)
{
	const void *block = NULL;
	ssize_t n;
	/* What the caller still holds counts as consumed. */
	pthread_mutex_lock(&s->lock);
	if (s->consumed < s->hashed)
		s->consumed = s->hashed;
	pthread_cond_broadcast(&s->moved);
	pthread_mutex_unlock(&s->lock);
	while ((n = stream_next(s, &block, e)) > 0)
		;
	if (n < 0)
		return false;
	join_threads(s);
	digest_finish(TAKE_PTR(s->packed_hash), ret->packed);
	digest_finish(TAKE_PTR(s->plain_hash), ret->plain);
	ret->packed_size = s->packed_size;
	ret->plain_size = s->plain_size;
	return true;
}

void stream_free(struct stream *s)
{
	char ignored[DIGEST_HEX_SIZE];
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->is_stopped = true;
	bool is_ended = s->is_ended;
	pthread_cond_broadcast(&s->moved);
	pthread_mutex_unlock(&s->lock);
	/* A reader that waits for a file to grow is not woken: its process ends soon. */
	if (s->source.more_fd >= 0 && !is_ended)
		return;
	join_threads(s);
	if (s->packed_hash)
		digest_finish(s->packed_hash, ignored);
	if (s->plain_hash)
		digest_finish(s->plain_hash, ignored);
	inflate_free(s->inflate);
	free(s);
}
