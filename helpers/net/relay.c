/* SPDX-License-Identifier: Apache-2.0 */
#include "net/relay.h"
#include "base/own.h"
#include "net/confinement.h"
#include "net/fragment.h"
#include "net/loop.h"
#include "net/ping.h"
#include "net/members.h"
#include "net/resolv_watch.h"
#include "net/resolver.h"
#include "net/stack.h"
#include "net/stream.h"
#include "net/tap.h"
#include "net/translate.h"

#include <string.h>
#include <sys/epoll.h>

#define FRAMES_AT_ONCE 64 /* then the sockets have their turn */

/* Descriptors that containers cannot use up: the device, the resolver's questions. */
#define FILES_KEPT 192

struct relay {
	struct net_settings *settings;
	struct members *members; /* of a named network; else NULL */
	struct loop *loop;
	struct stack *stack;
	struct resolver *resolver;
	struct fragments *fragments;
	struct frame_own own;
	struct ping_own ping;
	size_t flows_max;
	bool can_ping;
	struct tap tap;
	bool is_over;
	uint32_t round, last_tap_round;
	uint8_t answer[FRAME_MAX];
	struct translate translate;
	uint8_t translated[TRANSLATE_ROOM];
};

static void send_frame(void *opaque, const void *frame, size_t size)
{
	struct relay *relay = opaque;
	size_t translated;
	if (translate_out(&relay->translate, frame, size, relay->translated, &translated)) {
		if (translated > 0 && translated <= FRAME_MAX)
			tap_write(&relay->tap, relay->translated, translated);
		return;
	}
	if (!frame_is_too_big(frame, size))
		tap_write(&relay->tap, frame, size);
}

static bool find_neighbour(void *opaque, const struct neighbour *who, uint8_t ret_mac[6])
{
	const struct relay *relay = opaque;
	if (translate_is_neighbour(who))
		return memset(ret_mac, 2, 6), true;
	return relay->members && members_find(relay->members, who, ret_mac);
}

/* Members have the addresses that they were given, whatever another one says of them. */
static bool is_lie(const struct relay *relay, const uint8_t *frame, size_t size)
{
	struct neighbour who;
	uint8_t said[6], mac[6];
	return relay->members && neighbour_is_claimed(frame, size, &who, said) &&
	       members_find(relay->members, &who, mac) && memcmp(said, mac, 6) != 0;
}

/* With every descriptor in use nobody could ask for a place, and the loop would not rest. */
static size_t flows_max(const struct net_settings *settings)
{
	size_t kept = FILES_KEPT;
	if (settings->control_fd >= 0)
		kept += 2 * members_max(settings);
	return settings->files > 2 * kept ? settings->files - kept : settings->files / 2;
}

struct relay *relay_new(struct net_settings *settings, struct err *e)
{
	struct relay *relay = calloc(1, sizeof(*relay));
	if (!relay)
		return err_sys(e, "make a network"), NULL;
	relay->settings = settings;
	relay->own.dns4 = settings->dns4;
	/* Without IPv6 it is "::", where no frame that is looked at goes. */
	relay->own.dns6 = settings->dns6;
	relay->fragments = fragments_new();
	relay->ping = (struct ping_own){settings->gateway4, settings->gateway6};
	relay->can_ping = ping_is_allowed();
	relay->flows_max = flows_max(settings);
	relay->loop = loop_new(e);
	if (relay->loop && relay->fragments)
		relay->stack = stack_new(settings, relay->loop, send_frame, relay, e);
	relay->translate.own = relay->own;
	if (relay->stack) {
		stack_know_neighbours(relay->stack, find_neighbour);
		return relay;
	}
	free(relay);
	return NULL;
}

static void reply(void *opaque, const struct dns_client *client, uint8_t *message, size_t size)
{
	struct relay *relay = opaque;
	if (client->stream) {
		stream_answer(client->stream, message, size);
		return;
	}
	size_t room = relay->tap.mtu + FRAME_ETHERNET - frame_headers(&client->back);
	size = dns_truncate(message, size, room);
	size_t frame = frame_answer(&client->back, message, size, relay->answer);
	if (frame > 0)
		tap_write(&relay->tap, relay->answer, frame);
}

static void upstream_changed(void *opaque, const struct resolvers *now)
{
	resolver_set_upstream(opaque, now);
}

bool relay_resolve(struct relay *relay, int take_dns_fd, struct err *e)
{
	const struct net_settings *s = relay->settings;
	relay->resolver = resolver_new(relay->loop, &s->names, reply, relay, e);
	if (!relay->resolver)
		return false;
	if (take_dns_fd >= 0 && !streams_new(relay->loop, relay->resolver, take_dns_fd, e))
		return false;
	/* Also where nobody listens there: for the sake of it libslirp says whose the address is.
	 */
	if (!stack_forward_dns(relay->stack, CONFINEMENT_SOCKET, s->dns4))
		return err_msg(e, ERR_INTERNAL, "libslirp does not forward DNS over TCP");
	/* Who cannot reach the outside shall not talk to it by questions either. */
	if (s->upstream.n == 0 && !s->is_internal)
		return resolv_watch(relay->loop, upstream_changed, relay->resolver, e);
	resolver_set_upstream(relay->resolver, &s->upstream);
	return true;
}

