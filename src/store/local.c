/* SPDX-License-Identifier: Apache-2.0 */
#include "store/local.h"
#include "base/own.h"
#include "sys/files.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

bool local_is_network(long fs_type)
{
	/* lint: table */
	static const unsigned types[] = {
		0x6969,	    /* NFS */
		0x517b,	    /* SMB */
		0xff534d42, /* CIFS */
		0xfe534d42, /* SMB2 */
		0x0bd00bd0, /* Lustre */
		0x47504653, /* GPFS */
		0x19830326, /* BeeGFS */
		0x00c36400, /* Ceph */
		0x01021997, /* 9P */
		0x5346414f, /* AFS */
		0x6b414653, /* kAFS */
		0x20030528, /* OrangeFS */
		0x65735546, /* FUSE: sshfs and its relatives */
		0x01161970, /* GFS2 */
		0x7461636f, /* OCFS2 */
	};
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if ((unsigned)fs_type == types[i])
			return true;
	return false;
}

/* A directory of ours alone, here on this machine, whose files can have attributes. */
static bool is_good(int fd)
{
	struct statfs fs;
	struct stat st;
	if (fstatfs(fd, &fs) < 0 || local_is_network((long)fs.f_type) || fstat(fd, &st) < 0 ||
		st.st_uid != geteuid() || (st.st_mode & 022))
		return false;
	/* No attribute is there yet; that they can be there is what is asked. */
	return fgetxattr(fd, "user.overlay.opaque", NULL, 0) >= 0 || errno == ENODATA;
}

static int open_candidate(const char *path, bool may_create, bool *ret_new)
{
	*ret_new = may_create && mkdir(path, 0700) == 0;
	CLEAN(clean_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && is_good(fd) ? TAKE_FD(fd) : -1;
}

/* Different storages must not share a directory: what one of them removes the other needs. */
static const char *place_of(struct store *store, const char *base)
{
	uint64_t hash = 14695981039346656037ull;
	for (const char *p = store->path; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 1099511628211ull;
	return arena_printf(store->arena, "%s/%016llx", base, (unsigned long long)hash);
}

static bool open_elsewhere(struct store *store, bool may_create, struct err *e)
{
	const char *named = getenv("GUSCIO_LOCAL_STORAGE"), *tmp = getenv("TMPDIR");
	const char *bases[] = {named && named[0] ? named : NULL,
		arena_printf(store->arena, "/var/tmp/guscio-%u", geteuid()),
		tmp ? arena_printf(store->arena, "%s/guscio-%u", tmp, geteuid()) : NULL,
		arena_printf(store->arena, "/dev/shm/guscio-%u.layers", geteuid())};
	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		bool is_new;
		CLEAN(clean_fd) int base_fd = -1;
		if (!bases[i] || (base_fd = open_candidate(bases[i], may_create, &is_new)) < 0)
			continue;
		store->layers_path = place_of(store, bases[i]);
		store->layers_fd = open_candidate(store->layers_path, may_create, &is_new);
		store->is_local_new = is_new;
		if (store->layers_fd >= 0)
			return true;
	}
	store->layers_path = NULL;
	if (!may_create)
		return true;
	err_msg(e, ERR_HOST, "layers cannot be unpacked on its file system, nor in /var/tmp");
	return err_hint(e, "set GUSCIO_LOCAL_STORAGE to a directory on a local disk");
}

bool local_open_layers(struct store *store, bool may_create, struct err *e)
{
	const char *named = getenv("GUSCIO_LOCAL_STORAGE");
	struct stat st;
	CLEAN(clean_fd)
	int fd = openat(store->dir_fd, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is_ours = fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid();
	/* Of somebody else's we only read what is there. */
	bool is_usable = fd >= 0 && (!is_ours || (!(named && named[0]) && is_good(fd)));
	if (!is_usable)
		return open_elsewhere(store, may_create, e);
	store->layers_fd = TAKE_FD(fd);
	store->layers_path = arena_printf(store->arena, "%s/layers", store->path);
	return true;
}
