/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child_secrets.c - secrets as files in memory
 *
 * One small file system holds them all; each is shown at its place by a read-only mount of
 * that one file, so that no other file of a directory is covered. Nothing of a secret is ever
 * written to the container's root.
 */
#include "apply/child.h"
#include "base/own.h"
#include "sys/mount.h"
#include "sys/path.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_secret(int fd, const struct secret_spec *secret, struct err *e)
{
	for (size_t done = 0; done < secret->size;) {
		ssize_t n = write(fd, secret->data + done, secret->size - done);
		if (n < 0 && errno != EINTR)
			return err_sys(e, "write it");
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* With one id mapped "root" may be nobody: then it stays ours, who the program is. */
static bool give(int fd, const struct secret_spec *secret, struct err *e)
{
	bool is_default = !secret->uid && !secret->gid;
	if (fchown(fd, secret->uid, secret->gid) < 0 && !(is_default && errno == EINVAL)) {
		err_sys(e, "give it to %u:%u", secret->uid, secret->gid);
		return err_hint(e, "these ids must be mapped into the container");
	}
	return fchmod(fd, secret->mode) == 0 || err_sys(e, "set its mode");
}

static bool show(struct child *child, int memory_fd, const char *name,
	const struct secret_spec *secret, struct err *e)
{
	static const struct mount_change change = {.attr_set = MOUNT_ATTR_RDONLY |
							       MOUNT_ATTR_NOSUID |
							       MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
		.propagation = MS_PRIVATE};
	CLEAN(clean_fd)
	int fd = openat(memory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CLEAN(clean_fd) int mount_fd = -1;
	CLEAN(clean_fd) int target_fd = -1;
	if (fd < 0)
		return err_sys(e, "make its file");
	return write_secret(fd, secret, e) && give(fd, secret, e) &&
	       mount_clone(memory_fd, name, false, &mount_fd, e) &&
	       mount_change(mount_fd, &change, e) &&
	       path_make_in_root(child->root_fd, secret->target, PATH_FILE, &target_fd, e) &&
	       mount_attach(mount_fd, target_fd, "", e);
}

bool child_secrets(struct child *child, const struct step *step, struct err *e)
{
	const struct spec *spec = child->plan->spec;
	static char *const options[] = {(char *)"mode=0700"};
	CLEAN(clean_fd) int memory_fd = -1;
	(void)step;
	/* A copy of a mount can be made only while that hangs somewhere in this namespace. */
	if (!mount_new("tmpfs", options, 1, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, &memory_fd, e) ||
		!mount_attach_over_root(memory_fd, e))
		return err_what(e, ERR_HOST, "cannot keep secrets in memory");
	for (size_t i = 0; i < spec->n_secrets; i++) {
		char name[24];
		snprintf(name, sizeof(name), "%zu", i);
		if (!spec->secrets[i].is_env && spec->secrets[i].data &&
			!show(child, memory_fd, name, &spec->secrets[i], e))
			return err_what(e, ERR_HOST, "cannot show secret '%s' at '%s'",
				spec->secrets[i].name, spec->secrets[i].target);
	}
	/* Before the pivot: what lies over the old root comes between the two [child_root.c]. */
	return mount_detach(memory_fd, e);
}
