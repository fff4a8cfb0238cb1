/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "store/rootcache.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void what_is_committed_is_found(void **state)
{
	char directory[] = "/tmp/guscio-unit.XXXXXX", command[128];
	struct rootcache cache;
	const char *key, *name, *path;
	int fd, second_fd, tar_fd = open("/proc/self/exe", O_RDONLY);
	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_true(rootcache_open(&cache, directory, &arena, &error));
	assert_true(rootcache_key(&cache, tar_fd, "single", &key, &error));
	assert_null(rootcache_find(&cache, key));
	assert_true(rootcache_begin(&cache, "aaaa", &name, &fd, &error));
	/* Locked: not dead. */
	assert_null(rootcache_dead(&cache));
	assert_true(rootcache_commit(&cache, name, fd, "d1", "single", key, &path, &error));
	close(fd);
	assert_string_equal(rootcache_find(&cache, key), path);
	assert_null(rootcache_dead(&cache));
	assert_true(rootcache_begin(&cache, "bbbb", &name, &second_fd, &error));
	close(second_fd);
	assert_string_equal(rootcache_dead(&cache), "new.bbbb");
	rootcache_close(&cache);
	close(tar_fd);
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(what_is_committed_is_found)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
