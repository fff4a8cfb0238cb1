/* SPDX-License-Identifier: Apache-2.0 */
/* idmap.h - give a user namespace its ids [user_namespaces(7), newuidmap(1)] */
#ifndef SYS_IDMAP_H
#define SYS_IDMAP_H

#include "base/err.h"
#include "base/idrange.h"

#include <sys/types.h>

struct idmap_write {
	const struct id_map *uid;
	const struct id_map *gid;
	const char *newuidmap; /* NULL: write the maps ourselves */
	const char *newgidmap;
	bool deny_setgroups; /* needed for one's own gid without CAP_SETGID over the namespace */
};

/*
 * idmap_write_from_parent() - the maps of @child's user namespace
 * @child: process in the new namespace, waiting for GO; borrowed
 *
 * With one id a process may write the map itself, once setgroups is denied.
 * With more, only the helpers may (or whoever holds CAP_SETUID over the namespace); both
 * helpers run at once, since they touch different files.
 *
 * Context: starter process, host namespaces, single-threaded.
 * Errors:  ERR_HOST a helper is missing, refuses (its own words are the cause) or dies.
 * Source:  user_namespaces(7), "Defining user and group ID mappings".
 */
bool idmap_write_from_parent(pid_t child, const struct idmap_write *maps, struct err *e);

#endif
