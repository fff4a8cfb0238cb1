/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subid.c - prints the caller's subordinate ids: lines "u START COUNT", "g START COUNT"
 *
 * With the argument "user" instead the caller's line as in passwd(5). Both may come from a
 * directory service, whose libraries guscio itself does not load.
 *
 * The only user of libsubid, which asks files or, as nsswitch.conf says, a
 * directory service. Exit status 1 when the caller has no name to ask for.
 */
#include <pwd.h>
#include <shadow/subid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_ranges(char kind, struct subid_range *ranges, int n)
{
	for (int i = 0; i < n; i++)
		printf("%c %lu %lu\n", kind, ranges[i].start, ranges[i].count);
	if (n > 0)
		free(ranges);
}

int main(int argc, char **argv)
{
	struct subid_range *ranges = NULL;
	struct passwd *user = getpwuid(getuid());
	if (user && argc == 2 && !strcmp(argv[1], "user")) {
		printf("%s:x:%u:%u::%s:%s\n", user->pw_name, user->pw_uid, user->pw_gid,
			user->pw_dir, user->pw_shell);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	if (!user || !subid_init("guscio-subid", stderr))
		return 1;
	int n = subid_get_uid_ranges(user->pw_name, &ranges);
	print_ranges('u', ranges, n);
	ranges = NULL;
	n = subid_get_gid_ranges(user->pw_name, &ranges);
	print_ranges('g', ranges, n);
	return fflush(stdout) == 0 ? 0 : 1;
}
