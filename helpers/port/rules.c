/* SPDX-License-Identifier: Apache-2.0 */
#include "port/rules.h"
#include "base/own.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#define TABLE	   0x6775 /* nobody else's, it is hoped: tables have numbers only */
#define PRIORITY   100	  /* after the table of local addresses, before all others */
#define FLOW_AFTER 101

struct request {
	struct nlmsghdr header;
	union {
		struct fib_rule_hdr rule;
		struct rtmsg route;
	};
	char room[256];
};

bool rules_open(int *ret_fd, struct err *e)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return err_sys(e, "open a netlink socket");
	*ret_fd = fd;
	return true;
}

static void begin(struct request *r, uint16_t type, uint16_t flags, size_t size)
{
	*r = (struct request){0};
	r->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	r->header.nlmsg_type = type;
	r->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
}

static void add(struct request *r, uint16_t type, const void *data, size_t size)
{
	struct rtattr *a = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->header.nlmsg_len));
	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(size);
	memcpy(RTA_DATA(a), data, size);
	r->header.nlmsg_len =
		(uint32_t)(NLMSG_ALIGN(r->header.nlmsg_len) + RTA_ALIGN(RTA_LENGTH(size)));
}

static void add_u32(struct request *r, uint16_t type, uint32_t value)
{
	add(r, type, &value, sizeof(value));
}

/* The kernel answers before it returns from the request. */
static bool ask(int fd, const struct request *r, struct err *e)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char room[512];
	} answer;
	if (send(fd, r, r->header.nlmsg_len, 0) < 0)
		return err_sys(e, "ask the kernel for a route");
	ssize_t n = recv(fd, &answer, sizeof(answer), 0);
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(answer.error)) ||
		answer.header.nlmsg_type != NLMSG_ERROR)
		return err_msg(e, ERR_INTERNAL, "an answer of netlink that is none");
	errno = -answer.error.error;
	return errno == 0 || errno == EEXIST || err_sys(e, "change the container's routes");
}

static void begin_rule(struct request *r, bool is_new, int family, uint32_t priority)
{
	begin(r, is_new ? RTM_NEWRULE : RTM_DELRULE, is_new ? NLM_F_CREATE | NLM_F_EXCL : 0,
		sizeof(r->rule));
	r->rule.family = (uint8_t)family;
	r->rule.action = FR_ACT_TO_TBL;
	r->rule.table = RT_TABLE_UNSPEC;
	add_u32(r, FRA_TABLE, TABLE);
	add_u32(r, FRA_PRIORITY, priority);
}

bool rules_route(int rules_fd, int family, const union peer *source, struct err *e)
{
	struct request r;
	begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof(r.route));
	r.route.rtm_family = (uint8_t)family;
	r.route.rtm_type = RTN_LOCAL;
	r.route.rtm_scope = family == AF_INET ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
	r.route.rtm_protocol = RTPROT_STATIC;
	add_u32(&r, RTA_TABLE, TABLE);
	add_u32(&r, RTA_OIF, if_nametoindex("lo"));
	if (source && family == AF_INET)
		add(&r, RTA_PREFSRC, &source->v4.sin_addr, sizeof(source->v4.sin_addr));
	return ask(rules_fd, &r, e);
}

bool rules_mark(int rules_fd, int family, struct err *e)
{
	struct request r;
	begin_rule(&r, true, family, PRIORITY);
	add_u32(&r, FRA_FWMARK, RULES_MARK);
	return ask(rules_fd, &r, e);
}

bool rules_flow(int rules_fd, bool is_new, int protocol, const union peer *peer,
	uint16_t inside_port, struct err *e)
{
	struct request r;
	bool is_v6 = peer->sa.sa_family == AF_INET6;
	uint16_t port = ntohs(is_v6 ? peer->v6.sin6_port : peer->v4.sin_port);
	uint8_t number = (uint8_t)protocol;
	const struct fib_rule_port_range from = {inside_port, inside_port}, to = {port, port};
	begin_rule(&r, is_new, peer->sa.sa_family, FLOW_AFTER);
	add(&r, FRA_IP_PROTO, &number, sizeof(number));
	add(&r, FRA_SPORT_RANGE, &from, sizeof(from));
	add(&r, FRA_DPORT_RANGE, &to, sizeof(to));
	r.rule.dst_len = is_v6 ? 128 : 32;
	if (is_v6)
		add(&r, FRA_DST, &peer->v6.sin6_addr, 16);
	else
		add(&r, FRA_DST, &peer->v4.sin_addr, 4);
	return ask(rules_fd, &r, e);
}
