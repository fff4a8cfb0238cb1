/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "spec/passwd.h"

#include <stdlib.h>
#include <string.h>

/* The first byte says how much of the rest is /etc/passwd. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct user_id user;
	struct err e = ERR_INIT;
	uint32_t gid;
	if (size < 2)
		return 0;
	size_t half = (size - 1) * data[0] / 255;
	/* Copies of exact size: a byte read too far is found. */
	char *passwd = malloc(half + 1), *group = malloc(size - 1 - half + 1);
	memcpy(passwd, data + 1, half);
	memcpy(group, data + 1 + half, size - 1 - half);
	static const char *const wishes[] = {"", "root", "7", "a:b", "0:0", "x:"};
	for (size_t i = 0; i < 6; i++)
		if (passwd_find_user(
			    wishes[i], 0, passwd, half, group, size - 1 - half, &user, &e) &&
			(user.home[0] != '/' || user.n_groups > PASSWD_GROUPS_MAX))
			__builtin_trap();
	passwd_find_group("a", group, size - 1 - half, &gid);
	free(passwd);
	free(group);
	return 0;
}
