/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack.c - archives into directories: guscio-unpack SOCKET_FD
 *
 * Runs in a user namespace with the ids of the containers to come, and serves jobs until
 * its socket is closed. A job is a GO record {value: its number, what: "KIND SIZE ENTRIES
 * BYTES RATIO"} with the archive, the destination and, where the archive is still being
 * written, an eventfd that counts up when it has grown. The answer bears the same number:
 * DONE {what: SHA-256 of the plain archive, cause: of the packed one} or FAIL.
 *
 * A job is a process of its own, so that what one archive does to it touches no other:
 * it has the destination as its root before the first byte is read, no network, and
 * only the calls and capabilities that making files takes.
 */
#include "base/own.h"
#include "confine/confine.h"
#include "sys/files.h"
#include "unpack/merge.h"
#include "unpack/stream.h"
#include "unpack/tree.h"
#include "wire/msg.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define JOBS_MAX  256
#define FILES_MAX 65536

struct job {
	uint64_t number;
	bool is_layer;
	bool is_removal;
	bool is_measure;   /* how many bytes the destination has */
	bool is_merge;	   /* the archive is a layer's directory */
	bool is_copy;	   /* into a directory that somebody uses */
	bool is_hash_only; /* nothing is made: only the sums are wanted */
	int64_t size;
	int64_t entries_max;
	int64_t bytes_max;
	int64_t ratio_max;
	int archive_fd;
	int dest_fd;
	int more_fd;
};

struct running {
	pid_t pid;
	uint64_t number;
};

struct reading {
	struct stream *stream;
	const void *block;
	struct err *e;
};

static ssize_t read_block(struct archive *a, void *data, const void **ret_block)
{
	struct reading *r = data;
	ssize_t n = stream_next(r->stream, &r->block, r->e);
	*ret_block = r->block;
	if (n < 0)
		archive_set_error(a, EIO, "%s", r->e->cause);
	return n;
}

static struct archive *open_reader(struct reading *r, struct err *e)
{
	struct archive *in = archive_read_new();
	if (!in)
		return err_sys(e, "make a reader"), NULL;
	archive_read_support_format_tar(in);
	/* The usual packings are inflated before; this one is rare enough for the library. */
	archive_read_support_filter_bzip2(in);
	if (archive_read_open(in, r, NULL, read_block, NULL) == ARCHIVE_OK)
		return in;
	if (!e->cause[0])
		err_msg(e, ERR_INPUT, "it is no tar archive: %s", archive_error_string(in));
	archive_read_free(in);
	return NULL;
}

static bool read_entries(struct tree *t, struct archive *in, struct err *e)
{
	for (;;) {
		struct archive_entry *entry;
		int result = archive_read_next_header(in, &entry);
		if (result == ARCHIVE_EOF)
			return true;
		if (result < ARCHIVE_WARN) {
			const char *text = archive_error_string(in);
			/* The stream below knows better than the library why it broke off. */
			return !e->cause[0] &&
			       err_msg(e, ERR_INPUT, "%s", text ? text : "it cannot be read");
		}
		if (!tree_add(t, in, entry, e))
			return false;
	}
}

/* Of all capabilities those that owners, modes and links take. */
static bool keep_capabilities(struct err *e)
{
	const uint64_t kept = 1ull << CAP_CHOWN | 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_FOWNER |
			      1ull << CAP_FSETID | 1ull << CAP_SETFCAP | 1ull << CAP_MKNOD;
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {0};
	if (syscall(SYS_capget, &header, data) < 0)
		return err_sys(e, "read the capabilities");
	for (unsigned i = 0; i < 2; i++) {
		data[i].effective &= (uint32_t)(kept >> (32 * i));
		data[i].permitted = data[i].effective;
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, data) < 0)
		return err_sys(e, "drop capabilities");
	return true;
}

