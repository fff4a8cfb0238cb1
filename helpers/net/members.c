/* SPDX-License-Identifier: Apache-2.0 */
#include "net/members.h"
#include "base/own.h"
#include "net/stack.h"
#include "wire/net_ask.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/ether.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define ASKERS_MAX 32 /* that only want to know who is here, beside the places */

static const char no_room[] = "the network has no room for another container";

/* A connection, and with it perhaps a place; or a place that outlives its connection. */
struct member {
	struct member *next;
	struct members *all;
	int fd;		 /* -1 once it is closed */
	int pid_fd;	 /* -1 before the bind */
	uint64_t owner;	 /* of the names; 0: has no place */
	bool is_listing; /* it asked who is here, and its socket has no room for the rest */
	uint64_t listed; /* the last owner it was told of */
	char id[16];
	char names[256]; /* with a blank between */
	struct in_addr ip4;
	struct in6_addr ip6;
	uint8_t mac[6];
};

struct members {
	struct loop *loop;
	const struct net_settings *settings;
	struct names *list_of_names;
	int userns_fd, netns_fd;
	struct member *first;
	size_t n;
	uint64_t last_owner;
	uint32_t last_given; /* offset in the network: the next one is looked for behind it */
	bool had_one;
	int64_t deadline_ms;
};

static void forget(struct member *member)
{
	struct members *all = member->all;
	struct member **at = &all->first;
	while (*at != member)
		at = &(*at)->next;
	*at = member->next;
	if (member->owner)
		names_remove(all->list_of_names, member->owner, NULL);
	if (member->fd >= 0)
		loop_remove(all->loop, member->fd);
	if (member->pid_fd >= 0)
		loop_remove(all->loop, member->pid_fd);
	clean_fd(&member->fd);
	clean_fd(&member->pid_fd);
	free(member);
	all->n--;
}

static bool is_given(const struct members *m, struct in_addr ip4)
{
	for (const struct member *i = m->first; i; i = i->next)
		if (i->owner && i->ip4.s_addr == ip4.s_addr)
			return true;
	return false;
}

static bool is_given6(const struct members *m, const struct in6_addr *ip6)
{
	for (const struct member *i = m->first; i; i = i->next)
		if (i->owner && IN6_ARE_ADDR_EQUAL(&i->ip6, ip6))
			return true;
	return false;
}

static struct in_addr nth4(const struct net_settings *s, uint32_t nth)
{
	return (struct in_addr){htonl(ntohl(s->guest4.s_addr & s->mask4.s_addr) + nth)};
}

/* In its network, and neither that itself, nor its broadcast, gateway or resolver. */
static bool is_member4(const struct net_settings *s, struct in_addr ip4)
{
	uint32_t room = ~ntohl(s->mask4.s_addr);
	uint32_t nth = ntohl(ip4.s_addr & ~s->mask4.s_addr);
	return nth4(s, nth).s_addr == ip4.s_addr && nth > 0 && nth < room &&
	       ip4.s_addr != s->gateway4.s_addr && ip4.s_addr != s->dns4.s_addr;
}

/* Its last bytes are those of the IPv4 address, unless it is said. */
static struct in6_addr ip6_of(const struct net_settings *s, struct in_addr ip4)
{
	struct in6_addr ip6 = s->guest6;
	memset(ip6.s6_addr + 8, 0, 4);
	memcpy(ip6.s6_addr + 12, &ip4, 4);
	return ip6;
}

static bool is_member6(const struct net_settings *s, const struct in6_addr *ip6)
{
	return memcmp(ip6, &s->guest6, 8) == 0 && !IN6_ARE_ADDR_EQUAL(ip6, &s->gateway6) &&
	       !IN6_ARE_ADDR_EQUAL(ip6, &s->dns6);
}

bool members_find(const struct members *m, const struct neighbour *who, uint8_t ret_mac[6])
{
	for (const struct member *i = m->first; i; i = i->next)
		if (i->owner && (who->is_v6 ? m->settings->has_v6 &&
							IN6_ARE_ADDR_EQUAL(&i->ip6, &who->address)
					    : !memcmp(&i->ip4, &who->address, sizeof(i->ip4)))) {
			memcpy(ret_mac, i->mac, 6);
			return true;
		}
	return false;
}

