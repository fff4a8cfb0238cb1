/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack.c - directories and files into a tar archive: guscio-pack SOCKET_FD OUT_FD
 *
 * Jobs, in order, on the socket; the archive goes to OUT_FD, which may be a pipe:
 *
 *   file SIZE NAME	fds: the file	a plain file, for image archives
 *   directory NAME
 *   layers N		fds: at most 4 a record; N directories in all, uppermost first: what an
 *			overlay of them shows becomes the archive
 *   end			DONE
 *
 * For layers it runs in a user namespace with the ids of the image. The file system
 * is somebody else's: entries are looked at by descriptor and links are never followed.
 */
#include "base/own.h"
#include "confine/confine.h"
#include "pack/walk.h"
#include "sys/mount.h"
#include "wire/msg.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define LAYERS_MAX 257

static bool archive_failed(struct archive *out, struct err *e)
{
	errno = archive_errno(out);
	return err_sys(e, "write the archive");
}

static bool pack_directory(struct archive *out, const char *name, struct err *e)
{
	struct archive_entry *entry = archive_entry_new();
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFDIR);
	archive_entry_set_perm(entry, 0755);
	bool ok = archive_write_header(out, entry) >= ARCHIVE_WARN;
	archive_entry_free(entry);
	return ok || archive_failed(out, e);
}

static bool pack_file(struct archive *out, int fd, const char *name, int64_t size, struct err *e)
{
	char block[65536];
	struct archive_entry *entry = archive_entry_new();
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, size);
	bool ok = archive_write_header(out, entry) >= ARCHIVE_WARN;
	archive_entry_free(entry);
	if (!ok)
		return archive_failed(out, e);
	while (size > 0) {
		ssize_t n = read(fd, block, sizeof(block));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? err_sys(e, "read '%s'", name)
				     : err_msg(e, ERR_INPUT, "'%s' became shorter", name);
		if (n > size)
			n = (ssize_t)size;
		if (archive_write_data(out, block, (size_t)n) < 0)
			return archive_failed(out, e);
		size -= n;
	}
	return true;
}

/*
 * The same directory, seen from this mount namespace: overlayfs refuses one that was opened
 * in another [clone_private_mount(), EINVAL].
 */
static bool open_here(int *layer_fd, struct err *e)
{
	char link[64], path[PATH_MAX];
	struct stat before, after;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", *layer_fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	CLEAN(clean_fd) int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &after) < 0 || fstat(*layer_fd, &before) < 0)
		return err_sys(e, "open layer '%s'", path);
	if (before.st_ino != after.st_ino || before.st_dev != after.st_dev)
		return err_msg(e, ERR_STATE, "layer '%s' was replaced", path);
	close(*layer_fd);
	*layer_fd = TAKE_FD(fd);
	return true;
}

/* One directory stands for itself; of several, and their whiteouts, overlayfs makes one. */
static bool merge(int *layers, size_t n, int *ret_fd, struct err *e)
{
	static char options[LAYERS_MAX][64]; /* lint: scratch, too large for the stack */
	static char *data[LAYERS_MAX + 1];   /* lint: scratch */
	CLEAN(clean_fd) int empty_fd = -1;
	size_t n_data = 0;
	char *const small[] = {(char *)"mode=755"};
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(e, "have mounts of its own");
	/* Whiteouts mean something in an overlay only, and that wants two directories. */
	if (!mount_new("tmpfs", small, 1, 0, &empty_fd, e) || !mount_attach_over_root(empty_fd, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!open_here(&layers[i], e))
			return false;
		snprintf(options[i], sizeof(options[i]), "lowerdir+=/proc/self/fd/%d", layers[i]);
		data[n_data++] = options[i];
	}
	snprintf(options[n], sizeof(options[n]), "lowerdir+=/proc/self/fd/%d", empty_fd);
	data[n_data++] = options[n];
	data[n_data++] = (char *)"userxattr";
	return mount_new("overlay", data, n_data, MOUNT_ATTR_RDONLY, ret_fd, e) &&
	       mount_attach_over_root(*ret_fd, e);
}

struct packer {
	struct archive *out;
	int socket_fd;
	int layers[LAYERS_MAX];
	size_t n_layers, wanted;
};

static bool take_layers(struct packer *p, size_t wanted, int *fds, size_t n_fds, struct err *e)
{
	if (wanted == 0 || wanted >= LAYERS_MAX || p->n_layers + n_fds > wanted)
		return err_msg(e, ERR_INTERNAL, "guscio-pack got %zu layers of %zu",
			p->n_layers + n_fds, wanted);
	for (size_t i = 0; i < n_fds; i++) {
		p->layers[p->n_layers++] = fds[i];
		fds[i] = -1;
	}
	if (p->n_layers < wanted)
		return true;
	CLEAN(clean_fd) int root_fd = -1;
	CLEAN(clean_fd) int real_fd = -1;
	if (!merge(p->layers, p->n_layers, &root_fd, e))
		return false;
	real_fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (real_fd < 0 || fchdir(real_fd) < 0 || chroot(".") < 0)
		return err_sys(e, "enter the image");
	return confine_process(e) && walk_tree(p->out, real_fd, e);
}

static bool do_job(
	struct packer *p, const struct msg *m, int *fds, size_t n_fds, bool *ret_end, struct err *e)
{
	long long size;
	int at = 0;
	const char *what = m->err.what;
	*ret_end = !strcmp(what, "end");
	if (*ret_end)
		return archive_write_close(p->out) >= ARCHIVE_WARN || archive_failed(p->out, e);
	if (sscanf(what, "layers %lld", &size) == 1)
		return take_layers(p, (size_t)size, fds, n_fds, e);
	if (sscanf(what, "directory %n", &at) == 0 && at > 0)
		return pack_directory(p->out, what + at, e);
	if (sscanf(what, "file %lld %n", &size, &at) == 1 && at > 0 && n_fds == 1)
		return pack_file(p->out, fds[0], what + at, size, e);
	return err_msg(e, ERR_INTERNAL, "guscio-pack does not understand '%s'", what);
}

static bool serve(struct packer *p, struct err *e)
{
	for (;;) {
		struct msg m;
		int fds[MSG_FDS_MAX];
		size_t n_fds = 0;
		bool is_end = false;
		if (msg_receive(p->socket_fd, &m, fds, &n_fds, e) != MSG_GOT_RECORD)
			return err_msg(e, ERR_STATE, "nobody waits for it any more");
		bool ok = do_job(p, &m, fds, n_fds, &is_end, e);
		for (size_t i = 0; i < n_fds; i++)
			clean_fd(&fds[i]);
		if (!ok || is_end)
			return ok;
	}
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct packer p = {.out = archive_write_new()};
	if (argc != 3 || !p.out)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setlocale(LC_CTYPE, "C.UTF-8");
	p.socket_fd = atoi(argv[1]);
	archive_write_set_format_pax_restricted(p.out);
	archive_write_set_bytes_in_last_block(p.out, 1);
	bool ok = archive_write_open_fd(p.out, atoi(argv[2])) == ARCHIVE_OK
			  ? serve(&p, &e)
			  : archive_failed(p.out, &e);
	struct msg m = {.kind = ok ? MSG_DONE : MSG_FAIL, .err = e};
	msg_send(p.socket_fd, &m, NULL, 0, &e);
	return ok ? 0 : 1;
}