static void take_half(void *opaque, const uint8_t *frame, size_t size)
{
	stack_input(opaque, frame, size);
}

static void take_frame(struct relay *relay, uint8_t *bytes, size_t size)
{
	struct frame frame;
	struct dns_client client = {0};
	switch (frame_look(bytes, size, &relay->own, &frame)) {
	case FRAME_DROP:
		return;
	case FRAME_DNS:
		client.back = frame.back;
		resolver_ask(relay->resolver, &client, frame.payload, frame.size);
		return;
	case FRAME_REFUSE:
		frame_refuse(bytes, relay->answer);
		tap_write(&relay->tap, relay->answer, FRAME_RESET);
		return;
	case FRAME_CONNECT:
		/* Put off, not refused: the kernel inside asks again. */
		if (stack_flows(relay->stack) >= relay->flows_max ||
			stack_flows(relay->stack) >= STACK_FLOWS_MAX)
			return;
		break;
	case FRAME_STREAM6:
		bytes = translate_in(&relay->translate, bytes, &size);
		if (bytes)
			take_frame(relay, bytes, size);
		return;
	case FRAME_FRAGMENT:
		bytes = fragments_add(relay->fragments, bytes, size, &size);
		if (bytes)
			take_frame(relay, bytes, size);
		return;
	case FRAME_PASS:
		break;
	}
	size_t refusal =
		relay->can_ping ? 0 : ping_refuse(bytes, size, &relay->ping, relay->answer);
	if (refusal > 0) {
		tap_write(&relay->tap, relay->answer, refusal);
		return;
	}
	if (relay->settings->is_internal && !frame_stays_inside(bytes, size, &relay->own))
		return;
	/* UDP and ICMP have no first frame: all of theirs wait then until flows have ended. */
	if (stack_flows(relay->stack) >= relay->flows_max && !frame_tcp_header(bytes, size) &&
		!frame_stays_inside(bytes, size, &relay->own))
		return;
	if (size <= FRAME_ETHERNET + 40 + STACK_IPV6_MAX || frame_tcp_header(bytes, size) != 40 ||
		!segment_halve(bytes, size, take_half, relay->stack))
		stack_input(relay->stack, bytes, size);
}

static void tap_ready(void *opaque, int fd, uint32_t events)
{
	struct relay *relay = opaque;
	/*
	 * Where question and answer take turns, looking for a second frame is a call in vain.
	 * Twice in a row is a stream: that is drained.
	 */
	bool is_stream = relay->round - relay->last_tap_round == 1;
	int most = is_stream ? FRAMES_AT_ONCE : 1;
	size_t size;
	(void)fd;
	(void)events;
	relay->last_tap_round = relay->round;
	for (int i = 0; i < most; i++) {
		uint8_t *frame = tap_read(&relay->tap, &size);
		if (!frame)
			return;
		if (!translate_is_forged(frame, size) && !is_lie(relay, frame, size))
			take_frame(relay, frame, size);
	}
}

static void container_ended(void *opaque, int fd, uint32_t events)
{
	struct relay *relay = opaque;
	(void)fd;
	(void)events;
	relay->is_over = true;
}

bool relay_connect(struct relay *relay, int take_tap_fd, int take_pid_fd, struct err *e)
{
	if (!tap_use(&relay->tap, take_tap_fd, relay->settings->mtu, e))
		return false;
	if (!loop_add(relay->loop, take_tap_fd, EPOLLIN, tap_ready, relay) ||
		!loop_add(relay->loop, take_pid_fd, EPOLLIN, container_ended, relay))
		return err_sys(e, "watch the network device");
	return true;
}

bool relay_host(
	struct relay *relay, int take_tap_fd, int take_userns_fd, int take_netns_fd, struct err *e)
{
	if (!tap_use(&relay->tap, take_tap_fd, relay->settings->mtu, e))
		return false;
	if (!loop_add(relay->loop, take_tap_fd, EPOLLIN, tap_ready, relay))
		return err_sys(e, "watch the network device");
	relay->members = members_new(relay->loop, relay->settings, &relay->settings->names,
		take_userns_fd, take_netns_fd, e);
	return relay->members != NULL;
}

static int shorter(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

void relay_run(struct relay *relay)
{
	while (!relay->is_over) {
		int timeout = stack_prepare(relay->stack);
		tap_flush(&relay->tap);
		timeout = shorter(timeout, resolver_timeout(relay->resolver, stack_now_ms()));
		if (relay->members)
			timeout = shorter(timeout, members_timeout(relay->members, stack_now_ms()));
		relay->round++;
		loop_wait(relay->loop, timeout);
		resolver_expire(relay->resolver, stack_now_ms());
		stack_handle(relay->stack);
		if (relay->members && members_are_over(relay->members, stack_now_ms()))
			return;
	}
}
