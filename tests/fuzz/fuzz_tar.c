/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer's archive into a directory, as guscio-unpack does it but without the chroot:
 * that openat2() alone keeps every name inside is what the file beside the root tells.
 */
#include "fuzz.h"

#include "unpack/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int outer_fd = -1, root_fd = -1;

static char path_of_place[64];

static void remove_place(void)
{
	unlinkat(outer_fd, "root", AT_REMOVEDIR);
	rmdir(path_of_place);
}

static void make_place(void)
{
	char place[] = "/dev/shm/guscio-fuzz.XXXXXX";
	if (!mkdtemp(place) || (outer_fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
		mkdirat(outer_fd, "root", 0700) < 0)
		abort();
	root_fd = openat(outer_fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	strcpy(path_of_place, place);
	atexit(remove_place);
}

static void check_outside(void)
{
	int fd = openat(outer_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
			strcmp(entry->d_name, "root"))
			abort();
	closedir(dir);
}

static void unpack(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	struct archive_entry *entry;
	struct tree t = {.root_fd = root_fd,
		.parent_fd = -1,
		.is_layer = true,
		.is_single = true,
		.entries_max = 100};
	struct archive *in = archive_read_new();
	archive_read_support_format_tar(in);
	if (archive_read_open_memory(in, data, size) == ARCHIVE_OK)
		while (archive_read_next_header(in, &entry) >= ARCHIVE_WARN)
			if (archive_entry_size(entry) > 1 << 20 || !tree_add(&t, in, entry, &e))
				break;
	tree_finish(&t, &e);
	tree_clear(&t, &e);
	tree_done(&t);
	archive_read_free(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (root_fd < 0)
		make_place();
	unpack(data, size);
	check_outside();
	return 0;
}
