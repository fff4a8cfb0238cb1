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
#include "net/tcp.h"

#include <string.h>
#include <sys/epoll.h>

#define FLOWS_MAX      4096
#define FRAMES_AT_ONCE 64 /* then the sockets have their turn */
#define FRAMES_AT_END  4096
#define FINISH_MS      3000

/* Descriptors that containers cannot use up: the device, the resolver's questions. */
#define FILES_KEPT 192

struct relay {
	struct net_settings *settings;
	struct members *members; /* of a named network; else NULL */
	struct loop *loop;
	struct stack *stack;
	struct tcp *tcp;
	struct resolver *resolver;
	struct streams *streams;
	struct fragments *fragments;
	struct frame_own own;
	struct unreachable_own gateway;
	size_t flows_max;
	bool can_ping;
	struct tap tap;
	bool is_over;
	uint32_t round, last_tap_round;
	uint8_t answer[FRAME_MAX];
};

static void send_frame(void *opaque, const void *frame, size_t size)
{
	struct relay *relay = opaque;
	if (!frame_is_too_big(frame, size))
		tap_write(&relay->tap, frame, size);
}

static void send_segment(
	void *opaque, uint8_t *headers, size_t n_headers, const uint8_t *payload, size_t n_payload)
{
	const struct relay *relay = opaque;
	tap_write_segment(&relay->tap, headers, n_headers, payload, n_payload);
}

static void refuse(void *opaque, const uint8_t *frame, size_t size, int reason)
{
	struct relay *relay = opaque;
	enum unreachable_why why = UNREACHABLE_NETWORK;
	if (reason == EHOSTUNREACH)
		why = UNREACHABLE_HOST;
	else if (reason == EACCES || reason == EPERM)
		why = UNREACHABLE_PROHIBITED;
	size_t answer = unreachable_answer(frame, size, &relay->gateway, why, relay->answer);
	if (answer > 0)
		tap_write(&relay->tap, relay->answer, answer);
}

static int dial(void *opaque, const union endpoint *to)
{
	const struct relay *relay = opaque;
	return to->any.sa_family == AF_UNIX ? streams_dial(relay->streams)
					    : tcp_dial(relay->settings, to);
}

