/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - memory of one command: everything a spec and a plan point to
 *
 * One lazily touched mapping, freed at once. Strings made here live as long
 * as the arena; nobody frees one of them. After clone the child reads them
 * and allocates nothing.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>

/*
 * All outside input that ends up in an arena is limited: a command line by
 * the kernel (2 MiB), files by ARENA_INPUT_MAX in total. The reserve is many
 * times their sum, so arena_alloc() has no failure to report; should it ever
 * run out all the same, it traps instead of going on with a wrong pointer.
 */
#define ARENA_SIZE	((size_t)64 << 20)
#define ARENA_INPUT_MAX ((size_t)1 << 20)

struct arena {
	char *base;
	size_t used;
	size_t input_left; /* bytes of files that may still be read into it */
};

/*
 * arena_init() - reserve address space; no memory is used before it is touched
 * Errors: ERR_INTERNAL when the kernel refuses the mapping (ulimit -v).
 */
bool arena_init(struct arena *a, struct err *e);
void arena_done(struct arena *a);

/* Zeroed, aligned to 16 bytes. Never NULL. */
void *arena_alloc(struct arena *a, size_t size);
/* @count elements of @size bytes; the product is checked. */
void *arena_array(struct arena *a, size_t count, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * arena_read_fd() - a whole file as a string, within the arena's input limit
 * @ret_size: bytes read, without the zero byte that is added; may be NULL
 * Returns NULL with @e filled when reading fails or the limit is passed.
 */
char *arena_read_fd(struct arena *a, int fd, const char *name, size_t *ret_size, struct err *e);
/* The same by path, from @dir_fd (AT_FDCWD for the caller's). */
char *arena_read_file(
	struct arena *a, int dir_fd, const char *path, size_t *ret_size, struct err *e);

/* A list of strings in an arena; v is NULL-ended whenever n > 0. */
struct strv {
	char **v;
	size_t n;
	size_t room;
};

void strv_add(struct arena *a, struct strv *list, const char *s);
/* In the order of their bytes. */
void strv_sort(struct strv *list);
/* The value of NAME in a list of NAME=value, or NULL. */
const char *strv_env(const struct strv *list, const char *name);
/* Replaces or adds NAME=value. */
void strv_env_set(struct arena *a, struct strv *list, const char *assignment);
bool strv_has(const struct strv *list, const char *s);

/*
 * ARENA_APPEND() - room for one more element at the end of a counted array
 * @array: pointer; @n: its count, size_t; evaluates to the zeroed new element
 * The array doubles; the old copy stays in the arena until the end.
 */
#define ARENA_APPEND(a, array, n)                                                                  \
	({                                                                                         \
		(array) = arena_grown((a), (array), (n), sizeof(*(array)));                        \
		&(array)[(n)++];                                                                   \
	})
void *arena_grown(struct arena *a, void *array, size_t n, size_t size);

#endif
