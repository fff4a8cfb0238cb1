/* SPDX-License-Identifier: Apache-2.0 */
#include "image/unpacker.h"
#include "base/own.h"
#include "base/text.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* What an archive may cost; whoever has a larger one says so in the environment. */
#define ENTRIES_MAX 2000000
#define BYTES_MAX   ((uint64_t)64 << 30)
#define RATIO_MAX   1000

bool unpacker_start(struct unpacker *u, const struct inside *in, struct err *e)
{
	struct strv args = {0};
	int wire[2];
	if (u->is_running)
		return true;
	if (!msg_pair(wire, e))
		return false;
	strv_add(in->arena, &args,
		arena_printf(in->arena, "%s/guscio-unpack", in->host->helper_dir));
	strv_add(in->arena, &args, arena_printf(in->arena, "%d", wire[1]));
	bool ok = inside_start(in, &args, &wire[1], 1, &u->plan, &u->proc, e);
	close(wire[1]);
	if (!ok) {
		close(wire[0]);
		return false;
	}
	u->socket_fd = wire[0];
	u->is_running = true;
	return true;
}

static int64_t limit(const char *variable, uint64_t usual)
{
	const char *text = getenv(variable);
	uint64_t value;
	return (int64_t)(text && text_to_bytes(text, &value) && value > 0 &&
					 value < (uint64_t)1 << 62
				 ? value
				 : usual);
}

bool unpacker_submit(struct unpacker *u, const struct unpack_job *job, struct err *e)
{
	static const char *const kinds[] = {
		"root", "layer", "hash", "merge", "copy", "measure", "remove"};
	struct msg m = {.kind = MSG_GO, .value = job->number};
	const int fds[] = {job->archive_fd, job->dest_fd, job->more_fd};
	snprintf(m.err.what, sizeof(m.err.what), "%s %lld %lld %lld %lld", kinds[job->kind],
		(long long)job->size, (long long)limit("GUSCIO_UNPACK_ENTRIES", ENTRIES_MAX),
		(long long)limit("GUSCIO_UNPACK_SIZE", BYTES_MAX),
		(long long)limit("GUSCIO_UNPACK_RATIO", RATIO_MAX));
	return msg_send(u->socket_fd, &m, fds, job->more_fd < 0 ? 2 : 3, e);
}

bool unpacker_receive(struct unpacker *u, struct msg *ret, struct notes *notes, struct err *e)
{
	for (;;) {
		switch (msg_receive(u->socket_fd, ret, NULL, NULL, e)) {
		case MSG_GOT_ERROR:
			return false;
		case MSG_GOT_EOF:
			return err_msg(e, ERR_INTERNAL, "guscio-unpack ended without a word");
		case MSG_GOT_RECORD:
			break;
		}
		if (ret->kind != MSG_NOTE)
			return true;
		notes_add(notes, "%s", ret->err.what);
	}
}

bool unpacker_do(struct unpacker *u, const struct inside *in, const struct unpack_job *job,
	struct msg *ret, struct err *e)
{
	if (!unpacker_start(u, in, e) || !unpacker_submit(u, job, e))
		return false;
	if (!signals_wait_for(u->socket_fd))
		return err_msg(e, ERR_STATE, "interrupted");
	if (!unpacker_receive(u, ret, in->notes, e))
		return false;
	return ret->kind == MSG_DONE || (*e = ret->err, false);
}

void unpacker_stop(struct unpacker *u)
{
	if (!u->is_running)
		return;
	clean_fd(&u->socket_fd);
	/* The end of its socket ends it and its jobs; killed, it would leave those to run on. */
	while (waitpid(u->proc.pid, NULL, 0) < 0 && errno == EINTR)
		;
	u->proc.pid = 0;
	proc_drop(&u->plan, &u->proc);
	u->is_running = false;
}

static bool do_there(struct unpacker *u, const struct inside *in, enum unpack_kind kind,
	const char *path, struct msg *ret, struct err *e)
{
	CLEAN(clean_fd)
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* Of a subordinate owner, and closed to others: a handle is enough to go there as root. */
	if (fd < 0 && errno == EACCES)
		fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	const struct unpack_job job = {
		.kind = kind, .archive_fd = fd, .dest_fd = fd, .more_fd = -1};
	if (!unpacker_start(u, in, e) || !unpacker_submit(u, &job, e) ||
		!unpacker_receive(u, ret, in->notes, e))
		return false;
	return ret->kind != MSG_FAIL || (*e = ret->err, false);
}

bool unpacker_measure(
	struct unpacker *u, const struct inside *in, const char *path, int64_t *ret, struct err *e)
{
	struct msg answer;
	uint64_t bytes;
	if (!do_there(u, in, UNPACK_MEASURE, path, &answer, e))
		return false;
	if (!text_to_u64(answer.err.what, INT64_MAX, &bytes))
		return err_msg(e, ERR_INTERNAL, "guscio-unpack does not say how much it is");
	*ret = (int64_t)bytes;
	return true;
}

bool unpacker_remove(struct unpacker *u, const struct inside *in, const char *path, struct err *e)
{
	struct msg answer;
	if (rmdir(path) == 0 || errno == ENOENT)
		return true;
	return do_there(u, in, UNPACK_REMOVE, path, &answer, e) &&
	       (rmdir(path) == 0 || err_sys(e, "remove '%s'", path));
}
