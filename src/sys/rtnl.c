/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/rtnl.h"
#include "base/own.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static const uint8_t no;

/* Zeroed room for one request; all of them together fit, since their number is fixed. */
static void *begin(struct rtnl *r, uint16_t type, uint16_t flags, size_t body, const char *what)
{
	struct nlmsghdr *header = (struct nlmsghdr *)(void *)(r->buf + r->n);
	if (r->count == RTNL_BATCH_MAX || r->n + 512 > sizeof(r->buf))
		__builtin_trap();
	memset(header, 0, NLMSG_SPACE(body));
	header->nlmsg_len = NLMSG_LENGTH((uint32_t)body);
	header->nlmsg_type = type;
	header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	header->nlmsg_seq = r->count;
	r->what[r->count++] = what;
	return NLMSG_DATA(header);
}

static struct rtattr *add(struct rtnl *r, uint16_t type, const void *data, size_t size)
{
	struct nlmsghdr *header = (struct nlmsghdr *)(void *)(r->buf + r->n);
	struct rtattr *attr =
		(struct rtattr *)(void *)((char *)header + NLMSG_ALIGN(header->nlmsg_len));
	attr->rta_type = type;
	attr->rta_len = (uint16_t)RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(attr), data, size);
	header->nlmsg_len = NLMSG_ALIGN(header->nlmsg_len) + (uint32_t)RTA_ALIGN(attr->rta_len);
	return attr;
}

static void add_text(struct rtnl *r, uint16_t type, const char *text)
{
	add(r, type, text, strlen(text) + 1);
}

/* What was added since @attr becomes its content. */
static void nest_end(struct rtnl *r, struct rtattr *attr)
{
	struct nlmsghdr *header = (struct nlmsghdr *)(void *)(r->buf + r->n);
	attr->rta_len = (uint16_t)((char *)header + header->nlmsg_len - (char *)attr);
}

static void end(struct rtnl *r)
{
	struct nlmsghdr *header = (struct nlmsghdr *)(void *)(r->buf + r->n);
	r->n += NLMSG_ALIGN(header->nlmsg_len);
}

void rtnl_link_set(struct rtnl *r, int index, const struct rtnl_link *link)
{
	struct ifinfomsg *info = begin(r, RTM_NEWLINK, 0, sizeof(*info), "set up a network device");
	info->ifi_index = index;
	info->ifi_change = link->is_up ? IFF_UP : 0;
	info->ifi_flags = link->is_up ? IFF_UP : 0;
	if (link->mtu)
		add(r, IFLA_MTU, &link->mtu, sizeof(link->mtu));
	if (link->txqlen)
		add(r, IFLA_TXQLEN, &link->txqlen, sizeof(link->txqlen));
	if (link->mac)
		add(r, IFLA_ADDRESS, link->mac, 6);
	if (link->master)
		add(r, IFLA_MASTER, &link->master, sizeof(link->master));
	if (link->no_link_local) {
		uint8_t mode = IN6_ADDR_GEN_MODE_NONE;
		struct rtattr *spec = add(r, IFLA_AF_SPEC, NULL, 0);
		struct rtattr *inet6 = add(r, AF_INET6, NULL, 0);
		add(r, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof(mode));
		nest_end(r, inet6);
		nest_end(r, spec);
	}
	end(r);
}

void rtnl_address_add(struct rtnl *r, int index, const struct address *a, unsigned prefix)
{
	struct ifaddrmsg *info = begin(r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(*info),
		"give a network device its address");
	info->ifa_family = (uint8_t)a->family;
	info->ifa_prefixlen = (uint8_t)prefix;
	info->ifa_index = (uint32_t)index;
	if (a->family == AF_INET6)
		info->ifa_flags = IFA_F_NODAD;
	add(r, IFA_LOCAL, a->bytes, address_size(a));
	add(r, IFA_ADDRESS, a->bytes, address_size(a));
	end(r);
}

void rtnl_route_default(struct rtnl *r, int index, const struct address *gateway)
{
	struct rtmsg *info = begin(
		r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*info), "set the default route");
	info->rtm_family = (uint8_t)gateway->family;
	info->rtm_table = RT_TABLE_MAIN;
	info->rtm_protocol = RTPROT_BOOT;
	info->rtm_scope = RT_SCOPE_UNIVERSE;
	info->rtm_type = RTN_UNICAST;
	add(r, RTA_GATEWAY, gateway->bytes, address_size(gateway));
	add(r, RTA_OIF, &index, sizeof(index));
	end(r);
}

void rtnl_neighbour_add(struct rtnl *r, int index, const struct address *a, const uint8_t mac[6])
{
	struct ndmsg *to = begin(
		r, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*to), "fix a neighbour");
	to->ndm_family = (uint8_t)a->family;
	to->ndm_ifindex = index;
	to->ndm_state = NUD_PERMANENT;
	add(r, NDA_DST, a->bytes, address_size(a));
	add(r, NDA_LLADDR, mac, 6);
	end(r);
}