static bool is_free(const struct members *m, struct in_addr ip4)
{
	struct in6_addr ip6 = ip6_of(m->settings, ip4);
	return is_member4(m->settings, ip4) && !is_given(m, ip4) &&
	       (!m->settings->has_v6 || (is_member6(m->settings, &ip6) && !is_given6(m, &ip6)));
}

/* Round and round: an address that has just become free is still known by somebody. */
static bool choose4(struct members *m, struct in_addr *ret)
{
	uint32_t room = ~ntohl(m->settings->mask4.s_addr);
	for (uint32_t i = 0; i < room && i < 4 * MEMBERS_MAX; i++) {
		m->last_given = m->last_given + 1 < room ? m->last_given + 1 : 1;
		*ret = nth4(m->settings, m->last_given);
		if (is_free(m, *ret))
			return true;
	}
	return false;
}

static bool take_ip4(struct members *m, struct member *member, const char *text, struct err *e)
{
	if (!strcmp(text, "-"))
		return choose4(m, &member->ip4) ||
		       err_what(e, ERR_STATE, "the network has no address left");
	if (inet_pton(AF_INET, text, &member->ip4) != 1 || !is_member4(m->settings, member->ip4))
		return err_what(e, ERR_USAGE, "'%s' is none of the network's addresses", text);
	return !is_given(m, member->ip4) || err_what(e, ERR_STATE, "address '%s' is taken", text);
}

static bool take_ip6(struct members *m, struct member *member, const char *text, struct err *e)
{
	const struct net_settings *s = m->settings;
	char own[INET6_ADDRSTRLEN];
	if (!s->has_v6)
		return !strcmp(text, "-") || err_what(e, ERR_USAGE, "the network has no IPv6");
	if (!strcmp(text, "-")) {
		member->ip6 = ip6_of(s, member->ip4);
		text = inet_ntop(AF_INET6, &member->ip6, own, sizeof(own));
	} else if (inet_pton(AF_INET6, text, &member->ip6) != 1 || !is_member6(s, &member->ip6)) {
		return err_what(e, ERR_USAGE, "'%s' is none of the network's addresses", text);
	}
	return !is_given6(m, &member->ip6) || err_what(e, ERR_STATE, "address '%s' is taken", text);
}

/* As guscio itself makes it, unless it is said. */
static bool take_mac(struct member *member, const char *text, struct err *e)
{
	struct ether_addr mac;
	memcpy(member->mac, "\x02\x42", 2);
	memcpy(member->mac + 2, &member->ip4, 4);
	if (!strcmp(text, "-"))
		return true;
	if (!ether_aton_r(text, &mac))
		return err_what(e, ERR_USAGE, "'%s' is no hardware address", text);
	memcpy(member->mac, &mac, 6);
	return true;
}

static void print_addresses(
	const struct members *m, const struct member *member, char *buf, size_t size)
{
	char ip4[INET_ADDRSTRLEN], ip6[INET6_ADDRSTRLEN] = "-";
	inet_ntop(AF_INET, &member->ip4, ip4, sizeof(ip4));
	if (m->settings->has_v6)
		inet_ntop(AF_INET6, &member->ip6, ip6, sizeof(ip6));
	snprintf(buf, size, "%s %s", ip4, ip6);
}

static bool answer(struct member *member, const struct msg *m, const int *fds, size_t n)
{
	struct err ignored;
	return msg_send(member->fd, m, fds, n, &ignored);
}

static bool refuse(struct member *member, const struct err *why)
{
	return answer(member, &(struct msg){.kind = MSG_FAIL, .err = *why}, NULL, 0);
}

