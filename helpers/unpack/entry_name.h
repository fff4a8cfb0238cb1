/* SPDX-License-Identifier: Apache-2.0 */
/* entry_name.h - names of archive entries: pure, and the first thing an attacker writes */
#ifndef UNPACK_ENTRY_NAME_H
#define UNPACK_ENTRY_NAME_H

#include <stdbool.h>

/*
 * entry_name_check() - may an entry of this name be made below the root?
 * @ret_clean: into @name, behind leading "/" and "./", as tar(1) strips them
 * False for a name with a ".." component or longer than PATH_MAX.
 */
bool entry_name_check(const char *name, const char **ret_clean);

#endif