void rtnl_bridge_add(struct rtnl *r, const char *name)
{
	begin(r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg), "make a bridge");
	add_text(r, IFLA_IFNAME, name);
	struct rtattr *info = add(r, IFLA_LINKINFO, NULL, 0);
	add(r, IFLA_INFO_KIND, "bridge", 6);
	struct rtattr *data = add(r, IFLA_INFO_DATA, NULL, 0);
	add(r, IFLA_BR_MCAST_SNOOPING, &no, sizeof(no));
	nest_end(r, data);
	nest_end(r, info);
	end(r);
}

static void port_learn_nothing(struct rtnl *r, int index)
{
	struct ifinfomsg *set = begin(r, RTM_NEWLINK, 0, sizeof(*set), "set up a bridge's port");
	set->ifi_index = index;
	struct rtattr *info = add(r, IFLA_LINKINFO, NULL, 0);
	add(r, IFLA_INFO_SLAVE_KIND, "bridge", 6);
	struct rtattr *data = add(r, IFLA_INFO_SLAVE_DATA, NULL, 0);
	add(r, IFLA_BRPORT_LEARNING, &no, sizeof(no));
	nest_end(r, data);
	nest_end(r, info);
	end(r);
}

void rtnl_port_fix(struct rtnl *r, int index, const uint8_t mac[6])
{
	port_learn_nothing(r, index);
	struct ndmsg *to = begin(r, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*to),
		"tell a bridge who is behind a port");
	to->ndm_family = AF_BRIDGE;
	to->ndm_ifindex = index;
	to->ndm_state = NUD_NOARP;
	to->ndm_flags = NTF_MASTER;
	add(r, NDA_LLADDR, mac, 6);
	end(r);
}

void rtnl_veth_add(struct rtnl *r, const char *name, const char *peer_name,
	const uint8_t peer_mac[6], int peer_ns_fd)
{
	static const struct ifinfomsg none;
	begin(r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg),
		"make a pair of network devices");
	add_text(r, IFLA_IFNAME, name);
	struct rtattr *info = add(r, IFLA_LINKINFO, NULL, 0);
	add(r, IFLA_INFO_KIND, "veth", 4);
	struct rtattr *data = add(r, IFLA_INFO_DATA, NULL, 0);
	struct rtattr *peer = add(r, VETH_INFO_PEER, &none, sizeof(none));
	add_text(r, IFLA_IFNAME, peer_name);
	add(r, IFLA_ADDRESS, peer_mac, 6);
	add(r, IFLA_NET_NS_FD, &peer_ns_fd, sizeof(peer_ns_fd));
	nest_end(r, peer);
	nest_end(r, data);
	nest_end(r, info);
	end(r);
}

void rtnl_link_delete(struct rtnl *r, int index)
{
	struct ifinfomsg *info = begin(r, RTM_DELLINK, 0, sizeof(*info), "remove a network device");
	info->ifi_index = index;
	end(r);
}

/* One receive may bring several answers; each request gets exactly one. */
static bool take_answers(
	struct rtnl *r, const char *buf, size_t n, uint32_t *answered, struct err *e)
{
	bool ok = true;
	const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)buf;
	for (; NLMSG_OK(header, n); header = NLMSG_NEXT(header, n)) {
		if (header->nlmsg_type != NLMSG_ERROR)
			continue;
		const struct nlmsgerr *answer = NLMSG_DATA(header);
		++*answered;
		if (!answer->error || !ok)
			continue;
		errno = -answer->error;
		ok = err_sys(e, "%s",
			header->nlmsg_seq < r->count ? r->what[header->nlmsg_seq] : "netlink");
	}
	return ok;
}

bool rtnl_send(struct rtnl *r, struct err *e)
{
	_Alignas(8) char answers[RTNL_BATCH_SIZE];
	CLEAN(clean_fd) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	static const int one = 1;
	uint32_t answered = 0;
	if (fd < 0)
		return err_sys(e, "open a netlink socket");
	/* Short answers: they need not carry our requests back. */
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	if (send(fd, r->buf, r->n, 0) != (ssize_t)r->n)
		return err_sys(e, "send to netlink");
	while (answered < r->count) {
		ssize_t n = recv(fd, answers, sizeof(answers), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(e, "receive from netlink");
		if (!take_answers(r, answers, (size_t)n, &answered, e))
			return false;
	}
	return true;
}

bool rtnl_find(const char *name, int *ret_index, struct err *e)
{
	struct ifreq request = {0};
	CLEAN(clean_fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	if (fd < 0 || ioctl(fd, SIOCGIFINDEX, &request) < 0)
		return err_sys(e, "find network device '%s'", name);
	*ret_index = request.ifr_ifindex;
	return true;
}
