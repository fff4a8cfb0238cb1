/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stack.h"
#include "base/own.h"

#include <libslirp.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#define SETTLE_MS 2000 /* after this time without events libslirp's state is looked at */
#define SLOW_MS	  499  /* libslirp's slow tick */

/* Who may be looked for at once: all places of a network by both families. */
#define WANTED_MAX 2304

struct stack {
	Slirp *slirp;
	struct loop *loop;
	stack_send send;
	void *opaque;
	size_t n_flows;
	int64_t last_event_ms;
	bool is_settled;    /* nothing is under way */
	int64_t expires_ms; /* when the next UDP flow ends; with is_settled */
	struct sockaddr_in outbound4;
	struct sockaddr_in6 outbound6;
	SlirpConfig config;
	stack_find find;
	size_t n_sent;
	size_t n_wanted;
	struct neighbour wanted[WANTED_MAX];
};

static int64_t clock_get_ns(void *opaque)
{
	struct timespec now;
	(void)opaque;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Somebody whom we know: he is introduced when libslirp has done its work. */
static bool want_neighbour(struct stack *stack, const void *frame, size_t size)
{
	struct neighbour who;
	uint8_t mac[6];
	if (!stack->find || !neighbour_is_wanted(frame, size, &who) ||
		!stack->find(stack->opaque, &who, mac))
		return false;
	for (size_t i = 0; i < stack->n_wanted; i++)
		if (stack->wanted[i].is_v6 == who.is_v6 &&
			!memcmp(&stack->wanted[i].address, &who.address, sizeof(who.address)))
			return true;
	if (stack->n_wanted < WANTED_MAX)
		stack->wanted[stack->n_wanted++] = who;
	return true;
}

static ssize_t send_packet(const void *frame, size_t size, void *opaque)
{
	struct stack *stack = opaque;
	stack->n_sent++;
	if (!want_neighbour(stack, frame, size))
		stack->send(stack->opaque, frame, size);
	return (ssize_t)size;
}

static void guest_error(const char *text, void *opaque)
{
	(void)text;
	(void)opaque;
}

/*
 * The only timer is that of router advertisements. Nobody needs them where addresses and
 * routes are static, and it would wake an idle helper.
 */
static void *timer_new(SlirpTimerId id, void *cb_opaque, void *opaque)
{
	(void)id;
	(void)cb_opaque;
	return opaque;
}

static void timer_free(void *timer, void *opaque)
{
	(void)timer;
	(void)opaque;
}

static void timer_mod(void *timer, int64_t expire_ms, void *opaque)
{
	(void)timer;
	(void)expire_ms;
	(void)opaque;
}

static void register_poll_fd(int fd, void *opaque)
{
	struct stack *stack = opaque;
	if (fd >= 0 && loop_add(stack->loop, fd, 0, NULL, NULL))
		stack->n_flows++;
}

static void unregister_poll_fd(int fd, void *opaque)
{
	struct stack *stack = opaque;
	if (fd < 0)
		return;
	loop_remove(stack->loop, fd);
	if (stack->n_flows > 0)
		stack->n_flows--;
}

static void notify(void *opaque)
{
	(void)opaque; /* what is wanted is asked before every wait */
}

static const SlirpCb callbacks = {
	.send_packet = send_packet,
	.guest_error = guest_error,
	.clock_get_ns = clock_get_ns,
	.timer_new_opaque = timer_new,
	.timer_free = timer_free,
	.timer_mod = timer_mod,
	.register_poll_fd = register_poll_fd,
	.unregister_poll_fd = unregister_poll_fd,
	.notify = notify,
};

static void configure(struct stack *stack, const struct net_settings *s)
{
	SlirpConfig *c = &stack->config;
	c->version = 4;
	c->in_enabled = true;
	c->vnetwork.s_addr = s->guest4.s_addr & s->mask4.s_addr;
	c->vnetmask = s->mask4;
	c->vhost = s->gateway4;
	/* Without it the address may have a service, see stack_answer_for_dns(). */
	c->vnameserver.s_addr = 0;
	c->vdhcp_start = s->guest4;
	c->in6_enabled = s->has_v6;
	c->vprefix_addr6 = s->guest6;
	c->vprefix_len = (uint8_t)s->prefix6;
	c->vhost6 = s->gateway6;
	c->vnameserver6 = s->dns6; /* neighbours are told of it */
	c->if_mtu = c->if_mru = STACK_MTU;
	c->disable_host_loopback = !s->is_host_loopback;
	c->disable_dns = c->disable_dhcp = true;
	stack->outbound4 = s->outbound4.v4;
	stack->outbound6 = s->outbound6.v6;
	if (s->outbound4.any.sa_family)
		c->outbound_addr = &stack->outbound4;
	if (s->outbound6.any.sa_family)
		c->outbound_addr6 = &stack->outbound6;
}

struct stack *stack_new(const struct net_settings *settings, struct loop *loop, stack_send send,
	void *opaque, struct err *e)
{
	struct stack *stack = calloc(1, sizeof(*stack));
	if (stack) {
		stack->loop = loop;
		stack->send = send;
		stack->opaque = opaque;
		configure(stack, settings);
		stack->slirp = slirp_new(&stack->config, &callbacks, stack);
	}
	if (stack && stack->slirp)
		return stack;
	free(stack);
	err_msg(e, ERR_INTERNAL, "libslirp refuses these settings");
	return NULL;
}

void stack_know_neighbours(struct stack *stack, stack_find find)
{
	stack->find = find;
}

/* libslirp says whose an address is when it has a service there: this one nobody comes to. */
bool stack_answer_for_dns(struct stack *stack, struct in_addr dns4)
{
	return slirp_add_unix(stack->slirp, "/nowhere", &dns4, 53) == 0;
}

/* Something is under way again. */
static void note_event(struct stack *stack)
{
	stack->last_event_ms = loop_now_ms();
	stack->is_settled = false;
}

static void introduce(struct stack *stack, const struct neighbour *who)
{
	uint8_t frame[NEIGHBOUR_FRAME], mac[6];
	if (stack->find(stack->opaque, who, mac))
		slirp_input(stack->slirp, frame, (int)neighbour_answer(who, mac, frame));
}

/*
 * send_waiting() - what waits in libslirp for neighbours whom we know
 *
 * It sends one packet of each flow in a turn, remembers only so many neighbours, and asks
 * for one only once a packet: who is introduced must be used before the next ones are. A poll
 * that is said to have failed looks at no socket and has a turn.
 */
static void send_waiting(struct stack *stack)
{
	bool is_moving = stack->n_wanted > 0;
	while (is_moving) {
		for (int i = 0; i < NEIGHBOURS_REMEMBERED && stack->n_wanted > 0; i++)
			introduce(stack, &stack->wanted[--stack->n_wanted]);
		stack->n_sent = 0;
		slirp_pollfds_poll(stack->slirp, 1, NULL, NULL);
		is_moving = stack->n_sent > 0 || stack->n_wanted > 0;
	}
}

void stack_input(struct stack *stack, const uint8_t *frame, size_t size)
{
	note_event(stack);
	slirp_input(stack->slirp, frame, (int)size);
	send_waiting(stack);
}

size_t stack_flows(const struct stack *stack)
{
	return stack->n_flows;
}

static int add_poll(int fd, int wanted, void *opaque)
{
	struct stack *stack = opaque;
	uint32_t events = 0;
	if (wanted & SLIRP_POLL_IN)
		events |= EPOLLIN;
	if (wanted & SLIRP_POLL_OUT)
		events |= EPOLLOUT;
	if (wanted & SLIRP_POLL_PRI)
		events |= EPOLLPRI;
	loop_want(stack->loop, fd, events);
	return fd;
}

static int get_revents(int fd, void *opaque)
{
	struct stack *stack = opaque;
	uint32_t events = loop_events(stack->loop, fd);
	int found = 0;
	if (events)
		note_event(stack);
	if (events & EPOLLIN)
		found |= SLIRP_POLL_IN;
	if (events & EPOLLOUT)
		found |= SLIRP_POLL_OUT;
	if (events & EPOLLPRI)
		found |= SLIRP_POLL_PRI;
	if (events & EPOLLERR)
		found |= SLIRP_POLL_ERR;
	if (events & EPOLLHUP)
		found |= SLIRP_POLL_HUP;
	return found;
}

/* Is this flow at rest? It is, but for the time after which it is forgotten. */
static bool look_at_line(const char *line, int64_t *expires_s)
{
	long seconds;
	if (sscanf(line, " UDP[%ld sec]", &seconds) != 1 &&
		sscanf(line, " ICMP[%ld sec]", &seconds) != 1)
		return strstr(line, "Protocol[") != NULL;
	if (seconds < *expires_s)
		*expires_s = seconds;
	return true;
}

/* What libslirp prints for people is the only view of its connections that it gives. */
static bool look_whether_settled(struct stack *stack, int64_t now_ms)
{
	int64_t expires_s = INT32_MAX;
	char *text = slirp_connection_info(stack->slirp), *rest = text, *line;
	bool is_settled = text != NULL;
	while (is_settled && (line = strsep(&rest, "\n")))
		is_settled = !*line || look_at_line(line, &expires_s);
	free(text);
	stack->expires_ms =
		expires_s == INT32_MAX ? 0 : now_ms + (expires_s < 0 ? 0 : expires_s + 1) * 1000;
	return is_settled;
}

int stack_prepare(struct stack *stack)
{
	uint32_t timeout = UINT32_MAX;
	int64_t now_ms = loop_now_ms();
	loop_begin_round(stack->loop);
	slirp_pollfds_fill(stack->slirp, &timeout, add_poll, stack);
	if (timeout < SLOW_MS)
		return (int)timeout;
	if (timeout > SLOW_MS)
		return -1; /* no flow at all: libslirp would like to be called once a second */
	if (now_ms - stack->last_event_ms < SETTLE_MS)
		return SLOW_MS;
	if (!stack->is_settled)
		stack->is_settled = look_whether_settled(stack, now_ms);
	if (!stack->is_settled)
		return SLOW_MS;
	if (!stack->expires_ms)
		return -1;
	return stack->expires_ms > now_ms ? (int)(stack->expires_ms - now_ms) : SLOW_MS;
}

void stack_handle(struct stack *stack)
{
	slirp_pollfds_poll(stack->slirp, 0, get_revents, stack);
	send_waiting(stack);
}
