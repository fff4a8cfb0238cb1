/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_control.c - records from a visitor to the monitor, a byte for the length before each */
#include "fuzz.h"

#include "base/own.h"
#include "monitor/monitor.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

static struct monitor *monitor(void)
{
	static struct monitor m;
	if (m.id)
		return &m;
	m = (struct monitor){.id = "", .pty_fd = -1, .listen_fd = -1};
	return &m;
}

/* The first byte chooses a terminal or a pipe, or neither, for the program's input. */
static void begin(struct monitor *m, uint8_t choice, int visitor_fd)
{
	int fd = open(choice & 1 ? "/dev/ptmx" : "/dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC);
	m->pty_fd = choice & 1 ? fd : -1;
	m->input_fd = choice & 1 ? -1 : fd;
	if (choice & 2)
		clean_fd(&m->input_fd);
	m->input_n = 0;
	visitors_add(m, visitor_fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct monitor *m = monitor();
	int pair[2];
	if (size < 1 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return 0;
	begin(m, *data++, pair[0]);
	for (size--; size > 0 && m->n_visitors;) {
		size_t n = data[0] < size - 1 ? data[0] : size - 1;
		/* Also one that is as long as a record can be, and one that is longer. */
		char large[sizeof(struct control_record) + 1] = {0};
		size_t sent = data[0] < 254 ? n : sizeof(large) - (data[0] == 254);
		memcpy(large, data + 1, n);
		send(pair[1], large, sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		data += 1 + n;
		size -= 1 + n;
		visitor_listen(m, 0);
		if (m->n_visitors > 1 || m->input_n > sizeof(m->input) ||
			(m->input_n && m->pty_fd < 0 && m->input_fd < 0))
			__builtin_trap();
		visitors_give(m, CONTROL_OUTPUT, "x", 1);
		/* As the monitor: it reads no more before the program has taken this. */
		m->input_n = 0;
	}
	visitors_tell_end(m, 0);
	clean_fd(&m->pty_fd);
	clean_fd(&m->input_fd);
	close(pair[1]);
	return 0;
}