static bool join(struct members *m, struct member *member, const struct msg *question)
{
	char ip4[64], ip6[64], mac[32];
	struct msg yes = {.kind = MSG_DONE};
	struct member wish = {.all = m};
	struct err e = ERR_INIT;
	const int fds[] = {m->userns_fd, m->netns_fd};
	int taken = 0;
	bool ok = !member->owner &&
		  sscanf(question->err.what, "%63s %63s %31s", ip4, ip6, mac) == 3 &&
		  sscanf(question->err.cause, "%15s %n", wish.id, &taken) == 1;
	if (!ok)
		err_what(&e, ERR_INTERNAL, "a question that is not understood");
	else if (m->n > members_max(m->settings))
		ok = err_what(&e, ERR_STATE, no_room);
	if (!ok || !take_ip4(m, &wish, ip4, &e) || !take_ip6(m, &wish, ip6, &e) ||
		!take_mac(&wish, mac, &e))
		return refuse(member, &e);
	member->ip4 = wish.ip4;
	member->ip6 = wish.ip6;
	memcpy(member->mac, wish.mac, sizeof(member->mac));
	strcpy(member->id, wish.id);
	snprintf(member->names, sizeof(member->names), "%s", question->err.cause + taken);
	member->owner = ++m->last_owner;
	m->had_one = true;
	print_addresses(m, member, yes.err.what, sizeof(yes.err.what));
	return answer(member, &yes, fds, 2);
}

static bool add_name(struct members *m, const struct member *member, const char *name)
{
	union endpoint at = {.v4 = {.sin_family = AF_INET, .sin_addr = member->ip4}};
	struct err ignored;
	/* A container may be called what is no host name: then it has none here. */
	if (!names_add(m->list_of_names, name, &at, member->owner, &ignored))
		return false;
	if (m->settings->has_v6) {
		at = (union endpoint){.v6 = {.sin6_family = AF_INET6, .sin6_addr = member->ip6}};
		names_add(m->list_of_names, name, &at, member->owner, &ignored);
	}
	return true;
}

static void add_names(struct members *m, const struct member *member)
{
	char copy[sizeof(member->names)], *rest = copy, *name;
	strcpy(copy, member->names);
	while ((name = strsep(&rest, " ")))
		if (*name)
			add_name(m, member, name);
	if (!strstr(member->names, member->id))
		add_name(m, member, member->id);
}

static void container_ended(void *opaque, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	forget(opaque);
}

static bool bind_to(struct members *m, struct member *member, int take_pid_fd)
{
	struct err e = ERR_INIT;
	if (!member->owner || member->pid_fd >= 0 || take_pid_fd < 0 ||
		!loop_add(m->loop, take_pid_fd, EPOLLIN, container_ended, member)) {
		clean_fd(&take_pid_fd);
		err_what(&e, ERR_INTERNAL, "a place that cannot be bound");
		return refuse(member, &e);
	}
	member->pid_fd = take_pid_fd;
	add_names(m, member);
	return answer(member, &(struct msg){.kind = MSG_DONE}, NULL, 0);
}

/* The next place behind @owner, in the order in which they were given. */
static const struct member *next_place(const struct members *m, uint64_t owner)
{
	const struct member *next = NULL;
	for (const struct member *i = m->first; i; i = i->next)
		if (i->owner > owner && (!next || i->owner < next->owner))
			next = i;
	return next;
}

static void describe(const struct members *m, const struct member *place, struct msg *ret)
{
	char addresses[128];
	/* Without names in it until it is bound: then it is only counted. */
	*ret = (struct msg){.kind = MSG_NOTE, .value = place->pid_fd >= 0};
	print_addresses(m, place, addresses, sizeof(addresses));
	snprintf(ret->err.what, sizeof(ret->err.what), "%s %.*s %s", place->id,
		(int)strcspn(place->names, " "), place->names, addresses);
}

/* As far as the socket has room; the rest when it has again. */
static bool list(struct members *m, struct member *asking)
{
	const struct member *place;
	struct err e = ERR_INIT;
	do {
		struct msg note = {.kind = MSG_DONE};
		place = next_place(m, asking->listed);
		if (place)
			describe(m, place, &note);
		asking->is_listing = !msg_send(asking->fd, &note, NULL, 0, &e);
		if (asking->is_listing) {
			loop_want(m->loop, asking->fd, EPOLLOUT);
			return e.sys == EAGAIN;
		}
		asking->listed = place ? place->owner : 0;
	} while (place);
	loop_want(m->loop, asking->fd, EPOLLIN);
	return true;
}

