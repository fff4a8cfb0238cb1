/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own.h - who owns what, said at the declaration
 *
 * CLEAN(fn) on a variable runs fn when it goes out of scope; the variable
 * starts with its none value (NULL, -1). TAKE hands the value on and leaves
 * the none value behind. Cleaners keep errno.
 */
#ifndef BASE_OWN_H
#define BASE_OWN_H

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEAN(fn) __attribute__((cleanup(fn)))

#define TAKE(v, none)                                                                              \
	({                                                                                         \
		__typeof__(v) *taken_from_ = &(v);                                                 \
		__typeof__(v) taken_ = *taken_from_;                                               \
		*taken_from_ = (none);                                                             \
		taken_;                                                                            \
	})
#define TAKE_PTR(v) TAKE(v, NULL)
#define TAKE_FD(v)  TAKE(v, -1)

static inline void clean_fd(int *fd)
{
	int saved = errno;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

static inline void clean_free(void *pointer)
{
	int saved = errno;
	void **p = pointer;
	free(*p);
	*p = NULL;
	errno = saved;
}

static inline void clean_file(FILE **f)
{
	int saved = errno;
	if (*f)
		fclose(*f);
	*f = NULL;
	errno = saved;
}

static inline void clean_dir(DIR **d)
{
	int saved = errno;
	if (*d)
		closedir(*d);
	*d = NULL;
	errno = saved;
}

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
