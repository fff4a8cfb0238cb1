/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames from a container: which way each goes, and what libslirp makes of those it gets.
 * No socket can be made here, so the host is left alone and every run is alike.
 */
#include "fuzz.h"

#include "confine/confine.h"
#include "net/dns_message.h"
#include "net/fragment.h"
#include "net/frame.h"
#include "net/stack.h"
#include "net/tap.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

/* The answers of libslirp go through our own eyes too. */
static void swallow(void *opaque, const void *frame, size_t size)
{
	struct neighbour who;
	(void)opaque;
	frame_tcp_header(frame, size);
	frame_is_too_big(frame, size);
	neighbour_is_wanted(frame, size, &who);
}

/* Everybody is known. */
static bool find(void *opaque, const struct neighbour *who, uint8_t ret_mac[6])
{
	(void)opaque;
	memcpy(ret_mac, &who->address, 6);
	return true;
}

static struct stack *make_stack(void)
{
	struct net_settings settings = {
		.mtu = 65520, .has_v6 = true, .prefix6 = 64, .control_fd = -1};
	struct err e = ERR_INIT;
	inet_pton(AF_INET, "10.0.2.100", &settings.guest4);
	inet_pton(AF_INET, "255.255.255.0", &settings.mask4);
	inet_pton(AF_INET, "10.0.2.2", &settings.gateway4);
	inet_pton(AF_INET6, "fd00::100", &settings.guest6);
	inet_pton(AF_INET6, "fd00::2", &settings.gateway6);
	inet_pton(AF_INET6, "fd00::3", &settings.dns6);
	struct loop *loop = loop_new(&e);
	struct stack *stack = loop ? stack_new(&settings, loop, swallow, NULL, &e) : NULL;
	if (stack)
		stack_know_neighbours(stack, find);
	return stack;
}

static void look_at_dns(const struct frame *frame)
{
	struct dns_question q;
	uint8_t out[FRAME_DNS_HEADERS + DNS_ANSWER_MAX], answer[DNS_ANSWER_MAX];
	if (!dns_read(frame->payload, frame->size, &q))
		return;
	size_t size = dns_answer(frame->payload, &q, DNS_FAILED, NULL, 0, answer);
	frame_answer(&frame->back, answer, dns_truncate(answer, size, 512), out);
}

static void take_frame(
	struct stack *stack, struct fragments *fragments, uint8_t *bytes, size_t size)
{
	struct frame_own own;
	struct frame frame;
	swallow(NULL, bytes, size);
	inet_pton(AF_INET, "10.0.2.3", &own.dns4);
	inet_pton(AF_INET6, "fd00::3", &own.dns6);
	switch (frame_look(bytes, size, &own, &frame)) {
	case FRAME_DROP:
		break;
	case FRAME_DNS:
		look_at_dns(&frame);
		break;
	case FRAME_TCP: /* fuzz_net_tcp's */
		break;
	case FRAME_FRAGMENT:
		bytes = fragments_add(fragments, bytes, size, &size);
		if (bytes)
			take_frame(stack, fragments, bytes, size);
		break;
	case FRAME_PASS:
		stack_input(stack, bytes, size);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stack *stack; /* lint: scratch, lives as long as the process */
	static uint8_t bytes[FRAME_MAX + 64];
	if (!stack) {
		static const char *const denied[] = {"socket", NULL};
		struct err e;
		stack = make_stack();
		if (!stack || prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0 ||
			!confine_calls_deny(denied, &e))
			abort();
	}
	struct fragments *fragments = fragments_new();
	/* Several frames, each after its length: some of libslirp's ways need more than one. */
	while (fragments && size > 2) {
		size_t length = (size_t)(data[0] << 8 | data[1]);
		length = length < size - 2 ? length : size - 2;
		length = length < sizeof(bytes) ? length : sizeof(bytes);
		memcpy(bytes, data + 2, length);
		data += 2 + length;
		size -= 2 + length;
		take_frame(stack, fragments, bytes, length);
	}
	fragments_free(fragments);
	return 0;
}