/* False when the connection is over. */
static bool take_question(struct members *m, struct member *member)
{
	struct msg question;
	struct err ignored = ERR_INIT;
	int fds[MSG_FDS_MAX];
	size_t n_fds = 0;
	if (msg_receive(member->fd, &question, fds, &n_fds, &ignored) != MSG_GOT_RECORD)
		return false;
	int pid_fd = n_fds > 0 ? fds[0] : -1;
	while (n_fds > 1)
		close(fds[--n_fds]);
	if (question.kind == MSG_ASK && question.value == NET_ASK_BIND)
		return bind_to(m, member, pid_fd);
	clean_fd(&pid_fd);
	if (question.kind == MSG_ASK && question.value == NET_ASK_JOIN)
		return join(m, member, &question);
	if (question.kind == MSG_ASK && question.value == NET_ASK_LIST)
		return list(m, member);
	return false;
}

static void question_ready(void *opaque, int fd, uint32_t events)
{
	struct member *member = opaque;
	(void)fd;
	(void)events;
	if (member->is_listing ? list(member->all, member) : take_question(member->all, member))
		return;
	if (member->pid_fd < 0) {
		forget(member);
		return;
	}
	/* The container lives on without its starter. */
	loop_remove(member->all->loop, member->fd);
	clean_fd(&member->fd);
}

/* The socket lies in the user's own directory; an id that is another's has no business here. */
static bool is_ours(const struct members *m, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       peer.uid == m->settings->uid;
}

size_t members_max(const struct net_settings *settings)
{
	return settings->files < 4 * MEMBERS_MAX ? settings->files / 4 : MEMBERS_MAX;
}

static void say_full(int fd)
{
	struct msg m = {.kind = MSG_FAIL, .err = ERR_INIT};
	struct err ignored;
	err_what(&m.err, ERR_STATE, no_room);
	msg_send(fd, &m, NULL, 0, &ignored);
}

static void connection_ready(void *opaque, int listen_fd, uint32_t events)
{
	struct members *m = opaque;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	(void)events;
	bool is_full = m->n >= members_max(m->settings) + ASKERS_MAX;
	struct member *member =
		fd >= 0 && !is_full && is_ours(m, fd) ? calloc(1, sizeof(*member)) : NULL;
	if (fd >= 0 && is_full)
		say_full(fd);
	if (!member || !loop_add(m->loop, fd, EPOLLIN, question_ready, member)) {
		free(member);
		clean_fd(&fd);
		return;
	}
	member->all = m;
	member->fd = fd;
	member->pid_fd = -1;
	member->next = m->first;
	m->first = member;
	m->n++;
}

struct members *members_new(struct loop *loop, const struct net_settings *settings,
	struct names *names, int take_userns_fd, int take_netns_fd, struct err *e)
{
	struct members *m = calloc(1, sizeof(*m));
	if (!m || fcntl(settings->control_fd, F_SETFL, O_NONBLOCK) < 0 ||
		!loop_add(loop, settings->control_fd, EPOLLIN, connection_ready, m)) {
		free(m);
		err_sys(e, "listen for the network's containers");
		return NULL;
	}
	*m = (struct members){.loop = loop,
		.settings = settings,
		.list_of_names = names,
		.userns_fd = take_userns_fd,
		.netns_fd = take_netns_fd,
		.last_given = ntohl(settings->guest4.s_addr & ~settings->mask4.s_addr) - 1,
		.deadline_ms = loop_now_ms() + MEMBERS_PATIENCE_MS};
	return m;
}

static bool has_one(const struct members *m)
{
	for (const struct member *i = m->first; i; i = i->next)
		if (i->owner)
			return true;
	return false;
}

int members_timeout(const struct members *m, int64_t now_ms)
{
	if (m->had_one)
		return -1;
	return m->deadline_ms > now_ms ? (int)(m->deadline_ms - now_ms) : 0;
}

bool members_are_over(const struct members *m, int64_t now_ms)
{
	return m->had_one ? !has_one(m) : now_ms >= m->deadline_ms;
}
