/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/own.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGNMENT 16

bool arena_init(struct arena *a, struct err *e)
{
	void *base = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED) {
		err_sys(e, "reserve %zu MiB of address space", ARENA_SIZE >> 20);
		return err_hint(e, "raise the limit on address space: ulimit -v unlimited");
	}
	*a = (struct arena){.base = base, .input_left = ARENA_INPUT_MAX};
	return true;
}

void arena_done(struct arena *a)
{
	if (a->base)
		munmap(a->base, ARENA_SIZE);
	*a = (struct arena){0};
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t start = (a->used + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	size_t end;
	if (__builtin_add_overflow(start, size, &end) || end > ARENA_SIZE)
		__builtin_trap(); /* see ARENA_SIZE: limited input cannot get here */
	a->used = end;
	return a->base + start;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes))
		__builtin_trap();
	return arena_alloc(a, bytes);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = arena_alloc(a, len + 1);
	memcpy(copy, s, len);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	/* Written where it will lie; only what is longer than this is formatted twice. */
	size_t before = a->used, room = 256;
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	char *text = arena_alloc(a, room);
	size_t size = (size_t)vsnprintf(text, room, fmt, ap) + 1;
	va_end(ap);
	/* What follows it was not touched, and is zero as promised. */
	a->used = before;
	arena_alloc(a, size);
	if (size > room)
		vsnprintf(text, size, fmt, again);
	va_end(again);
	return text;
}

char *arena_read_fd(struct arena *a, int fd, const char *name, size_t *ret_size, struct err *e)
{
	size_t room = 4096, n = 0;
	char *text = arena_alloc(a, room);
	for (;;) {
		if (n + 1 == room) {
			char *bigger = arena_alloc(a, room * 2);
			memcpy(bigger, text, n);
			text = bigger;
			room *= 2;
		}
		ssize_t got = read(fd, text + n, room - n - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, "read '%s'", name), NULL;
		if (got == 0)
			break;
		if ((size_t)got > a->input_left) {
			err_msg(e, ERR_INPUT, "'%s' is larger than %zu KiB", name,
				ARENA_INPUT_MAX >> 10);
			return NULL;
		}
		a->input_left -= (size_t)got;
		n += (size_t)got;
	}
	text[n] = '\0';
	if (ret_size)
		*ret_size = n;
	return text;
}

char *arena_read_file(
	struct arena *a, int dir_fd, const char *path, size_t *ret_size, struct err *e)
{
	CLEAN(clean_fd) int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_sys(e, "open '%s'", path), NULL;
	return arena_read_fd(a, fd, path, ret_size, e);
}

void *arena_grown(struct arena *a, void *array, size_t n, size_t size)
{
	/* Room is always a power of two, at least four: full exactly when n is one of those. */
	if (array && (n < 4 || (n & (n - 1))))
		return array;
	size_t room = n < 4 ? 4 : n * 2;
	void *bigger = arena_array(a, room, size);
	if (n)
		memcpy(bigger, array, n * size);
	return bigger;
}

void strv_add(struct arena *a, struct strv *list, const char *s)
{
	if (list->n + 1 >= list->room) {
		size_t room = list->room ? list->room * 2 : 8;
		char **bigger = arena_array(a, room, sizeof(char *));
		if (list->n)
			memcpy(bigger, list->v, list->n * sizeof(char *));
		list->v = bigger;
		list->room = room;
	}
	list->v[list->n++] = arena_strdup(a, s);
	list->v[list->n] = NULL;
}

static size_t name_length(const char *assignment)
{
	return strcspn(assignment, "=");
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *list)
{
	if (list->n)
		qsort(list->v, list->n, sizeof(*list->v), by_text);
}

const char *strv_env(const struct strv *list, const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < list->n; i++)
		if (name_length(list->v[i]) == len && !memcmp(list->v[i], name, len) &&
			list->v[i][len] == '=')
			return list->v[i] + len + 1;
	return NULL;
}

void strv_env_set(struct arena *a, struct strv *list, const char *assignment)
{
	size_t len = name_length(assignment);
	for (size_t i = 0; i < list->n; i++) {
		if (name_length(list->v[i]) == len && !memcmp(list->v[i], assignment, len)) {
			list->v[i] = arena_strdup(a, assignment);
			return;
		}
	}
	strv_add(a, list, assignment);
}

bool strv_has(const struct strv *list, const char *s)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->v[i], s))
			return true;
	return false;
}