static bool confine(const struct job *job, struct tree *t, struct err *e)
{
	bool ignored;
	struct rlimit hard;
	/* A descriptor a level, in trees that go as deep as paths can. */
	if (getrlimit(RLIMIT_NOFILE, &hard) == 0) {
		hard.rlim_cur = hard.rlim_max < FILES_MAX ? hard.rlim_max : FILES_MAX;
		setrlimit(RLIMIT_NOFILE, &hard);
	}
	if (fchdir(job->dest_fd) < 0 || chroot(".") < 0)
		return err_sys(e, "enter the destination");
	t->root_fd = job->dest_fd;
	umask(0);
	return keep_capabilities(e) && confine_process(e) &&
	       /* A layer that is copied lies outside the destination. */
	       (job->is_merge || confine_files(NULL, job->dest_fd, &ignored, e)) &&
	       confine_calls_allow(confine_unpack_calls, e);
}

static bool unpack(
	const struct job *job, struct tree *t, struct stream_result *result, struct err *e)
{
	if (job->is_removal)
		return tree_clear(t, e);
	if (job->is_merge) {
		int layer_fd = openat(job->archive_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return (layer_fd >= 0 || err_sys(e, "open the layer")) &&
		       merge_layer(t, layer_fd, e);
	}
	const struct stream_source source = {.fd = job->archive_fd,
		.more_fd = job->more_fd,
		.size = job->size,
		.size_max = job->bytes_max,
		.ratio_max = job->ratio_max};
	struct stream *stream = stream_start(&source, e);
	struct reading reading = {.stream = stream, .e = e};
	struct archive *in = stream ? open_reader(&reading, e) : NULL;
	bool ok = in && (job->is_hash_only || (read_entries(t, in, e) && tree_finish(t, e)));
	/* What stands behind the archive's end belongs to the file, and so to its digest. */
	ok = ok && stream_drain(stream, result, e);
	/* A layer that changes nothing has no entries; a root file system has some. */
	if (ok && !job->is_layer && t->entries == 0)
		ok = err_msg(e, ERR_INPUT, "it is no tar archive, or an empty one");
	if (in)
		archive_read_free(in);
	stream_free(stream);
	return ok;
}

static void say_lost(const struct tree *t, int socket_fd)
{
	struct msg m = {.kind = MSG_NOTE};
	struct err ignored;
	const size_t size = sizeof(m.err.what);
	if (t->lost) {
		snprintf(m.err.what, size, "%lld attributes were lost, the first: %s",
			(long long)t->lost, t->lost_text);
		msg_send(socket_fd, &m, NULL, 0, &ignored);
	}
	if (t->skipped) {
		snprintf(m.err.what, size, "%lld devices and pipes were left out",
			(long long)t->skipped);
		msg_send(socket_fd, &m, NULL, 0, &ignored);
	}
	if (t->unmapped) {
		snprintf(m.err.what, size, "%lld owners are not mapped: root has these files",
			(long long)t->unmapped);
		msg_send(socket_fd, &m, NULL, 0, &ignored);
	}
}

static void job_main(const struct job *job, int socket_fd) __attribute__((noreturn));
static void job_main(const struct job *job, int socket_fd)
{
	struct err e = ERR_INIT;
	struct msg m = {.kind = MSG_DONE, .value = job->number};
	struct stream_result result = {0};
	struct tree t = {.root_fd = -1,
		.parent_fd = -1,
		.is_layer = job->is_layer,
		.is_copy = job->is_copy,
		.entries_max = job->entries_max};
	/* Names are bytes: UTF-8 in pax headers must come out as it went in. */
	setlocale(LC_CTYPE, "C.UTF-8");
	if (job->is_measure && tree_read_maps(&t, &e) && confine(job, &t, &e)) {
		int64_t bytes;
		files_tree_size(job->dest_fd, ".", &bytes);
		snprintf(m.err.what, sizeof(m.err.what), "%lld", (long long)bytes);
	} else if (!job->is_measure && tree_read_maps(&t, &e) && confine(job, &t, &e) &&
		   unpack(job, &t, &result, &e)) {
		say_lost(&t, socket_fd);
		memcpy(m.err.what, result.plain, sizeof(result.plain));
		memcpy(m.err.cause, result.packed, sizeof(result.packed));
	} else {
		m.kind = MSG_FAIL;
		m.err = e;
	}
	msg_send(socket_fd, &m, NULL, 0, &e);
	_exit(m.kind == MSG_DONE ? 0 : 1);
}

static void fail(int socket_fd, uint64_t number, const char *why)
{
	struct msg m = {.kind = MSG_FAIL, .value = number};
	struct err ignored;
	err_msg(&m.err, ERR_INTERNAL, "%s", why);
	msg_send(socket_fd, &m, NULL, 0, &ignored);
}

static void start_job(
	struct msg *m, const int *fds, size_t n_fds, struct running *jobs, int socket_fd)
{
	char kind[16];
	long long size, entries, bytes, ratio;
	struct job job = {.number = m->value, .archive_fd = -1, .dest_fd = -1, .more_fd = -1};
	size_t place = 0;
	while (place < JOBS_MAX && jobs[place].pid)
		place++;
	if (place == JOBS_MAX || n_fds < 2 ||
		sscanf(m->err.what, "%15s %lld %lld %lld %lld", kind, &size, &entries, &bytes,
			&ratio) != 5) {
		fail(socket_fd, m->value, "guscio-unpack does not understand the job");
		return;
	}
	job.is_merge = !strcmp(kind, "merge");
	job.is_removal = !strcmp(kind, "remove");
	job.is_measure = !strcmp(kind, "measure");
	job.is_copy = !strcmp(kind, "copy");
	job.is_hash_only = !strcmp(kind, "hash");
	job.is_layer = job.is_hash_only || !strcmp(kind, "layer");
	job.size = size;
	job.entries_max = entries;
	job.bytes_max = bytes;
	job.ratio_max = ratio;
	job.archive_fd = fds[0];
	job.dest_fd = fds[1];
	job.more_fd = n_fds > 2 ? fds[2] : -1;
	pid_t server = getpid(), pid = fork();
	if (pid == 0) {
		sigset_t none;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* It died before the signal was armed: nobody would ever wake this one. */
		if (getppid() != server)
			_exit(1);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		job_main(&job, socket_fd);
	}
	if (pid < 0)
		fail(socket_fd, m->value, "guscio-unpack cannot fork");
	else
		jobs[place] = (struct running){pid, m->value};
}

/* A job that was killed has said nothing: the one who waits for it must know. */
static void reap(struct running *jobs, int socket_fd)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < JOBS_MAX; i++) {
			if (jobs[i].pid != pid)
				continue;
			if (WIFSIGNALED(status))
				fail(socket_fd, jobs[i].number,
					"the process that unpacked it was killed");
			jobs[i].pid = 0;
		}
}

