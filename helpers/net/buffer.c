/* SPDX-License-Identifier: Apache-2.0 */
#include "net/buffer.h"

#include <stdlib.h>
#include <string.h>

static uint32_t next_size(const struct buffers *all)
{
	return all->n < BUFFERS_FULL ? BUFFER_SIZE : BUFFER_SIZE_LESS;
}

size_t buffer_room(const struct buffers *all, const struct buffer *b)
{
	return b->bytes ? b->size - b->used : next_size(all);
}

static bool make(struct buffers *all, struct buffer *b)
{
	*b = (struct buffer){.size = next_size(all)};
	if (b->size == BUFFER_SIZE && all->n_spare > 0)
		b->bytes = all->spare[--all->n_spare];
	else
		b->bytes = malloc(b->size);
	if (b->bytes)
		all->n++;
	return b->bytes != NULL;
}

uint8_t *buffer_space(struct buffers *all, struct buffer *b, size_t *ret_size)
{
	if (!b->bytes && !make(all, b))
		return NULL;
	size_t tail = ((size_t)b->head + b->used) % b->size;
	*ret_size = tail < b->head || b->used == b->size ? b->head - tail : b->size - tail;
	return *ret_size > 0 ? b->bytes + tail : NULL;
}

static void free_if_empty(struct buffers *all, struct buffer *b)
{
	if (b->used == 0 && b->early == 0)
		buffer_free(all, b);
}

void buffer_put(struct buffers *all, struct buffer *b, size_t size)
{
	b->used += (uint32_t)size;
	b->early -= size < b->early ? (uint32_t)size : b->early;
	free_if_empty(all, b);
}

size_t buffer_append(struct buffers *all, struct buffer *b, const uint8_t *bytes, size_t size)
{
	size_t done = 0, room;
	while (done < size) {
		uint8_t *to = buffer_space(all, b, &room);
		if (!to)
			break;
		if (room > size - done)
			room = size - done;
		memcpy(to, bytes + done, room);
		buffer_put(all, b, room);
		done += room;
	}
	return done;
}

bool buffer_put_early(
	struct buffers *all, struct buffer *b, size_t gap, const uint8_t *bytes, size_t size)
{
	size_t end = gap + size;
	if ((!b->bytes && !make(all, b)) || end > b->size - b->used) {
		free_if_empty(all, b);
		return false;
	}
	size_t place = ((size_t)b->head + b->used + gap) % b->size;
	size_t first = size < b->size - place ? size : b->size - place;
	memcpy(b->bytes + place, bytes, first);
	memcpy(b->bytes, bytes + first, size - first);
	if (end > b->early)
		b->early = (uint32_t)end;
	return true;
}

void buffer_pass(struct buffers *all, struct buffer *b, size_t size)
{
	if (!b->bytes)
		return;
	b->head = (uint32_t)((b->head + size) % b->size);
	b->early -= size < b->early ? (uint32_t)size : b->early;
	free_if_empty(all, b);
}

void buffer_drop_early(struct buffers *all, struct buffer *b)
{
	b->early = 0;
	free_if_empty(all, b);
}

const uint8_t *buffer_look(const struct buffer *b, size_t at, size_t *ret_size)
{
	size_t place = (b->head + at) % b->size, rest = b->used - at;
	*ret_size = rest < b->size - place ? rest : b->size - place;
	return b->bytes + place;
}

void buffer_drop(struct buffers *all, struct buffer *b, size_t size)
{
	if (size == 0)
		return;
	b->head = (uint32_t)((b->head + size) % b->size);
	b->used -= (uint32_t)size;
	free_if_empty(all, b);
}

void buffer_free(struct buffers *all, struct buffer *b)
{
	if (!b->bytes)
		return;
	all->n--;
	if (b->size == BUFFER_SIZE && all->n_spare < BUFFERS_SPARE)
		all->spare[all->n_spare++] = b->bytes;
	else
		free(b->bytes);
	*b = (struct buffer){0};
}

void buffers_free(struct buffers *all)
{
	while (all->n_spare > 0)
		free(all->spare[--all->n_spare]);
}
