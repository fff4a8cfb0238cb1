/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack.c - a root file system tarball into a directory: guscio-unpack TAR_FD DEST_FD SOCKET_FD
 *
 * Runs in a user namespace with the container's ids. The archive is an attacker's: the
 * destination becomes this process's root before the first byte is read, so that no name
 * in it, link or "..", can mean anything outside; libarchive's own checks come on top.
 * Answers on the socket: DONE with the file's SHA-256 in err.what, or FAIL.
 */
#include "base/own.h"
#include "unpack/digest.h"
#include "unpack/entry_name.h"
#include "wire/msg.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define BLOCK_SIZE  (1 << 18)
#define ENTRIES_MAX 2000000
#define BYTES_MAX   ((int64_t)64 << 30)
/* A bomb: more than this, and a thousand times what came in. */
#define BOMB_BYTES ((int64_t)1 << 30)
#define BOMB_RATIO 1000
#define MAP_MAX	   340

struct input {
	int fd;
	struct digest *hash;
	int64_t bytes;
	char block[BLOCK_SIZE];
};

struct id_ranges {
	uint32_t first[MAP_MAX];
	uint32_t count[MAP_MAX];
	size_t n;
};

struct job {
	struct input *input;
	struct id_ranges uids, gids;
	bool is_single;
	int64_t entries;
	int64_t bytes;
	int64_t devices;
	int64_t warnings;
	char warning[200];
};

static ssize_t read_input(struct archive *a, void *data, const void **ret_block)
{
	struct input *in = data;
	ssize_t n;
	do
		n = read(in->fd, in->block, sizeof(in->block));
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		archive_set_error(a, errno, "cannot read the file");
		return -1;
	}
	digest_add(in->hash, in->block, (size_t)n);
	in->bytes += n;
	*ret_block = in->block;
	return n;
}

static bool read_ranges(const char *path, struct id_ranges *ret, struct err *e)
{
	CLEAN(clean_file) FILE *f = fopen(path, "re");
	unsigned inside, outside, count;
	if (!f)
		return err_sys(e, "open '%s'", path);
	while (ret->n < MAP_MAX && fscanf(f, "%u %u %u", &inside, &outside, &count) == 3) {
		ret->first[ret->n] = inside;
		ret->count[ret->n++] = count;
	}
	return true;
}

static bool has_id(const struct id_ranges *ranges, int64_t id)
{
	for (size_t i = 0; i < ranges->n; i++)
		if (id >= ranges->first[i] && id - ranges->first[i] < ranges->count[i])
			return true;
	return false;
}

static bool confine(int dest_fd, struct err *e)
{
	static const struct rlimit no_core = {0, 0};
	setrlimit(RLIMIT_CORE, &no_core);
	if (fchdir(dest_fd) < 0 || chroot(".") < 0)
		return err_sys(e, "enter the destination");
	close(dest_fd);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
		return err_sys(e, "set no_new_privs");
	umask(0);
	return true;
}

static bool check_owner(const struct job *job, struct archive_entry *entry, struct err *e)
{
	int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
	if (job->is_single || (has_id(&job->uids, uid) && has_id(&job->gids, gid)))
		return true;
	err_msg(e, ERR_INPUT, "'%s' belongs to %lld:%lld, which is not mapped",
		archive_entry_pathname(entry), (long long)uid, (long long)gid);
	return err_hint(e, "have a larger range of subordinate ids, or run with --userns=single");
}

static bool check_limits(const struct job *job, struct err *e)
{
	if (job->entries > ENTRIES_MAX)
		return err_msg(e, ERR_INPUT, "it has more than %d entries", ENTRIES_MAX);
	if (job->bytes > BYTES_MAX)
		return err_msg(
			e, ERR_INPUT, "it holds more than %lld GiB", (long long)(BYTES_MAX >> 30));
	if (job->bytes > BOMB_BYTES && job->bytes / BOMB_RATIO > job->input->bytes)
		return err_msg(e, ERR_INPUT, "it is a bomb: %lld bytes packed into %lld",
			(long long)job->bytes, (long long)job->input->bytes);
	return true;
}

