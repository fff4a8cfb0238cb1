/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net.c - one user-mode network: guscio-net KEY=VALUE...
 *
 * Actors: the starter, which started us in the host's namespaces before the container was
 * there; the container's side of the start, which makes the network device; the container.
 *
 * Stages: read the settings and give up what is not needed, while the container's namespaces
 * are made. Then one record comes over descriptor 3 with the device and with a pidfd of the
 * container's first process. DONE goes back when packets flow, or FAIL. From then on this
 * process owns the device's other end until the container ends. It never joins one of the
 * container's namespaces, so all that the container can do to it is to send frames.
 *
 * A named network's helper gets the network's own namespaces in place of the pidfd, and a
 * listening socket: containers come and go, and it ends with the last one (members.h).
 *
 * The pidfd is the only sign of the end: the device keeps its network namespace alive, and
 * the starter may be gone for long. Before the device came, end-of-file is the sign. Descriptor
 * 3 stays open: its end-of-file tells the starter that the network is gone.
 */
#include "base/own.h"
#include "net/confinement.h"
#include "net/relay.h"
#include "net/settings.h"
#include "wire/msg.h"

#include <bsd/unistd.h>
#include <malloc.h>
#include <string.h>

#define START_FD 3

static void say(uint32_t kind, const struct err *why)
{
	struct err ignored;
	struct msg m = {.kind = kind};
	if (why)
		m.err = *why;
	msg_send(START_FD, &m, NULL, 0, &ignored);
}

/* False with no error: the starter ended before there was a container. */
static bool wait_for_device(struct relay *relay, bool is_shared, struct err *e)
{
	struct msg m;
	int fds[MSG_FDS_MAX];
	size_t n = 0;
	enum msg_got got = msg_receive(START_FD, &m, fds, &n, e);
	if (got != MSG_GOT_RECORD)
		return false;
	if (m.kind != MSG_NOTE || n != (is_shared ? 3 : 2))
		return err_msg(e, ERR_INTERNAL, "guscio-net got another record than it waits for");
	return is_shared ? relay_host(relay, fds[0], fds[1], fds[2], e)
			 : relay_connect(relay, fds[0], fds[1], e);
}

static bool serve(struct net_settings *settings, struct err *e)
{
	bool is_shared = settings->control_fd >= 0;
	/* A named network's: what it listens on, and a lock that it holds without a look at it. */
	if (!confinement_leave_session(
		    is_shared ? START_FD + 3 : START_FD + 1, &settings->files, e))
		return false;
	struct relay *relay = relay_new(settings, e);
	if (!relay || !confinement_enter(e) || !relay_resolve(relay, e) ||
		!wait_for_device(relay, is_shared, e))
		return false;
	say(MSG_DONE, NULL);
	relay_run(relay);
	return true;
}

int main(int argc, char **argv, char **environment)
{
	static struct net_settings settings; /* lint: scratch, lives as long as the process */
	struct err e = ERR_INIT;
	/*
	 * What a connection has to keep goes back to the kernel when it is gone: setting the limit
	 * keeps malloc from moving it after the first free.
	 */
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	bool ok = settings_read(argv + 1, &settings, &e);
	setproctitle_init(argc, argv, environment);
	if (settings.title[0])
		setproctitle("-guscio-net: %s", settings.title);
	if (ok && serve(&settings, &e))
		return 0;
	if (e.kind == ERR_NONE)
		return 0;
	err_what(&e, e.kind, "cannot start the container's network");
	say(MSG_FAIL, &e);
	return 1;
}
