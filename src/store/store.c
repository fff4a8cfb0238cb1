/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"
#include "base/own.h"
#include "base/text.h"
#include "sys/files.h"
#include "store/local.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define LAYOUT_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"

static bool open_directory(int dir_fd, const char *name, int *ret_fd, struct err *e)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s'", name);
	*ret_fd = fd;
	return true;
}

static bool make_layout(int dir_fd, struct err *e)
{
	/* Others may not look in: with one id, files that are setuid for nobody are still ours. */
	static const struct {
		const char *name;
		mode_t mode;
	} directories[] = {{"images", 0755}, {"images/blobs", 0755}, {"images/blobs/sha256", 0755},
		{"layers", 0700}, {"leases", 0755}};
	for (size_t i = 0; i < ARRAY_LEN(directories); i++)
		if (mkdirat(dir_fd, directories[i].name, directories[i].mode) < 0 &&
			errno != EEXIST)
			return err_sys(e, "make directory '%s'", directories[i].name);
	CLEAN(clean_fd) int images_fd = -1;
	if (faccessat(dir_fd, "images/oci-layout", F_OK, 0) == 0)
		return true;
	return open_directory(dir_fd, "images", &images_fd, e) &&
	       files_write(images_fd, "oci-layout", LAYOUT_TEXT, strlen(LAYOUT_TEXT), e);
}

static bool open_one(
	struct store *store, const char *path, bool may_create, struct arena *arena, struct err *e)
{
	struct store s = STORE_INIT;
	s.arena = arena;
	s.path = path;
	*store = s;
	if (may_create && !files_make_path(path, 0700, e))
		return false;
	s.dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s.dir_fd < 0 && errno == ENOENT && !may_create) {
		store->is_new = true;
		return true;
	}
	if (s.dir_fd < 0)
		return err_sys(e, "open '%s'", path);
	*store = s;
	if (may_create && !make_layout(s.dir_fd, e))
		return false;
	store->is_new = faccessat(s.dir_fd, "images", F_OK, 0) < 0;
	return store->is_new ||
	       (open_directory(s.dir_fd, "images", &store->images_fd, e) &&
		       open_directory(s.dir_fd, "images/blobs/sha256", &store->blobs_fd, e) &&
		       local_open_layers(store, may_create, e));
}

bool store_open(struct store *store, const char *path, const struct strv *additional,
	bool may_create, struct arena *arena, struct err *e)
{
	*store = (struct store)STORE_INIT;
	if (!open_one(store, path, may_create, arena, e))
		return err_what(e, ERR_HOST, "cannot use the storage '%s'", path);
	struct store **next = &store->additional;
	for (size_t i = 0; additional && i < additional->n; i++) {
		*next = arena_alloc(arena, sizeof(**next));
		**next = (struct store)STORE_INIT;
		if (!open_one(*next, additional->v[i], false, arena, e))
			return err_what(
				e, ERR_HOST, "cannot use the storage '%s'", additional->v[i]);
		if ((*next)->is_new) {
			err_msg(e, ERR_USAGE, "there are no images in it");
			return err_what(e, ERR_USAGE, "cannot use the additional storage '%s'",
				additional->v[i]);
		}
		next = &(*next)->additional;
	}
	return true;
}

void store_close(struct store *store)
{
	for (; store; store = store->additional) {
		clean_fd(&store->dir_fd);
		clean_fd(&store->images_fd);
		clean_fd(&store->blobs_fd);
		clean_fd(&store->layers_fd);
	}
}