/* The name as it lies in the root, or an error. */
static bool settle_name(struct archive_entry *entry, struct err *e)
{
	const char *name = archive_entry_pathname(entry);
	const char *link = archive_entry_hardlink(entry);
	const char *clean;
	if (!name || !entry_name_check(name, &clean))
		return err_msg(e, ERR_INPUT, "entry '%s' climbs out of the root", name ? name : "");
	char *copy = strdup(clean);
	if (!copy)
		return err_sys(e, "keep a name");
	archive_entry_set_pathname(entry, copy);
	free(copy);
	if (!link)
		return true;
	if (!entry_name_check(link, &clean))
		return err_msg(
			e, ERR_INPUT, "entry '%s' links to '%s', out of the root", name, link);
	copy = strdup(clean);
	if (!copy)
		return err_sys(e, "keep a name");
	archive_entry_set_hardlink(entry, copy);
	free(copy);
	return true;
}

/* What may be made: devices not, sockets not. */
static bool is_wanted(struct job *job, struct archive_entry *entry)
{
	switch (archive_entry_filetype(entry)) {
	case AE_IFCHR:
	case AE_IFBLK:
		job->devices++;
		return false;
	case AE_IFSOCK:
		return false;
	default:
		return true;
	}
}

/* With one id every file is the caller's, who must be able to read and delete it. */
static void settle_mode(const struct job *job, struct archive_entry *entry)
{
	mode_t mode = archive_entry_perm(entry);
	if (!job->is_single || archive_entry_filetype(entry) == AE_IFLNK)
		return;
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	archive_entry_set_perm(
		entry, mode | (archive_entry_filetype(entry) == AE_IFDIR ? 0700 : 0400));
}

static bool copy_data(struct job *job, struct archive *in, struct archive *out, struct err *e)
{
	const void *block;
	size_t size;
	la_int64_t offset;
	for (;;) {
		int result = archive_read_data_block(in, &block, &size, &offset);
		if (result == ARCHIVE_EOF)
			return true;
		if (result < ARCHIVE_WARN)
			return err_msg(e, ERR_INPUT, "%s", archive_error_string(in));
		job->bytes += (int64_t)size;
		if (!check_limits(job, e))
			return false;
		if (archive_write_data_block(out, block, size, offset) < ARCHIVE_WARN) {
			errno = archive_errno(out);
			return err_sys(e, "write");
		}
	}
}

static void remember_warning(struct job *job, struct archive *out)
{
	const char *text = archive_error_string(out);
	if (job->warnings++ == 0)
		snprintf(job->warning, sizeof(job->warning), "%s", text ? text : "");
}

static bool write_entry(struct job *job, struct archive *in, struct archive *out,
	struct archive_entry *entry, struct err *e)
{
	const char *name = archive_entry_pathname(entry);
	int result = archive_write_header(out, entry);
	if (result < ARCHIVE_WARN) {
		errno = archive_errno(out);
		return err_sys(e, "make '%s'", name);
	}
	if (archive_entry_size(entry) > 0 && !copy_data(job, in, out, e))
		return false;
	int finished = archive_write_finish_entry(out);
	if (finished < ARCHIVE_WARN) {
		errno = archive_errno(out);
		return err_sys(e, "finish '%s'", name);
	}
	/* Owners and modes were checked before; what is left are attributes of this file system. */
	if (result == ARCHIVE_WARN || finished == ARCHIVE_WARN)
		remember_warning(job, out);
	return true;
}

static bool unpack_entries(struct job *job, struct archive *in, struct archive *out, struct err *e)
{
	for (;;) {
		struct archive_entry *entry;
		int result = archive_read_next_header(in, &entry);
		if (result == ARCHIVE_EOF)
			break;
		if (result < ARCHIVE_WARN) {
			const char *text = archive_error_string(in);
			return err_msg(e, ERR_INPUT, "%s", text ? text : "it cannot be read");
		}
		job->entries++;
		if (!check_limits(job, e) || !settle_name(entry, e))
			return false;
		/* "./" itself: the root's owner and mode. */
		if (!archive_entry_pathname(entry)[0])
			archive_entry_set_pathname(entry, ".");
		if (!check_owner(job, entry, e))
			return false;
		if (!is_wanted(job, entry))
			continue;
		settle_mode(job, entry);
		if (!write_entry(job, in, out, entry, e))
			return false;
	}
	if (job->entries == 0)
		return err_msg(e, ERR_INPUT, "it is no tar archive, or an empty one");
	return true;
}

