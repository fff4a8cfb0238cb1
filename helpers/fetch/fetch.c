/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch.c - talks to one registry and to nothing else: guscio-fetch SOCKET_FD SETTINGS_FD
 *
 * Serves jobs until its socket is closed. A job is a GO record {value: its number, what:
 * "VERB WORDS…"} with the files that it reads or writes as descriptors: this process can
 * open none of the user's. The answer bears the same number: DONE or FAIL.
 *
 *   manifest REFERENCE            fds: file        DONE {what: type, cause: digest}
 *   blob DIGEST SIZE OFFSET       fds: file, more  DONE
 *   push-blob DIGEST SIZE         fds: file        DONE {what: "known" when it was there}
 *   push-manifest REFERENCE SIZE TYPE   fds: file  DONE
 *   login                                          DONE
 */
#include "base/own.h"
#include "confine/confine.h"
#include "fetch/registry.h"
#include "wire/msg.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define SETTINGS_MAX ((size_t)4 << 20)

struct job {
	struct registry *registry;
	int socket_fd;
	uint64_t number;
	char words[4][256];
	int fds[MSG_FDS_MAX];
};

static bool do_job(struct job *job, struct msg *answer, struct err *e)
{
	struct registry *r = job->registry;
	const char *verb = job->words[0];
	if (!strcmp(verb, "manifest")) {
		struct manifest_answer got;
		if (!registry_manifest(r, job->words[1], job->fds[0], &got, e))
			return false;
		memcpy(answer->err.what, got.type, sizeof(answer->err.what));
		memcpy(answer->err.cause, got.digest, sizeof(got.digest));
		return true;
	}
	if (!strcmp(verb, "blob"))
		return registry_blob(r, job->words[1], atoll(job->words[2]), atoll(job->words[3]),
			job->fds[0], job->fds[1], e);
	if (!strcmp(verb, "push-blob")) {
		bool is_known = false;
		if (!registry_push_blob(
			    r, job->words[1], atoll(job->words[2]), job->fds[0], &is_known, e))
			return false;
		strcpy(answer->err.what, is_known ? "known" : "");
		return true;
	}
	if (!strcmp(verb, "push-manifest"))
		return registry_push_manifest(
			r, job->words[1], job->words[3], atoll(job->words[2]), job->fds[0], e);
	if (!strcmp(verb, "login"))
		return registry_login(r, e);
	return err_msg(e, ERR_INTERNAL, "guscio-fetch does not know '%s'", verb);
}

static void *job_main(void *argument)
{
	struct job *job = argument;
	struct msg answer = {.kind = MSG_DONE, .value = job->number};
	struct err e = ERR_INIT;
	if (!do_job(job, &answer, &e)) {
		answer.kind = MSG_FAIL;
		answer.err = e;
	}
	for (size_t i = 0; i < MSG_FDS_MAX; i++)
		clean_fd(&job->fds[i]);
	msg_send(job->socket_fd, &answer, NULL, 0, &e);
	free(job);
	return NULL;
}

static void start_job(
	struct registry *registry, int socket_fd, const struct msg *m, const int *fds, size_t n_fds)
{
	pthread_t thread;
	struct job *job = calloc(1, sizeof(*job));
	struct msg sorry = {.kind = MSG_FAIL, .value = m->value};
	struct err ignored;
	if (job) {
		job->registry = registry;
		job->socket_fd = socket_fd;
		job->number = m->value;
		for (size_t i = 0; i < MSG_FDS_MAX; i++)
			job->fds[i] = i < n_fds ? fds[i] : -1;
		/* At most 255 bytes in all: no word is longer than its place. */
		sscanf(m->err.what, "%255s %255s %255s %255s", job->words[0], job->words[1],
			job->words[2], job->words[3]);
		if (pthread_create(&thread, NULL, job_main, job) == 0) {
			pthread_detach(thread);
			return;
		}
	}
	err_msg(&sorry.err, ERR_INTERNAL, "guscio-fetch has no memory for a job");
	msg_send(socket_fd, &sorry, NULL, 0, &ignored);
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
	free(job);
}

/* Certificates, resolvers and the libraries that look up names; nothing of the user's. */
static bool confine(const struct registry *registry, struct err *e)
{
	const char *readable[] = {"/etc", "/usr", "/lib", "/lib64", "/run/systemd/resolve",
		"/run/resolvconf", "/run/NetworkManager", "/run/nscd", "/var/lib/ca-certificates",
		"/nix/store", "/dev/urandom", "/dev/null", "/proc/sys/crypto", NULL, NULL, NULL,
		NULL};
	size_t n = 0;
	while (readable[n])
		n++;
	const char *const more[] = {getenv("SSL_CERT_FILE"), registry->endpoints[0].http.cert,
		registry->endpoints[0].http.key};
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		if (more[i])
			readable[n++] = more[i];
	bool ignored;
	return confine_process(e) && confine_files(readable, -1, &ignored, e) &&
	       confine_calls_deny(confine_fetch_denied_calls, e);
}

static bool read_settings(struct registry *registry, int fd, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || st.st_size > (off_t)SETTINGS_MAX)
		return err_msg(e, ERR_INTERNAL, "the settings are too large");
	CLEAN(clean_free) char *text = malloc((size_t)st.st_size + 1);
	if (!text || pread(fd, text, (size_t)st.st_size, 0) != st.st_size)
		return err_sys(e, "read the settings");
	close(fd);
	return registry_read(registry, text, (size_t)st.st_size, e);
}

static int serve(int socket_fd, int settings_fd)
{
	static struct registry registry; /* lint: scratch, lives as long as the process */
	struct err e = ERR_INIT;
	struct msg m = {.kind = MSG_FAIL};
	int fds[MSG_FDS_MAX];
	size_t n_fds;
	http_global_init();
	bool ok = read_settings(&registry, settings_fd, &e) && confine(&registry, &e);
	while (ok && msg_receive(socket_fd, &m, fds, &n_fds, &e) == MSG_GOT_RECORD)
		start_job(&registry, socket_fd, &m, fds, n_fds);
	if (ok)
		_exit(0); /* also where threads still wait for somebody */
	m.err = e;
	msg_send(socket_fd, &m, NULL, 0, &e);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return serve(atoi(argv[1]), atoi(argv[2]));
}