static bool lock(const struct store *store, const char *name, int how, int *ret_fd, struct err *e)
{
	CLEAN(clean_fd)
	int fd = openat(store->dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "lock '%s/%s'", store->path, name);
	int result = flock(fd, how);
	/* A network file system without a lock manager: then at least on this machine. */
	if (result < 0 && (errno == ENOLCK || errno == EOPNOTSUPP) && store->layers_fd >= 0) {
		clean_fd(&fd);
		fd = openat(store->layers_fd, arena_printf(store->arena, ".%s", name),
			O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		result = fd < 0 ? -1 : flock(fd, how);
	}
	if (result < 0)
		return err_sys(e, "lock '%s/%s'", store->path, name);
	*ret_fd = TAKE_FD(fd);
	return true;
}

bool store_lock_index(const struct store *store, int *ret_fd, struct err *e)
{
	return lock(store, "lock", LOCK_EX, ret_fd, e);
}

bool store_lock_busy(const struct store *store, int *ret_fd, struct err *e)
{
	return lock(store, "busy", LOCK_SH, ret_fd, e);
}

bool store_lock_quiet(const struct store *store, int *ret_fd)
{
	struct err ignored;
	return lock(store, "busy", LOCK_EX | LOCK_NB, ret_fd, &ignored);
}

bool store_sync(const struct store *store, struct err *e)
{
	return syncfs(store->dir_fd) == 0 || err_sys(e, "write '%s' to disk", store->path);
}

#define LEASES_MAX (1 << 20)

/* A directory a line. Of a length nobody reaches: more of them are not looked at. */
static char *read_directories(int fd, size_t *ret_n)
{
	struct stat st;
	size_t size = fstat(fd, &st) == 0 && st.st_size < LEASES_MAX ? (size_t)st.st_size : 0;
	char *text = malloc(size + 1);
	ssize_t n = text ? pread(fd, text, size, 0) : -1;
	*ret_n = n > 0 ? (size_t)n : 0;
	if (text)
		text[*ret_n] = '\0';
	return text;
}

bool store_lease_for(const struct store_image *image, const char *directory, struct err *e)
{
	const struct store *s = image->store;
	const char *name = arena_printf(s->arena, "leases/%s", image->digest + 7);
	const char *line = arena_printf(s->arena, "%s\n", directory);
	CLEAN(clean_fd)
	int fd =
		openat(s->dir_fd, name, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	size_t n = strlen(line);
	/* A store of somebody else keeps no list of ours. */
	if (fd < 0 && (errno == EACCES || errno == EROFS || errno == ENOENT))
		return true;
	if (fd < 0)
		return err_sys(e, "say that the image is in use");
	CLEAN(clean_free) char *text = read_directories(fd, &(size_t){0});
	if (text && strstr(text, line))
		return true;
	return write(fd, line, n) == (ssize_t)n || err_sys(e, "say that the image is in use");
}

/* Is any of the directories there? Those that are not are forgotten. We have it alone. */
static bool has_directory(int fd)
{
	size_t n, kept = 0;
	CLEAN(clean_free) char *text = read_directories(fd, &n);
	char *next = text, *line;
	if (!text || !n)
		return false;
	while ((line = strsep(&next, "\n"))) {
		size_t len = strlen(line);
		if (!len || access(line, F_OK) < 0)
			continue;
		/* To the front: never past what is still to be read. */
		memmove(text + kept, line, len);
		kept += len;
		text[kept++] = '\n';
	}
	if (kept < n && pwrite(fd, text, kept, 0) == (ssize_t)kept)
		(void)!ftruncate(fd, (off_t)kept);
	return kept > 0;
}

bool store_lease(const struct store_image *image, int *ret_fd, struct err *e)
{
	const struct store *s = image->store;
	const char *name = arena_printf(s->arena, "leases/%s", image->digest + 7);
	CLEAN(clean_fd)
	int fd = openat(s->dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	/* A store of somebody else: its owner is asked to leave images alone that are in use. */
	if (fd < 0 && (errno == EACCES || errno == EROFS || errno == ENOENT))
		fd = openat(s->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == EROFS || errno == ENOENT)) {
		*ret_fd = -1;
		return true;
	}
	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) < 0)
		return err_sys(e, "say that the image is in use");
	*ret_fd = TAKE_FD(fd);
	return true;
}

bool store_is_leased(const struct store *store, const char *digest)
{
	const char *name = arena_printf(store->arena, "leases/%s", digest + 7);
	CLEAN(clean_fd) int fd = openat(store->dir_fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	/* The file stays: a start may have it open, and not locked yet. */
	return flock(fd, LOCK_EX | LOCK_NB) < 0 || has_directory(fd);
}
