/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port.c - published ports of one container: guscio-port SOCKET_FD ID
 *
 * Actors: the starter (guscio run, or guscio port --add) opens the sockets on the host, as
 * the caller and in the host's network, and hands them over. This program joins the user and
 * network namespace of the container, and nothing else of it: its own processes are the
 * host's, so nobody inside can see or reach it. Stages: MSG_PORT records, then GO with the
 * container's pidfd and namespaces (and the control socket), addresses as text; DONE comes back
 * when ports are served. Then it has no files, no capability beyond that network, and a list of
 * calls; it lives until the container's first process is gone, whatever became of the starter.
 */
#include "base/own.h"
#include "confine/confine.h"
#include "port/server.h"
#include "sys/caps.h"
#include "wire/msg.h"

#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define EVENTS_MAX  64
#define END_WAIT_MS 3000
#define UDP_ROOM    (1 << 20)
#define START_FD    3

uint64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

bool server_watch(struct server *s, struct watch *w, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = w};
	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, w->fd, &event) == 0;
}

static bool is_same(const struct port_line *a, const struct port_line *b)
{
	return a->protocol == b->protocol && a->host_port == b->host_port &&
	       !strcmp(a->address, b->address);
}

/* Which of the host's addresses a datagram was sent to: a reply must come from there. */
static void prepare_udp(int fd, int family)
{
	int on = 1, room = UDP_ROOM;
	/* For a burst that comes while we do something else; the kernel has its own maximum. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	else
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
}

bool server_add(
	struct server *s, const struct port_line *line, bool is_patient, int take_fd, struct err *e)
{
	CLEAN(clean_fd) int fd = take_fd;
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	if (s->n_entries >= s->n_fds_max / 2)
		return err_msg(e, ERR_HOST, "there are no descriptors for more ports");
	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return err_sys(e, "look at the port's socket");
	CLEAN(clean_free) struct entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return err_sys(e, "allocate");
	entry->line = *line;
	entry->is_patient = is_patient;
	entry->family = address.ss_family;
	entry->watch.ready = line->protocol == IPPROTO_UDP ? flow_receive : stream_accept;
	entry->watch.fd = fd;
	if (line->protocol == IPPROTO_UDP)
		prepare_udp(fd, entry->family);
	if (!server_watch(s, &entry->watch, EPOLLIN))
		return err_sys(e, "watch the port's socket");
	struct entry **last = &s->entries;
	while (*last)
		last = &(*last)->next;
	*last = TAKE_PTR(entry);
	s->n_entries++;
	(void)TAKE_FD(fd);
	return true;
}

static void drop_entry(struct server *s, struct entry **place)
{
	struct entry *entry = *place;
	flows_forget(s, entry);
	*place = entry->next;
	s->n_entries--;
	clean_fd(&entry->watch.fd);
	entry->next = s->dead;
	s->dead = entry;
}

bool server_remove(struct server *s, const struct port_line *line, struct err *e)
{
	bool found = false;
	for (struct entry **place = &s->entries; *place;) {
		if (is_same(&(*place)->line, line)) {
			drop_entry(s, place);
			found = true;
		} else {
			place = &(*place)->next;
		}
	}
	return found || err_msg(e, ERR_STATE, "it is not published");
}

/* Nobody is taken any more; what the program left in its sockets still goes out. */
static void begin_end(struct server *s)
{
	while (s->entries)
		drop_entry(s, &s->entries);
	clean_fd(&s->control.fd);
	clean_fd(&s->container.fd);
	/* The starter waits for this: now the ports are free. */
	clean_fd(&s->start_fd);
	s->is_ending = true;
	s->end_ms = now_ms() + END_WAIT_MS;
}

static void container_ended(struct server *s, struct watch *w, uint32_t events)
{
	(void)w;
	(void)events;
	begin_end(s);
}

static int sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static void run(struct server *s)
{
	struct epoll_event events[EVENTS_MAX];
	bool has_more = false;
	for (;;) {
		int timeout = sooner(flows_expire(s), streams_resume(s));
		if (s->is_ending) {
			uint64_t now = now_ms();
			if (streams_count(s) == 0 || now >= s->end_ms)
				return;
			timeout = sooner(timeout, (int)(s->end_ms - now));
		}
		int n = epoll_wait(s->epoll_fd, events, EVENTS_MAX, has_more ? 0 : timeout);
		for (int i = 0; i < n; i++) {
			struct watch *w = events[i].data.ptr;
			if (w->fd >= 0)
				w->ready(s, w, events[i].events);
		}
		has_more = streams_turn(s);
		/* No event that was fetched means them any more. */
		while (s->dead) {
			struct entry *entry = s->dead;
			s->dead = entry->next;
			free(entry);
		}
	}
}

/* The calls that serving takes; the names only libseccomp on this machine knows are left out. */
/* lint: table */
static const char *const calls[] = {"accept4", "bind", "brk", "clock_gettime", "close", "connect",
	"epoll_ctl", "epoll_pwait", "epoll_wait", "exit", "exit_group", "fcntl", "futex", "geteuid",
	"getpeername", "getrandom", "getsockname", "getsockopt", "ioctl", "lseek", "madvise",
	"memfd_create", "mmap", "mremap", "munmap", "pipe2", "read", "recvfrom", "recvmmsg",
	"recvmsg", "restart_syscall", "rt_sigreturn", "sendmmsg", "sendmsg", "sendto", "setsockopt",
	"shutdown", "splice", "write", NULL};

static bool confine(struct err *e)
{
	/* Of a namespace that is the container's, and over nothing of the host. */
	const uint64_t kept =
		1ull << CAP_NET_ADMIN | 1ull << CAP_NET_RAW | 1ull << CAP_NET_BIND_SERVICE;
	bool ignored;
	/* Nothing in it but the numbers of our descriptors, and that also without Landlock. */
	if (chroot("/proc/self/fdinfo") < 0 || chdir("/") < 0)
		return err_sys(e, "leave the file system");
	return caps_set(kept, kept, 0, e) && confine_process(e) &&
	       confine_files(NULL, -1, &ignored, e) && confine_calls_allow_inet(calls, e);
}

static bool take_go(
	struct server *s, const struct msg *m, const int *fds, struct msg *reply, struct err *e)
{
	char id[16], guest4[64], guest6[64], gateway4[64], gateway6[64];
	if (sscanf(m->err.what, "%12s %63s %63s %63s %63s", id, guest4, guest6, gateway4,
		    gateway6) != 5)
		return err_msg(e, ERR_INTERNAL, "guscio-port does not understand the request");
	if (!inside_enter(fds[1], fds[2], e) ||
		!inside_prepare(&s->inside, guest4, guest6, gateway4, gateway6, reply->err.what,
			sizeof(reply->err.what), e))
		return false;
	return confine(e) &&
	       (server_watch(s, &s->container, EPOLLIN) || err_sys(e, "watch the container")) &&
	       (s->control.fd < 0 || server_watch(s, &s->control, EPOLLIN) ||
		       err_sys(e, "watch the control socket"));
}

/* Ports, then GO. False when the starter is gone or something failed. */
static bool begin(struct server *s, struct err *e)
{
	for (;;) {
		struct msg m, reply = {.kind = MSG_DONE};
		struct port_line line;
		int fds[MSG_FDS_MAX];
		size_t n_fds = 0;
		if (msg_receive(s->start_fd, &m, fds, &n_fds, e) != MSG_GOT_RECORD)
			return err_msg(e, ERR_INTERNAL, "the starter is gone");
		if (m.kind == MSG_PORT && n_fds == 1 && port_line_read(m.err.what, &line)) {
			if (!server_add(s, &line, m.value != 0, fds[0], e))
				return false;
			continue;
		}
		if (m.kind != MSG_GO || n_fds < 3)
			return err_msg(e, ERR_INTERNAL, "record %u was not expected", m.kind);
		s->container = (struct watch){container_ended, fds[0]};
		s->control = (struct watch){control_accept, n_fds > 3 ? fds[3] : -1};
		bool ok = take_go(s, &m, fds, &reply, e);
		close(fds[1]);
		close(fds[2]);
		return ok && msg_send(s->start_fd, &reply, NULL, 0, e);
	}
}

static void fail(int socket_fd, struct err *e) __attribute__((noreturn));
static void fail(int socket_fd, struct err *e)
{
	struct msg m = {.kind = MSG_FAIL, .err = *e};
	struct err ignored;
	msg_send(socket_fd, &m, NULL, 0, &ignored);
	_exit(1);
}

/* As others set it: who looks at the list of processes sees whose ports these are. */
static void set_title(char **argv, int argc)
{
	char title[64];
	size_t size = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) - argv[0]);
	snprintf(title, sizeof(title), "guscio-port: %s", argv[2]);
	memset(argv[0], 0, size);
	strncpy(argv[0], title, size);
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	if (argc != 3)
		return 2;
	struct server s = {.start_fd = atoi(argv[1]),
		.start_ms = now_ms(),
		.epoll_fd = -1,
		.container = {.fd = -1},
		.control = {.fd = -1}};
	/* Neither the caller's terminal, nor the caller's pipes, nor a directory is kept busy. */
	setsid();
	dup2(STDOUT_FILENO, STDERR_FILENO);
	signal(SIGPIPE, SIG_IGN);
	set_title(argv, argc);
	if (s.start_fd != START_FD && dup2(s.start_fd, START_FD) == START_FD)
		s.start_fd = START_FD;
	close_range(START_FD + 1, ~0u, 0);
	s.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (chdir("/") < 0 || s.epoll_fd < 0)
		fail(s.start_fd, (err_sys(&e, "begin"), &e));
	if (!streams_init(&s, &e) || !flows_init(&s, &e) || !begin(&s, &e))
		fail(s.start_fd, &e);
	run(&s);
	return 0;
}
