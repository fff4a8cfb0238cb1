/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - the names that the resolver itself answers */
#ifndef NET_NAMES_H
#define NET_NAMES_H

#include "base/err.h"
#include "net/endpoint.h"

#include <stdint.h>

#define NAMES_MAX	 4096
#define NAME_SIZE	 256 /* a name's text, without a dot at its end */
#define NAME_ANSWERS_MAX 16

struct name {
	char text[NAME_SIZE]; /* lower case */
	union endpoint at;
	uint64_t owner; /* whose end takes the name away; 0: nobody's */
};

struct names {
	size_t n, room;
	struct name *list;
};

void names_done(struct names *names);

/*
 * names_add() - @text leads to @at, beside what it leads to already
 * Errors: ERR_USAGE what is no host name, ERR_STATE too many.
 */
bool names_add(struct names *names, const char *text, const union endpoint *at, uint64_t owner,
	struct err *e);

/* All of an owner's entries, or with a @text only those of that name. Returns their number. */
size_t names_remove(struct names *names, uint64_t owner, const char *text);

/*
 * names_find() - addresses of one family
 * @text: in lower case; @family: AF_INET, AF_INET6, or another one to ask whether it is ours
 * @ret: room for NAME_ANSWERS_MAX
 * Returns false for a name that is not ours.
 */
bool names_find(const struct names *names, const char *text, int family, const union endpoint **ret,
	size_t *ret_n);

#endif
