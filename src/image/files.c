/* SPDX-License-Identifier: Apache-2.0 */
#include "image/files.h"
#include "base/own.h"

#include <bsd/stdlib.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool is_stream(const char *path)
{
	return !path || !strcmp(path, "-");
}

static bool refuse_terminal(const char *what, struct err *e)
{
	err_msg(e, ERR_USAGE, "it is a terminal");
	err_hint(e, "name a file, or redirect it");
	return err_what(e, ERR_USAGE, "cannot use %s for an archive", what);
}

/* What is there and is no file, /dev/full or a pipe, keeps its place. */
static bool is_in_place(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

static int open_file(struct out_file *out, struct arena *arena)
{
	if (is_in_place(out->path))
		return open(out->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	const char *temporary = arena_printf(arena, "%s.%08x", out->path, arc4random());
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd >= 0)
		out->temporary = temporary;
	return fd;
}

bool out_file_open(struct out_file *out, struct arena *arena, const char *path, bool is_directory,
	struct err *e)
{
	*out = (struct out_file){.fd = -1, .path = is_stream(path) ? NULL : path};
	if (!out->path && (is_directory || isatty(STDOUT_FILENO)))
		return refuse_terminal(
			is_directory ? "standard output as a directory" : "standard output", e);
	if (!out->path)
		out->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	else if (!is_directory)
		out->fd = open_file(out, arena);
	else if (mkdir(path, 0755) == 0 || errno == EEXIST)
		out->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (out->fd >= 0)
		return true;
	err_sys(e, "open it");
	return err_what(e, ERR_HOST, "cannot write '%s'", path ? path : "-");
}

bool out_file_keep(struct out_file *out, struct err *e)
{
	if (!out->temporary)
		return true;
	if (fsync(out->fd) < 0 || rename(out->temporary, out->path) < 0) {
		err_sys(e, "keep it");
		return err_what(e, ERR_HOST, "cannot write '%s'", out->path);
	}
	out->temporary = NULL;
	return true;
}

void out_file_done(struct out_file *out)
{
	if (out->temporary)
		unlink(out->temporary);
	out->temporary = NULL;
	clean_fd(&out->fd);
}

bool in_file_open(const char *path, int *ret_fd, struct err *e)
{
	if (is_stream(path) && isatty(STDIN_FILENO))
		return refuse_terminal("standard input", e);
	*ret_fd = is_stream(path) ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
				  : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (*ret_fd >= 0)
		return true;
	err_sys(e, "open it");
	return err_what(e, ERR_INPUT, "cannot read '%s'", path ? path : "-");
}
