/* SPDX-License-Identifier: Apache-2.0 */
#include "net/claim.h"
#include "base/own.h"
#include "sys/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES	 16 /* to lock what others remove */
#define PAUSE_MS 50 /* between two looks at one who ends */
#define LOOKS	 100

/* Where the boot's id cannot be read there is only one machine. */
static bool name_file(const char *name, char *ret, size_t size)
{
	char boot[64] = "";
	CLEAN(clean_fd) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, boot, sizeof(boot) - 1);
	boot[n > 0 ? n : 0] = '\0';
	return snprintf(ret, size, ".%s.%.*s", name, (int)strcspn(boot, "\n"), boot) < (int)size;
}

static bool open_directory(const char *data_dir, int *ret_fd, struct err *e)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/networks", data_dir);
	if (!files_make_path(path, 0700, e))
		return false;
	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd >= 0 || err_sys(e, "open '%s'", path);
}

static bool is_still_there(int dir_fd, const char *file, int fd)
{
	struct stat a, b;
	return fstat(fd, &a) == 0 && fstatat(dir_fd, file, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static bool say_who(int fd, struct err *e)
{
	char text[16] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	text[strspn(text, "0123456789")] = '\0';
	err_msg(e, ERR_STATE,
		"it runs already, from another runtime directory or one that is gone");
	if (text[0])
		err_hint(e, "end its containers, or its helper: kill %s", text);
	return false;
}

/* Between the last container's end and its helper's there is a moment. */
static bool lock(int fd, struct err *e)
{
	for (int i = 0; i < LOOKS; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(e, "lock the network's claim");
		usleep(PAUSE_MS * 1000);
	}
	return say_who(fd, e);
}

bool net_claim(const char *data_dir, const char *name, int *ret_fd, struct err *e)
{
	CLEAN(clean_fd) int dir_fd = -1;
	char file[NAME_MAX + 1];
	if (!open_directory(data_dir, &dir_fd, e))
		return false;
	if (!name_file(name, file, sizeof(file)))
		return err_msg(e, ERR_USAGE, "the name is too long");
	for (int i = 0; i < TRIES; i++) {
		CLEAN(clean_fd)
		int fd = openat(dir_fd, file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0)
			return err_sys(e, "open '%s/networks/%s'", data_dir, file);
		if (!lock(fd, e))
			return false;
		if (is_still_there(dir_fd, file, fd)) {
			*ret_fd = TAKE_FD(fd);
			return true;
		}
	}
	return err_msg(e, ERR_STATE, "its claim is removed again and again");
}

void net_claim_sign(int fd, pid_t helper)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", (int)helper);
	/* Only a hint is made of it. */
	if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) < 0)
		return;
}

/* Those of boots that are over go too; what another machine holds stays. */
static void remove_old(int dir_fd, const char *name)
{
	size_t length = strlen(name);
	int copy_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = copy_fd < 0 ? NULL : fdopendir(copy_fd);
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		const char *text = entry->d_name;
		/* A boot's id has no dot: a name that begins like ours is another network's. */
		if (text[0] != '.' || strncmp(text + 1, name, length) != 0 ||
			text[length + 1] != '.' || strchr(text + length + 2, '.'))
			continue;
		CLEAN(clean_fd) int fd = openat(dir_fd, text, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			unlinkat(dir_fd, text, 0);
	}
}

void net_claim_remove(int take_fd, const char *data_dir, const char *name)
{
	CLEAN(clean_fd) int dir_fd = -1;
	struct err ignored = ERR_INIT;
	char file[NAME_MAX + 1];
	if (open_directory(data_dir, &dir_fd, &ignored) && name_file(name, file, sizeof(file))) {
		unlinkat(dir_fd, file, 0);
		remove_old(dir_fd, name);
	}
	close(take_fd);
}