static struct archive *open_reader(struct input *input, struct err *e)
{
	struct archive *in = archive_read_new();
	if (!in)
		return err_sys(e, "make a reader"), NULL;
	archive_read_support_format_tar(in);
	archive_read_support_filter_gzip(in);
	archive_read_support_filter_xz(in);
	archive_read_support_filter_zstd(in);
	archive_read_support_filter_bzip2(in);
	if (archive_read_open(in, input, NULL, read_input, NULL) == ARCHIVE_OK)
		return in;
	err_msg(e, ERR_INPUT, "it is no tar archive: %s", archive_error_string(in));
	archive_read_free(in);
	return NULL;
}

static struct archive *open_writer(bool is_single)
{
	struct archive *out = archive_write_disk_new();
	int flags = ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_XATTR |
		    ARCHIVE_EXTRACT_ACL | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
		    ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_UNLINK |
		    ARCHIVE_EXTRACT_SPARSE;
	if (out)
		archive_write_disk_set_options(
			out, is_single ? flags : flags | ARCHIVE_EXTRACT_OWNER);
	return out;
}

/* What stands behind the archive's end belongs to the file, and so to its digest. */
static bool hash_rest(struct input *input, char hex[DIGEST_HEX_SIZE], struct err *e)
{
	ssize_t n;
	while ((n = read(input->fd, input->block, sizeof(input->block))) > 0)
		digest_add(input->hash, input->block, (size_t)n);
	if (n < 0)
		return err_sys(e, "read the file");
	digest_finish(input->hash, hex);
	return true;
}

static bool unpack(struct job *job, struct err *e)
{
	struct archive *in = open_reader(job->input, e);
	struct archive *out = in ? open_writer(job->is_single) : NULL;
	bool ok = in && out && unpack_entries(job, in, out, e);
	/* Directories get their modes and times here. */
	if (ok && archive_write_close(out) < ARCHIVE_WARN) {
		errno = archive_errno(out);
		ok = err_sys(e, "finish the directories");
	}
	if (out)
		archive_write_free(out);
	if (in)
		archive_read_free(in);
	return ok;
}

static void note(int socket_fd, const char *text)
{
	struct msg m = {.kind = MSG_NOTE};
	struct err ignored;
	text_fit(m.err.what, sizeof(m.err.what), text);
	msg_send(socket_fd, &m, NULL, 0, &ignored);
}

static void tell_notes(const struct job *job, int socket_fd)
{
	char text[512];
	if (job->devices) {
		snprintf(text, sizeof(text),
			"%lld device files were left out: only root makes them",
			(long long)job->devices);
		note(socket_fd, text);
	}
	if (job->warnings) {
		snprintf(text, sizeof(text), "%lld entries lost attributes, the first: %s",
			(long long)job->warnings, job->warning);
		note(socket_fd, text);
	}
}

static bool run(int tar_fd, int dest_fd, int socket_fd, struct err *e)
{
	static struct input input; /* lint: scratch, too large for the stack */
	struct job job = {.input = &input};
	struct msg done = {.kind = MSG_DONE};
	input.fd = tar_fd;
	input.hash = digest_new();
	if (!input.hash)
		return err_msg(e, ERR_INTERNAL, "SHA-256 is not available");
	if (!read_ranges("/proc/self/uid_map", &job.uids, e) ||
		!read_ranges("/proc/self/gid_map", &job.gids, e))
		return false;
	job.is_single = job.uids.n == 1 && job.uids.count[0] == 1;
	if (!confine(dest_fd, e) || !unpack(&job, e) || !hash_rest(&input, done.err.what, e))
		return false;
	tell_notes(&job, socket_fd);
	done.value = (uint64_t)job.entries;
	return msg_send(socket_fd, &done, NULL, 0, e);
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	if (argc != 4)
		return 2;
	int tar_fd = atoi(argv[1]), dest_fd = atoi(argv[2]), socket_fd = atoi(argv[3]);
	if (run(tar_fd, dest_fd, socket_fd, &e))
		return 0;
	struct msg fail = {.kind = MSG_FAIL, .err = e};
	msg_send(socket_fd, &fail, NULL, 0, &e);
	return 1;
}
