/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tree_tar.h"
#include "base/own.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define BLOCK	   512
#define OUT_SIZE   65536
#define DEPTH_MAX  400
#define BUCKETS	   4096
#define CAPABILITY "security.capability"

struct seen {
	dev_t dev;
	ino_t ino;
	struct seen *next;
	char path[];
};

struct tar {
	int out_fd;
	uint64_t mount; /* of the root; 0: other mounts are in the archive too */
	char path[PATH_MAX];
	size_t path_n;
	char out[OUT_SIZE];
	size_t n;
	struct seen *seen[BUCKETS];
};

/* [pax, "ustar Interchange Format"] */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
	char magic[8], owner[32], group[32], major[8], minor[8], prefix[155], rest[12];
};

static bool flush(struct tar *t, struct err *e)
{
	for (size_t done = 0; done < t->n;) {
		ssize_t n = write(t->out_fd, t->out + done, t->n - done);
		if (n < 0 && errno != EINTR)
			return err_sys(e, "write the archive");
		done += n > 0 ? (size_t)n : 0;
	}
	t->n = 0;
	return true;
}

static bool put(struct tar *t, const void *data, size_t n, struct err *e)
{
	const char *from = data;
	while (n > 0) {
		size_t take = OUT_SIZE - t->n < n ? OUT_SIZE - t->n : n;
		memcpy(t->out + t->n, from, take);
		t->n += take;
		from += take;
		n -= take;
		if (t->n == OUT_SIZE && !flush(t, e))
			return false;
	}
	return true;
}

static bool pad(struct tar *t, uint64_t size, struct err *e)
{
	static const char zeros[BLOCK];
	size_t over = (size_t)(size % BLOCK);
	return !over || put(t, zeros, BLOCK - over, e);
}

static void put_octal(char *field, size_t size, uint64_t value)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%0*llo", (int)size - 1, (unsigned long long)value);
	/* One that does not fit is in the pax header. */
	memcpy(field, n == (int)size - 1 ? text : "00000000000", size - 1);
}

