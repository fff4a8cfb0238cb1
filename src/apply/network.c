/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/start.h"
#include "base/own.h"
#include "sys/spawn.h"
#include "wire/msg.h"

bool parent_network_helper(struct starter *s, const struct step *step, struct err *e)
{
	char *const *argv = s->plan->net.helper_argv;
	int wire[2];
	(void)step;
	if (!msg_pair(wire, e))
		return false;
	s->proc.net_fd = wire[0];
	const int fds[] = {wire[1], s->plan->net.control_fd, s->plan->net.claim_fd};
	bool ok = spawn_helper(argv, fds, s->plan->net.control_fd ? 3 : 1, &s->proc.net_pid, e);
	close(wire[1]);
	if (ok)
		return true;
	err_what(e, ERR_HOST, "cannot start the helper guscio-net");
	return err_hint(e, "install guscio whole, or run with --network none");
}

bool parent_network_bind(struct starter *s, const struct step *step, struct err *e)
{
	(void)step;
	return net_bind(s->plan->net.lease, s->proc.pid_fd, e) ||
	       err_what(e, ERR_STATE, "cannot keep the place in network '%s'",
		       s->plan->spec->net.name);
}