/* Nobody waits for them any more. They are reaped here: the one that asked may start others. */
static int end_jobs(const struct running *jobs)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (jobs[i].pid > 0) {
			kill(jobs[i].pid, SIGKILL);
			waitpid(jobs[i].pid, NULL, 0);
		}
	return 0;
}

static int serve(int socket_fd)
{
	static struct running jobs[JOBS_MAX]; /* lint: scratch, too large for the stack */
	sigset_t children;
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &children, NULL);
	int signal_fd = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
	struct pollfd polled[2] = {
		{.fd = socket_fd, .events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};
	for (;;) {
		struct signalfd_siginfo info;
		struct msg m;
		int fds[MSG_FDS_MAX];
		size_t n_fds = 0;
		struct err e = ERR_INIT;
		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			return 1;
		while (read(signal_fd, &info, sizeof(info)) > 0)
			;
		reap(jobs, socket_fd);
		if (!polled[0].revents)
			continue;
		if (msg_receive(socket_fd, &m, fds, &n_fds, &e) != MSG_GOT_RECORD)
			return end_jobs(jobs);
		start_job(&m, fds, n_fds, jobs, socket_fd);
		for (size_t i = 0; i < n_fds; i++)
			close(fds[i]);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	return serve(atoi(argv[1]));
}
