/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/listen_fds.h"
#include "base/text.h"

#include <string.h>
#include <unistd.h>

#define FIRST_FD 3
#define FDS_MAX	 1024

static const char *variable(char *const *environment, const char *name)
{
	size_t n = strlen(name);
	for (; *environment; environment++)
		if (!strncmp(*environment, name, n) && (*environment)[n] == '=')
			return *environment + n + 1;
	return NULL;
}

static bool is_taken(const struct spec *spec, int fd)
{
	for (size_t i = 0; i < spec->n_ports; i++)
		if (spec->ports[i].fd == fd)
			return true;
	return false;
}

bool listen_fds_settle(
	struct spec *spec, char *const *environment, bool stays, struct notes *notes, struct err *e)
{
	const char *pid_text = variable(environment, "LISTEN_PID");
	const char *n_text = variable(environment, "LISTEN_FDS");
	const char *names = variable(environment, "LISTEN_FDNAMES");
	const char *kept = NULL;
	uint64_t pid, n;
	if (!pid_text || !n_text || !text_to_u64(pid_text, INT32_MAX, &pid) ||
		pid != (uint64_t)getpid())
		return true;
	if (!text_to_u64(n_text, FDS_MAX, &n))
		return err_what(
			e, ERR_USAGE, "LISTEN_FDS '%s' is no number up to %d", n_text, FDS_MAX);
	if (stays) {
		notes_add(notes, "the sockets of LISTEN_FDS reach programs in the foreground only");
		return true;
	}
	spec->listen_given = (uint32_t)n;
	for (int i = 0; i < (int)n; i++) {
		size_t len = names ? strcspn(names, ":") : 0;
		if (!is_taken(spec, FIRST_FD + i)) {
			spec->listen_fds++;
			if (names)
				kept = arena_printf(spec->arena, "%s%s%.*s", kept ? kept : "",
					kept ? ":" : "", (int)len, names);
		}
		if (names)
			names = names[len] ? names + len + 1 : NULL;
	}
	spec->listen_names = kept;
	if (spec->process.preserve_fds < spec->listen_fds)
		spec->process.preserve_fds = spec->listen_fds;
	return true;
}
