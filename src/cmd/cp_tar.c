/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cp_tar.c - guscio cp with "-": archives out of a container and into it
 *
 * Out: a child in the root writes them. In: a child in the root finds the directory and hands
 * it out by descriptor; guscio-unpack, which has the container's ids and that directory as its
 * root, reads the archive, which is an attacker's for all we know.
 */
#include "apply/child.h"
#include "apply/copy.h"
#include "apply/visit.h"
#include "base/own.h"
#include "base/text.h"
#include "cmd/container_command.h"
#include "cmd/cp.h"
#include "image/files.h"
#include "image/tree_tar.h"
#include "image/unpacker.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct archive_visit {
	const char *inside;
	bool follows;
	int fd; /* the archive, or where the directory is sent */
};

/* docker's: of "/." and of the root the content, under "."; else it keeps its own name. */
static bool write_part(struct child *child, void *argument, struct err *e)
{
	const struct archive_visit *v = argument;
	struct copy_place place = COPY_PLACE_INIT;
	bool is_content = text_ends(v->inside, "/.");
	enum copy_follow follows = v->follows ? COPY_FOLLOW_AND_READ : COPY_FOLLOW_NOT;
	bool ok = copy_find(child->root_fd, v->inside, follows, &place, e);
	if (ok && place.fd < 0)
		ok = (errno = ENOENT, err_sys(e, "open it"));
	const struct tree_part part = {.dir_fd = place.dir_fd,
		.name = place.name,
		.opened_fd = v->follows ? place.fd : -1,
		.shown = is_content ? "." : place.name};
	ok = ok && tree_part_to_tar(&part, v->fd, e);
	copy_place_done(&place);
	return ok || err_what(e, ERR_INPUT, "cannot copy '%s' out of the container", v->inside);
}

static bool send_directory(struct child *child, void *argument, struct err *e)
{
	const struct archive_visit *v = argument;
	struct copy_place place = COPY_PLACE_INIT;
	struct msg m = {.kind = MSG_DONE};
	struct stat st;
	bool ok = copy_find(child->root_fd, v->inside, COPY_FOLLOW, &place, e);
	if (ok && place.fd < 0)
		ok = (errno = ENOENT, err_sys(e, "open it"));
	if (ok && (fstat(place.fd, &st) < 0 || !S_ISDIR(st.st_mode)))
		ok = err_msg(e, ERR_USAGE, "it is no directory, and an archive goes into one");
	ok = ok && msg_send(v->fd, &m, &place.fd, 1, e);
	copy_place_done(&place);
	return ok || err_what(e, ERR_INPUT, "cannot copy into '%s' of the container", v->inside);
}

bool cp_out_to_pipe(struct cp_side *side, const char *inside, bool follows, struct err *e)
{
	CLEAN(out_file_done) struct out_file out = {.fd = -1};
	struct container_command *c = side->c;
	if (!out_file_open(&out, &c->to.arena, "-", false, e))
		return false;
	struct archive_visit v = {.inside = inside, .follows = follows, .fd = out.fd};
	return visit_run(&side->plan, write_part, &v, c->to.notes, e) && out_file_keep(&out, e);
}

/* Who has the ids of the container: for one that runs they are what the kernel says. */
static bool ids_of(struct cp_side *side, struct inside *ret, struct err *e)
{
	struct container_command *c = side->c;
	if (!host_probe(HOST_WANT_RANGES, &c->to.arena, &side->host, e))
		return false;
	*ret = inside_of(&c->to.spec, &side->host, c->to.notes);
	if (!side->runs)
		return true;
	bool is_single = side->ids.rung == MAP_SINGLE;
	ret->userns = is_single ? USERNS_SINGLE : USERNS_MANUAL;
	ret->uid_map = side->ids.uid;
	ret->gid_map = side->ids.gid;
	return true;
}

static bool unpack_into(struct cp_side *side, int dir_fd, struct err *e)
{
	struct unpacker unpacker = UNPACKER_INIT;
	const struct unpack_job job = {.kind = UNPACK_COPY,
		.size = -1,
		.archive_fd = STDIN_FILENO,
		.dest_fd = dir_fd,
		.more_fd = -1};
	struct inside in;
	struct msg answer;
	sigset_t before;
	if (!ids_of(side, &in, e))
		return false;
	signals_hold(&before);
	bool ok = unpacker_do(&unpacker, &in, &job, &answer, e);
	unpacker_stop(&unpacker);
	signals_release(&before);
	return ok;
}

bool cp_in_from_pipe(struct cp_side *side, const char *inside, struct err *e)
{
	struct container_command *c = side->c;
	int wire[2];
	int fds[MSG_FDS_MAX];
	size_t n_fds = 0;
	struct msg m;
	if (!msg_pair(wire, e))
		return false;
	struct archive_visit v = {.inside = inside, .fd = wire[1]};
	bool ok = visit_run(&side->plan, send_directory, &v, c->to.notes, e);
	close(wire[1]);
	ok = ok && (msg_receive(wire[0], &m, fds, &n_fds, e) == MSG_GOT_RECORD || e->cause[0] ||
			   err_msg(e, ERR_INTERNAL, "the visitor of the container is gone"));
	close(wire[0]);
	CLEAN(clean_fd) int dir_fd = ok && n_fds == 1 ? fds[0] : -1;
	if (dir_fd < 0)
		return false;
	return unpack_into(side, dir_fd, e) ||
	       err_what(e, e->kind == ERR_INTERNAL ? ERR_HOST : e->kind,
		       "cannot copy the archive into '%s' of the container", inside);
}
