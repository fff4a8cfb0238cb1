/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/child.h"
#include "base/own.h"
#include "sys/mount.h"
#include "sys/path.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* The message for a path of the caller's that cannot be opened. */
static bool refuse(const char *noun, const char *path, struct err *e)
{
	int sys = e->sys;
	err_what(e, ERR_HOST, "cannot open %s '%s'", noun, path);
	e->cause[0] = '\0';
	if (sys == EACCES && !e->hint[0])
		path_explain_denied(path, e);
	return false;
}

static bool open_place(const char *path, int *ret_fd, struct err *e)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	*ret_fd = fd;
	return true;
}

bool child_open_init(struct child *child, const struct step *step, struct err *e)
{
	(void)step;
	static const struct mount_change readonly = {.attr_set = MOUNT_ATTR_RDONLY};
	char path[4096];
	snprintf(path, sizeof(path), "%s/guscio-init", child->plan->host->helper_dir);
	/*
	 * A read-only mount of its own: through /proc/1/exe the container could otherwise
	 * write to the caller's copy of the program (CVE-2019-5736).
	 */
	if (mount_clone(AT_FDCWD, path, false, &child->init_fd, e) &&
		mount_change(child->init_fd, &readonly, e))
		return true;
	err_what(e, ERR_HOST, "cannot open the helper guscio-init");
	return err_hint(e, "install guscio whole, or run with --no-init");
}

bool child_open_root(struct child *child, const struct step *step, struct err *e)
{
	struct stat st;
	int *slot = &child->slots[step->source.slot];
	bool ok = step->source.clone ? mount_clone(AT_FDCWD, step->source.path,
					       step->source.recursive, slot, e)
				     : open_place(step->source.path, slot, e);
	if (!ok)
		return refuse("root directory", step->source.path, e);
	if (fstat(*slot, &st) == 0 && !S_ISDIR(st.st_mode)) {
		err_msg(e, ERR_INPUT, "it is no directory");
		return err_what(e, ERR_INPUT, "cannot use '%s' as root", step->source.path);
	}
	return true;
}

bool child_open_source(struct child *child, const struct step *step, struct err *e)
{
	int *slot = &child->slots[step->source.slot];
	bool ok = step->source.clone ? mount_clone(AT_FDCWD, step->source.path,
					       step->source.recursive, slot, e)
				     : open_place(step->source.path, slot, e);
	return ok || refuse("mount source", step->source.path, e);
}