static void seal(struct header *h)
{
	unsigned sum = 0;
	char text[8];
	memset(h->sum, ' ', sizeof(h->sum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += ((unsigned char *)h)[i];
	snprintf(text, sizeof(text), "%06o", sum & 0777777);
	memcpy(h->sum, text, 7);
}

struct pax {
	char text[3 * PATH_MAX];
	size_t n;
};

/* "LENGTH KEY=VALUE\n", where the length counts itself. */
static void add_pax(struct pax *pax, const char *key, const void *value, size_t n)
{
	size_t rest = strlen(key) + n + 3, length = rest + 1;
	char number[16];
	while (length != rest + (size_t)snprintf(number, sizeof(number), "%zu", length))
		length = rest + strlen(number);
	if (pax->n + length > sizeof(pax->text))
		return;
	pax->n += (size_t)snprintf(
		pax->text + pax->n, sizeof(pax->text) - pax->n, "%zu %s=", length, key);
	memcpy(pax->text + pax->n, value, n);
	pax->n += n;
	pax->text[pax->n++] = '\n';
}

static void add_pax_number(struct pax *pax, const char *key, uint64_t value)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	add_pax(pax, key, text, (size_t)n);
}

static bool put_header(struct tar *t, const struct stat *st, char type, uint64_t size,
	const char *link, struct pax *pax, struct err *e)
{
	struct header h = {.type = type,
		.magic = "ustar\0"
			 "0"};
	size_t link_n = strlen(link);
	h.magic[7] = '0';
	if (t->path_n > sizeof(h.name))
		add_pax(pax, "path", t->path, t->path_n);
	if (link_n > sizeof(h.link))
		add_pax(pax, "linkpath", link, link_n);
	if (size >> 33)
		add_pax_number(pax, "size", size);
	if (st->st_uid >> 21)
		add_pax_number(pax, "uid", st->st_uid);
	if (st->st_gid >> 21)
		add_pax_number(pax, "gid", st->st_gid);
	if (pax->n) {
		struct header x = {.name = "pax", .type = 'x', .magic = "ustar"};
		x.magic[6] = x.magic[7] = '0';
		put_octal(x.mode, sizeof(x.mode), 0644);
		put_octal(x.uid, sizeof(x.uid), 0);
		put_octal(x.gid, sizeof(x.gid), 0);
		put_octal(x.size, sizeof(x.size), pax->n);
		put_octal(x.mtime, sizeof(x.mtime), 0);
		seal(&x);
		if (!put(t, &x, sizeof(x), e) || !put(t, pax->text, pax->n, e) ||
			!pad(t, pax->n, e))
			return false;
	}
	memcpy(h.name, t->path, t->path_n < sizeof(h.name) ? t->path_n : sizeof(h.name));
	memcpy(h.link, link, link_n < sizeof(h.link) ? link_n : sizeof(h.link));
	put_octal(h.mode, sizeof(h.mode), st->st_mode & 07777);
	put_octal(h.uid, sizeof(h.uid), st->st_uid);
	put_octal(h.gid, sizeof(h.gid), st->st_gid);
	put_octal(h.size, sizeof(h.size), size);
	put_octal(h.mtime, sizeof(h.mtime), st->st_mtime > 0 ? (uint64_t)st->st_mtime : 0);
	if (type == '3' || type == '4') {
		put_octal(h.major, sizeof(h.major), major(st->st_rdev));
		put_octal(h.minor, sizeof(h.minor), minor(st->st_rdev));
	}
	seal(&h);
	return put(t, &h, sizeof(h), e);
}

/* Exactly as many bytes as the header says, whatever becomes of the file meanwhile. */
static bool put_content(struct tar *t, int fd, uint64_t size, struct err *e)
{
	char buffer[OUT_SIZE];
	for (uint64_t left = size; left > 0;) {
		size_t want = left < sizeof(buffer) ? (size_t)left : sizeof(buffer);
		ssize_t n = read(fd, buffer, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read '%s'", t->path);
		if (n == 0) {
			memset(buffer, 0, want);
			n = (ssize_t)want;
		}
		if (!put(t, buffer, (size_t)n, e))
			return false;
		left -= (uint64_t)n;
	}
	return pad(t, size, e);
}

/* The path of the same file that is in the archive already, or NULL: then it is remembered. */
static const char *find_link(struct tar *t, const struct stat *st)
{
	struct seen **bucket = &t->seen[st->st_ino % BUCKETS];
	for (struct seen *s = *bucket; s; s = s->next)
		if (s->ino == st->st_ino && s->dev == st->st_dev)
			return s->path;
	struct seen *s = malloc(sizeof(*s) + t->path_n + 1);
	if (!s)
		return NULL; /* a second copy then */
	s->dev = st->st_dev;
	s->ino = st->st_ino;
	s->next = *bucket;
	memcpy(s->path, t->path, t->path_n + 1);
	*bucket = s;
	return NULL;
}

static bool put_opened_file(struct tar *t, int fd, bool is_mounted, struct err *e)
{
	struct stat st;
	struct pax pax = {.n = 0};
	char capability[64];
	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at '%s'", t->path);
	if (!S_ISREG(st.st_mode))
		return true;
	const char *link = st.st_nlink > 1 ? find_link(t, &st) : NULL;
	if (link)
		return put_header(t, &st, '1', 0, link, &pax, e);
	ssize_t n = fgetxattr(fd, CAPABILITY, capability, sizeof(capability));
	if (n > 0)
		add_pax(&pax, "SCHILY.xattr." CAPABILITY, capability, (size_t)n);
	uint64_t size = is_mounted ? 0 : (uint64_t)st.st_size;
	return put_header(t, &st, '0', size, "", &pax, e) && put_content(t, fd, size, e);
}

static bool put_file(struct tar *t, int dir_fd, const char *name, bool is_mounted, struct err *e)
{
	CLEAN(clean_fd)
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || err_sys(e, "open '%s'", t->path);
	return put_opened_file(t, fd, is_mounted, e);
}

static bool put_entry(struct tar *t, int dir_fd, const char *name, int depth, struct err *e);

static bool put_opened_directory(
	struct tar *t, int take_fd, bool is_mounted, int depth, struct err *e)
{
	struct stat st;
	struct pax pax = {.n = 0};
	struct dirent *entry;
	int fd = take_fd;
	CLEAN(clean_dir) DIR *dir = fdopendir(fd);
	if (!dir || fstat(fd, &st) < 0)
		return err_sys(e, "open '%s'", t->path);
	if (depth > DEPTH_MAX)
		return err_msg(e, ERR_INPUT, "it is more than %d directories deep", DEPTH_MAX);
	if (t->path_n) {
		if (t->path_n + 1 >= sizeof(t->path))
			return err_msg(e, ERR_INPUT, "a path is too long");
		t->path[t->path_n++] = '/';
		t->path[t->path_n] = '\0';
		if (!put_header(t, &st, '5', 0, "", &pax, e))
			return false;
	}
	while (!is_mounted && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
			!put_entry(t, fd, entry->d_name, depth + 1, e))
			return false;
	return true;
}

static bool put_directory(
	struct tar *t, int dir_fd, const char *name, bool is_mounted, int depth, struct err *e)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || err_sys(e, "open '%s'", t->path);
	return put_opened_directory(t, fd, is_mounted, depth, e);
}

static bool put_special(
	struct tar *t, int dir_fd, const char *name, const struct stat *st, struct err *e)
{
	char target[PATH_MAX] = "";
	struct pax pax = {.n = 0};
	char type = S_ISLNK(st->st_mode)   ? '2'
		    : S_ISCHR(st->st_mode) ? '3'
		    : S_ISBLK(st->st_mode) ? '4'
					   : '6';
	if (S_ISSOCK(st->st_mode))
		return true;
	if (type == '2' && readlinkat(dir_fd, name, target, sizeof(target) - 1) < 0)
		return errno == ENOENT || err_sys(e, "read link '%s'", t->path);
	return put_header(t, st, type, 0, target, &pax, e);
}

static bool put_entry(struct tar *t, int dir_fd, const char *name, int depth, struct err *e)
{
	size_t before = t->path_n, n = strlen(name);
	struct statx sx;
	struct stat st;
	if (t->path_n + n + 1 >= sizeof(t->path))
		return err_msg(e, ERR_INPUT, "a path is too long");
	memcpy(t->path + t->path_n, name, n + 1);
	t->path_n += n;
	bool ok = true;
	if (statx(dir_fd, name, AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &sx) < 0 ||
		fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		ok = errno == ENOENT || err_sys(e, "look at '%s'", t->path);
	} else {
		bool is_mounted = t->mount && sx.stx_mnt_id != t->mount;
		if (S_ISDIR(st.st_mode))
			ok = put_directory(t, dir_fd, name, is_mounted, depth, e);
		else if (S_ISREG(st.st_mode))
			ok = put_file(t, dir_fd, name, is_mounted, e);
		else if (!is_mounted)
			ok = put_special(t, dir_fd, name, &st, e);
	}
	t->path_n = before;
	t->path[before] = '\0';
	return ok;
}

static const char archive_end[2 * BLOCK];

bool tree_part_to_tar(const struct tree_part *part, int out_fd, struct err *e)
{
	CLEAN(clean_free) struct tar *t = calloc(1, sizeof(*t));
	struct stat st;
	if (!t || strlen(part->shown) >= sizeof(t->path))
		return err_msg(e, ERR_INTERNAL, "no memory for an archive");
	t->out_fd = out_fd;
	bool ok = true;
	if (part->opened_fd < 0) {
		/* Its own name is in the file system, the one that is shown in the archive. */
		ok = fstatat(part->dir_fd, part->name, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
		     err_sys(e, "look at '%s'", part->name);
	} else {
		ok = fstat(part->opened_fd, &st) == 0 || err_sys(e, "look at it");
	}
	t->path_n = strlen(part->shown);
	memcpy(t->path, part->shown, t->path_n + 1);
	int fd = -1;
	if (ok && S_ISDIR(st.st_mode)) {
		fd = part->opened_fd >= 0
			     ? openat(part->opened_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
			     : openat(part->dir_fd, part->name,
				       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		ok = (fd >= 0 || err_sys(e, "open '%s'", part->shown)) &&
		     put_opened_directory(t, fd, false, 0, e);
	} else if (ok && S_ISREG(st.st_mode)) {
		ok = part->opened_fd >= 0 ? put_opened_file(t, part->opened_fd, false, e)
					  : put_file(t, part->dir_fd, part->name, false, e);
	} else if (ok) {
		ok = put_special(t, part->dir_fd, part->name, &st, e);
	}
	return ok && put(t, archive_end, sizeof(archive_end), e) && flush(t, e);
}

bool tree_to_tar(int root_fd, int out_fd, struct err *e)
{
	struct statx sx;
	CLEAN(clean_free) struct tar *t = calloc(1, sizeof(*t));
	if (!t || statx(root_fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx) < 0)
		return err_sys(e, "look at the root");
	t->out_fd = out_fd;
	t->mount = sx.stx_mnt_id;
	/* The process ends soon after: what was remembered of links goes with it. */
	return put_directory(t, root_fd, ".", false, 0, e) &&
	       put(t, archive_end, sizeof(archive_end), e) && flush(t, e);
}
