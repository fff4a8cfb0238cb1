/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/entry_name.h"

#include <limits.h>
#include <string.h>

bool entry_name_check(const char *name, const char **ret_clean)
{
	if (strlen(name) >= PATH_MAX)
		return false;
	for (;;) {
		if (name[0] == '/')
			name++;
		else if (name[0] == '.' && name[1] == '/')
			name += 2;
		else
			break;
	}
	for (const char *p = name; *p;) {
		size_t len = strcspn(p, "/");
		if (len == 2 && p[0] == '.' && p[1] == '.')
			return false;
		p += len;
		p += *p == '/';
	}
	*ret_clean = name;
	return true;
}
