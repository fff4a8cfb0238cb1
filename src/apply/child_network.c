/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/child.h"
#include "base/own.h"
#include "sys/path.h"
#include "sys/rtnl.h"
#include "sys/tap.h"
#include "wire/msg.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

bool child_network_begin(struct child *child, const struct step *step, struct err *e)
{
	(void)step;
	(void)e;
	aside_network_begin(&child->aside, child->aside_stack);
	return true;
}

bool child_network_adopt(struct child *child, const struct step *step, struct err *e)
{
	if (!aside_network_adopt(&child->aside, e))
		return false;
	if (child->proc_fd >= 0)
		aside_network_defaults(&child->aside, child->proc_fd, step->text);
	return true;
}

#define TAP "tap0" /* beside the bridge */

/* Frames of the largest size are 64 KiB: a thousand of them would be 64 MiB of waiting. */
static uint32_t queue_length(const struct net_plan *net)
{
	return net->mtu > 9000 ? 256 : 1000;
}

void network_mac(const struct plan *plan, uint8_t ret[6])
{
	const struct net_spec *spec = &plan->spec->net;
	/* docker's way: it moves with the IPv4 address, so what others remember stays true. */
	memcpy(ret, "\x02\x42", 2);
	memcpy(ret + 2, plan->net.guest4.bytes, 4);
	if (spec->has_mac)
		memcpy(ret, spec->mac, 6);
}

/*
 * In a named network another member could answer when gateway and resolver are looked for.
 * libslirp makes their hardware addresses of the last bytes of these.
 */
static void fix_neighbours(struct rtnl *batch, int index, const struct net_plan *net)
{
	const struct address *const own[] = {
		&net->gateway4, &net->dns4, &net->gateway6, &net->dns6};
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		uint8_t mac[6] = {0x52, own[i]->family == AF_INET6 ? 0x56 : 0x55};
		if (!own[i]->family)
			continue;
		memcpy(mac + 2, own[i]->bytes + address_size(own[i]) - 4, 4);
		rtnl_neighbour_add(batch, index, own[i], mac);
	}
}

bool network_set_up(const struct plan *plan, struct err *e)
{
	const struct net_plan *net = &plan->net;
	const struct net_spec *spec = &plan->spec->net;
	struct rtnl batch = {.n = 0};
	int index;
	if (!rtnl_find(NETWORK_DEVICE, &index, e))
		return false;
	/* Routes need a device that is up; addresses do not. */
	rtnl_link_set(&batch, index,
		&(struct rtnl_link){.mtu = net->mtu,
			.txqlen = queue_length(net),
			.mac = spec->has_mac ? spec->mac : NULL,
			.no_link_local = net->mtu >= 1280}); /* below there is no IPv6 at all */
	rtnl_link_set(&batch, index, &(struct rtnl_link){.is_up = true});
	rtnl_address_add(&batch, index, &net->guest4, net->prefix4);
	if (!net->is_internal)
		rtnl_route_default(&batch, index, &net->gateway4);
	if (net->guest6.family) {
		rtnl_address_add(&batch, index, &net->guest6, net->prefix6);
		if (!net->is_internal)
			rtnl_route_default(&batch, index, &net->gateway6);
	}
	if (net->lease)
		fix_neighbours(&batch, index, net);
	return rtnl_send(&batch, e);
}

/* A helper that has ended has said why: that is read in the step that waits for it. */
static bool send_to_helper(struct child *child, const int *fds, size_t n_fds, struct err *e)
{
	struct msg m = {.kind = MSG_NOTE};
	struct err gone = ERR_INIT;
	return msg_send(child->net_fd, &m, fds, n_fds, &gone) || gone.sys == EPIPE ||
	       (*e = gone, false);
}

static bool hand_over(struct child *child, int tap_fd, struct err *e)
{
	CLEAN(clean_fd) int self_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (self_fd < 0)
		return err_sys(e, "open a descriptor of this process");
	/* The helper ends with us: the device alone would not tell it, it keeps that alive. */
	const int fds[] = {tap_fd, self_fd};
	return send_to_helper(child, fds, 2, e);
}

bool child_network_device(struct child *child, const struct step *step, struct err *e)
{
	CLEAN(clean_fd) int tap_fd = -1;
	(void)step;
	if (tap_make(NETWORK_DEVICE, &tap_fd, e) && network_set_up(child->plan, e) &&
		hand_over(child, tap_fd, e))
		return true;
	err_what(e, ERR_HOST, "cannot make the container's network device");
	return e->hint[0] ? false : err_hint(e, "to run without one: --network none");
}

bool child_network_defaults(struct child *child, const struct step *step, struct err *e)
{
	struct err ignored;
	(void)e;
	/* Kernels without them, and a /proc that is the host's and read-only, do without. */
	if (child->proc_fd < 0 || aside_network_has_defaults(&child->aside))
		return true;
	path_write_beneath(child->proc_fd, PING_GROUPS_FILE, step->text, &ignored);
	path_write_beneath(child->proc_fd, LOW_PORTS_FILE, "0", &ignored);
	return true;
}

bool child_network_ready(struct child *child, const struct step *step, struct err *e)
{
	struct msg m;
	(void)step;
	switch (msg_receive(child->net_fd, &m, NULL, NULL, e)) {
	case MSG_GOT_RECORD:
		if (m.kind == MSG_DONE)
			return true;
		*e = m.err;
		break;
	case MSG_GOT_EOF:
		err_msg(e, ERR_INTERNAL, "the helper guscio-net ended without a word");
		break;
	case MSG_GOT_ERROR:
		break;
	}
	return e->what[0] ? false : err_what(e, ERR_HOST, "cannot start the container's network");
}

static bool make_bridge(const struct plan *plan, int *ret_tap_fd, struct err *e)
{
	struct rtnl make = {.n = 0}, connect = {.n = 0};
	int bridge, tap;
	rtnl_bridge_add(&make, NETWORK_BRIDGE);
	if (!tap_make(TAP, ret_tap_fd, e) || !rtnl_send(&make, e) ||
		!rtnl_find(NETWORK_BRIDGE, &bridge, e) || !rtnl_find(TAP, &tap, e))
		return false;
	const struct rtnl_link port = {.mtu = plan->net.mtu,
		.txqlen = queue_length(&plan->net),
		.master = bridge,
		.is_up = true,
		.no_link_local = true};
	rtnl_link_set(&connect, tap, &port);
	rtnl_link_set(&connect, bridge, &(struct rtnl_link){.is_up = true, .no_link_local = true});
	return rtnl_send(&connect, e);
}

static bool hand_namespaces_over(struct child *child, int tap_fd, struct err *e)
{
	CLEAN(clean_fd) int userns_fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	CLEAN(clean_fd) int netns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (userns_fd < 0 || netns_fd < 0)
		return err_sys(e, "open our namespaces");
	const int fds[] = {tap_fd, userns_fd, netns_fd};
	return send_to_helper(child, fds, 3, e);
}

bool child_network_bridge(struct child *child, const struct step *step, struct err *e)
{
	CLEAN(clean_fd) int tap_fd = -1;
	if (!make_bridge(child->plan, &tap_fd, e) || !hand_namespaces_over(child, tap_fd, e))
		return err_what(e, ERR_HOST, "cannot make the network's bridge");
	return child_network_ready(child, step, e);
}