static bool find_neighbour(void *opaque, const struct neighbour *who, uint8_t ret_mac[6])
{
	const struct relay *relay = opaque;
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

static bool make_stacks(struct relay *relay, struct err *e)
{
	const struct tcp_ways ways = {send_segment, refuse, dial, loop_now_ms, relay};
	relay->tcp = tcp_new(relay->settings, relay->loop, &ways, e);
	if (relay->tcp)
		relay->stack = stack_new(relay->settings, relay->loop, send_frame, relay, e);
	return relay->stack != NULL;
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
	relay->gateway = (struct unreachable_own){settings->gateway4, settings->gateway6};
	relay->can_ping = ping_is_allowed();
	relay->flows_max = flows_max(settings);
	relay->loop = loop_new(e);
	if (relay->loop && relay->fragments && make_stacks(relay, e)) {
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

bool relay_resolve(struct relay *relay, struct err *e)
{
	const struct net_settings *s = relay->settings;
	relay->resolver = resolver_new(relay->loop, &s->names, reply, relay, e);
	if (!relay->resolver)
		return false;
	relay->streams = streams_new(relay->loop, relay->resolver, e);
	if (!relay->streams)
		return false;
	if (!stack_answer_for_dns(relay->stack, s->dns4))
		return err_msg(e, ERR_INTERNAL, "libslirp does not take the resolver's address");
	/* Who cannot reach the outside shall not talk to it by questions either. */
	if (s->upstream.n == 0 && !s->is_internal)
		return resolv_watch(relay->loop, upstream_changed, relay->resolver, e);
	resolver_set_upstream(relay->resolver, &s->upstream);
	return true;
}

/* Each flow has a descriptor. */
static bool is_full(const struct relay *relay)
{
	size_t n = stack_flows(relay->stack) + tcp_count(relay->tcp);
	return n >= relay->flows_max || n >= FLOWS_MAX;
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
	case FRAME_TCP:
		/* Put off, not refused: the kernel inside asks again. */
		if (!is_full(relay))
			tcp_take_stray(relay->tcp, bytes, size);
		return;
	case FRAME_FRAGMENT:
		bytes = fragments_add(relay->fragments, bytes, size, &size);
		if (bytes && !tcp_take(relay->tcp, bytes, size))
			take_frame(relay, bytes, size);
		return;
	case FRAME_PASS:
		break;
	}
	size_t refusal =
		relay->can_ping ? 0 : ping_refuse(bytes, size, &relay->gateway, relay->answer);
	if (refusal > 0) {
		tap_write(&relay->tap, relay->answer, refusal);
		return;
	}
	if (relay->settings->is_internal && !frame_stays_inside(bytes, size, &relay->own))
		return;
	/* UDP and ICMP have no first frame: all of theirs wait then until flows have ended. */
	if (is_full(relay) && !frame_stays_inside(bytes, size, &relay->own))
		return;
	stack_input(relay->stack, bytes, size);
}

static void take_frames(struct relay *relay, int most)
{
	size_t size;
	for (int i = 0; i < most; i++) {
		uint8_t *frame = tap_read(&relay->tap, &size);
		if (!frame)
			return;
		if (is_lie(relay, frame, size))
			continue;
		if (!tcp_take(relay->tcp, frame, size) && tap_complete(&relay->tap, size))
			take_frame(relay, frame, size);
	}
}

static void tap_ready(void *opaque, int fd, uint32_t events)
{
	struct relay *relay = opaque;
	/*
	 * Where question and answer take turns, looking for a second frame is a call in vain.
	 * Twice in a row is a stream: that is drained.
	 */
	bool is_stream = relay->round - relay->last_tap_round == 1;
	(void)fd;
	(void)events;
	relay->last_tap_round = relay->round;
	take_frames(relay, is_stream ? FRAMES_AT_ONCE : 1);
}

static void container_ended(void *opaque, int fd, uint32_t events)
{
	struct relay *relay = opaque;
	(void)fd;
	(void)events;
	relay->is_over = true;
}

static bool use_device(struct relay *relay, int take_tap_fd, struct err *e)
{
	size_t mtu = relay->settings->mtu, headers = relay->settings->has_v6 ? 60 : 40;
	if (!tap_use(&relay->tap, take_tap_fd, mtu, e))
		return false;
	tcp_set_segment(
		relay->tcp, mtu - headers, relay->tap.has_header ? SIZE_MAX : mtu - headers);
	return true;
}

bool relay_connect(struct relay *relay, int take_tap_fd, int take_pid_fd, struct err *e)
{
	if (!use_device(relay, take_tap_fd, e))
		return false;
	if (!loop_add(relay->loop, take_tap_fd, EPOLLIN, tap_ready, relay) ||
		!loop_add(relay->loop, take_pid_fd, EPOLLIN, container_ended, relay))
		return err_sys(e, "watch the network device");
	return true;
}

bool relay_host(
	struct relay *relay, int take_tap_fd, int take_userns_fd, int take_netns_fd, struct err *e)
{
	if (!use_device(relay, take_tap_fd, e))
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

static void turn(struct relay *relay, int most_ms)
{
	int timeout = shorter(most_ms, stack_prepare(relay->stack));
	timeout = shorter(timeout, tcp_prepare(relay->tcp, loop_now_ms()));
	timeout = shorter(timeout, resolver_timeout(relay->resolver, loop_now_ms()));
	if (relay->members)
		timeout = shorter(timeout, members_timeout(relay->members, loop_now_ms()));
	relay->round++;
	loop_wait(relay->loop, timeout);
	resolver_expire(relay->resolver, loop_now_ms());
	tcp_expire(relay->tcp, loop_now_ms());
	stack_handle(relay->stack);
}

static bool is_over(const struct relay *relay)
{
	return relay->is_over ||
	       (relay->members && members_are_over(relay->members, loop_now_ms()));
}

/*
 * What was said last still goes out. The programs are gone, but not their network, which our
 * device keeps, nor what their sockets have not sent. Whoever does not take it in time is
 * not told that it was all.
 */
static void finish(struct relay *relay)
{
	int64_t left, deadline_ms = loop_now_ms() + FINISH_MS;
	take_frames(relay, FRAMES_AT_END);
	while (is_over(relay) && !tcp_is_told(relay->tcp) &&
		(left = deadline_ms - loop_now_ms()) > 0)
		turn(relay, (int)left);
}

void relay_run(struct relay *relay)
{
	do {
		while (!is_over(relay))
			turn(relay, -1);
		finish(relay);
	} while (!is_over(relay)); /* somebody new may have come to the network */
	tcp_free(relay->tcp);
}
