/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passwd.h - find a user or group in a container's own /etc/passwd, /etc/group
 *
 * The texts are an attacker's: any length, any bytes. Nothing here allocates
 * (the child calls it after clone) or uses NSS (that would be the host's view).
 */
#ifndef SPEC_PASSWD_H
#define SPEC_PASSWD_H

#include "base/err.h"

#define PASSWD_GROUPS_MAX 64
#define PASSWD_SIZE_MAX	  ((size_t)1 << 20) /* larger files are refused by the reader */

struct user_id {
	uint32_t uid;
	uint32_t gid;
	uint32_t groups[PASSWD_GROUPS_MAX]; /* supplementary, without gid */
	size_t n_groups;
	char name[64];	 /* "" when the id is not in passwd */
	char home[256];	 /* "/" when unknown */
	char shell[256]; /* "/bin/sh" when unknown */
};

/*
 * passwd_find_user() - what "-u TEXT" means in this container
 * @text:        "", "name", "7", "name:group", "7:8", "name:8" …; "" means @default_uid
 * @default_uid: id when @text is empty
 * @passwd, @passwd_size: content of /etc/passwd; size 0 when there is none
 * @group, @group_size:   content of /etc/group; size 0 when there is none
 * @ret:         filled on success, unchanged on failure
 *
 * As docker: a name must be in passwd; a number need not be, and then has
 * group 0 and home "/". An explicit group means no supplementary ones; else they are all
 * groups of /etc/group that list the user's name. The first matching line
 * counts; malformed lines are passed over.
 *
 * Errors: ERR_INPUT name or group unknown, or an id that is no id.
 */
bool passwd_find_user(const char *text, uint32_t default_uid, const char *passwd,
	size_t passwd_size, const char *group, size_t group_size, struct user_id *ret,
	struct err *e);

/* The gid of a group given by name or number; false when a name is unknown. */
bool passwd_find_group(const char *text, const char *group, size_t group_size, uint32_t *ret_gid);

#endif
