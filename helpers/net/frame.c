/* SPDX-License-Identifier: Apache-2.0 */
#include "net/frame.h"
#include "net/wire_words.h"

#include <arpa/inet.h>
#include <string.h>

enum { TYPE_IPV4 = 0x0800, TYPE_ARP = 0x0806, TYPE_IPV6 = 0x86dd };
enum {
	PACKET_TOO_BIG = 2,
	NEIGHBOUR_SOLICITATION = 135,
	NEIGHBOUR_ADVERTISEMENT = 136
}; /* [RFC 4861] */

uint64_t frame_sum(const uint8_t *bytes, size_t size, uint64_t sum)
{
	uint64_t more[4] = {sum, 0, 0, 0};
	/* Words of 32 bits in sums of 64 need no carry; four of them at once make a vector. */
	for (; size >= 16; size -= 16, bytes += 16) {
		uint32_t words[4];
		memcpy(words, bytes, 16);
		for (int i = 0; i < 4; i++)
			more[i] += words[i];
	}
	sum = 0;
	for (int i = 0; i < 4; i++)
		sum += (more[i] & 0xffffffff) + (more[i] >> 32);
	for (; size >= 2; size -= 2, bytes += 2) {
		uint16_t word;
		memcpy(&word, bytes, 2);
		sum += word;
	}
	if (size > 0) {
		uint16_t word = 0;
		memcpy(&word, bytes, 1);
		sum += word;
	}
	return sum;
}

uint16_t frame_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

enum { PORT_DNS = 53, PORT_BOOTP = 67, PORT_TFTP = 69, PORT_DHCPV6 = 547 };

static enum frame_kind look_udp(
	const uint8_t *udp, size_t size, bool is_for_resolver, struct frame *ret)
{
	if (size < 8 || get16(udp + 4) < 8 || get16(udp + 4) > size)
		return FRAME_DROP;
	unsigned port = get16(udp + 2);
	if (port == PORT_BOOTP || port == PORT_TFTP || port == PORT_DHCPV6)
		return FRAME_DROP;
	if (!is_for_resolver)
		return FRAME_PASS;
	if (port != PORT_DNS)
		return FRAME_DROP;
	memcpy(&ret->back.from_port, udp, 2);
	memcpy(&ret->back.to_port, udp + 2, 2);
	ret->payload = udp + 8;
	ret->size = (size_t)get16(udp + 4) - 8;
	return FRAME_DNS;
}

static enum frame_kind look_ipv4(
	const uint8_t *ip, size_t size, const struct frame_own *own, struct frame *ret)
{
	/* Options are of no use here: routers act on them. */
	if (size < 20 || ip[0] != 0x45 || get16(ip + 2) < 20 || get16(ip + 2) > size)
		return FRAME_DROP;
	if (ip[16] == 127 || ip[16] == 0)
		return FRAME_DROP;
	size = get16(ip + 2);
	if (get16(ip + 6) & 0x3fff)
		return FRAME_FRAGMENT;
	bool is_for_resolver = !memcmp(ip + 16, &own->dns4, 4);
	if (ip[9] == IPPROTO_TCP)
		return FRAME_TCP;
	if (ip[9] != IPPROTO_UDP)
		return is_for_resolver ? FRAME_DROP : FRAME_PASS;
	memcpy(&ret->back.from, ip + 12, 4);
	memcpy(&ret->back.to, ip + 16, 4);
	return look_udp(ip + 20, size - 20, is_for_resolver, ret);
}

static bool is_in_first_96(const uint8_t *address)
{
	static const uint8_t none[12], mapped[12] = {[10] = 0xff, [11] = 0xff};
	return !memcmp(address, none, 12) || !memcmp(address, mapped, 12);
}

static enum frame_kind look_ipv6(
	const uint8_t *ip, size_t size, const struct frame_own *own, struct frame *ret)
{
	if (size < 40 || ip[0] >> 4 != 6 || get16(ip + 4) > size - 40 || is_in_first_96(ip + 24))
		return FRAME_DROP;
	const uint8_t *inner = ip + 40;
	size = get16(ip + 4);
	if (ip[6] == IPPROTO_ICMPV6 && (size < 4 || inner[0] == 133))
		return FRAME_DROP;
	if (ip[6] == IPPROTO_FRAGMENT)
		return size > 8 ? FRAME_FRAGMENT : FRAME_DROP;
	if (ip[6] == IPPROTO_TCP)
		return FRAME_TCP;
	if (ip[6] != IPPROTO_UDP)
		return FRAME_PASS;
	memcpy(&ret->back.from, ip + 8, 16);
	memcpy(&ret->back.to, ip + 24, 16);
	ret->back.is_v6 = true;
	return look_udp(inner, size, !memcmp(ip + 24, &own->dns6, 16), ret);
}

enum frame_kind frame_look(
	const uint8_t *bytes, size_t size, const struct frame_own *own, struct frame *ret)
{
	if (size < FRAME_ETHERNET || size > FRAME_MAX)
		return FRAME_DROP;
	memset(&ret->back, 0, sizeof(ret->back));
	memcpy(ret->back.ethernet, bytes, FRAME_ETHERNET);
	switch (get16(bytes + 12)) {
	case TYPE_IPV4:
		return look_ipv4(bytes + FRAME_ETHERNET, size - FRAME_ETHERNET, own, ret);
	case TYPE_IPV6:
		return look_ipv6(bytes + FRAME_ETHERNET, size - FRAME_ETHERNET, own, ret);
	case 0x0806:
		/* libslirp reads all of an ARP packet whatever the frame's size. */
		return size < FRAME_ETHERNET + 28 ? FRAME_DROP : FRAME_PASS;
	default:
		return FRAME_DROP; /* NC-SI and what nobody knows */
	}
}

size_t frame_tcp_header(const uint8_t *bytes, size_t size)
{
	const uint8_t *ip = bytes + FRAME_ETHERNET;
	size_t header = 0;
	if (size < FRAME_ETHERNET + 40)
		return 0;
	if (get16(bytes + 12) == TYPE_IPV4 && ip[0] == 0x45 && ip[9] == IPPROTO_TCP &&
		!(get16(ip + 6) & 0x3fff) && get16(ip + 2) == size - FRAME_ETHERNET)
		header = 20;
	if (get16(bytes + 12) == TYPE_IPV6 && ip[6] == IPPROTO_TCP &&
		get16(ip + 4) == size - FRAME_ETHERNET - 40)
		header = 40;
	return header && size >= FRAME_ETHERNET + header + 20 ? header : 0;
}

uint16_t frame_pseudo_sum(const uint8_t *bytes, size_t size)
{
	size_t header = frame_tcp_header(bytes, size), addresses = header == 40 ? 32 : 8;
	const uint8_t *tcp = bytes + FRAME_ETHERNET + header;
	uint64_t sum =
		(uint64_t)htons(IPPROTO_TCP) + htons((uint16_t)(size - FRAME_ETHERNET - header));
	return frame_fold(frame_sum(tcp - addresses, addresses, sum));
}

bool frame_is_too_big(const uint8_t *bytes, size_t size)
{
	const uint8_t *ip = bytes + FRAME_ETHERNET;
	return size >= FRAME_ETHERNET + 40 + 8 + 40 && get16(bytes + 12) == TYPE_IPV6 &&
	       ip[6] == IPPROTO_ICMPV6 && ip[40] == PACKET_TOO_BIG &&
	       memcmp(ip + 48 + 8, ip + 24, 16) != 0;
}

bool frame_may_fragment(const uint8_t *bytes, size_t size)
{
	const uint8_t *ip = bytes + FRAME_ETHERNET;
	return size > FRAME_ETHERNET + 20 && get16(bytes + 12) == TYPE_IPV4 && ip[0] == 0x45 &&
	       ip[9] != IPPROTO_TCP && !(get16(ip + 6) & 0x3fff) &&
	       get16(ip + 2) == size - FRAME_ETHERNET;
}

void frame_make_fragment(uint8_t *headers, size_t at, size_t size, bool is_more)
{
	uint8_t *ip = headers + FRAME_ETHERNET;
	put16(ip + 2, (unsigned)size + 20);
	put16(ip + 6, (unsigned)(at / 8) | (is_more ? 0x2000 : 0));
	memset(ip + 10, 0, 2);
	uint16_t sum = frame_fold(frame_sum(ip, 20, 0));
	memcpy(ip + 10, &sum, 2);
}

size_t frame_headers(const struct frame_return *back)
{
	return FRAME_ETHERNET + (back->is_v6 ? 40 : 20) + 8;
}

/* Addresses are swapped: @from is where the question came from. */
static void put_ip(const struct frame_return *back, size_t datagram, uint8_t *ip)
{
	if (back->is_v6) {
		ip[0] = 0x60;
		put16(ip + 4, (unsigned)datagram);
		ip[6] = IPPROTO_UDP;
		ip[7] = 64;
		memcpy(ip + 8, &back->to, 16);
		memcpy(ip + 24, &back->from, 16);
		return;
	}
	ip[0] = 0x45;
	put16(ip + 2, (unsigned)datagram + 20);
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 12, &back->to, 4);
	memcpy(ip + 16, &back->from, 4);
	uint16_t sum = frame_fold(frame_sum(ip, 20, 0));
	memcpy(ip + 10, &sum, 2);
}

size_t frame_answer(
	const struct frame_return *back, const uint8_t *payload, size_t size, uint8_t *out)
{
	size_t addresses = back->is_v6 ? 32 : 8, header = back->is_v6 ? 40 : 20;
	size_t datagram = size + 8;
	if (datagram + header > 65535)
		return 0;
	uint8_t *ip = out + FRAME_ETHERNET, *udp = ip + header;
	memset(out, 0, FRAME_ETHERNET + header + 8);
	memcpy(out, back->ethernet + 6, 6);
	memcpy(out + 6, back->ethernet, 6);
	memcpy(out + 12, back->ethernet + 12, 2);
	put_ip(back, datagram, ip);
	memcpy(udp, &back->to_port, 2);
	memcpy(udp + 2, &back->from_port, 2);
	put16(udp + 4, (unsigned)datagram);
	memcpy(udp + 8, payload, size);
	uint64_t pseudo = (uint64_t)htons(IPPROTO_UDP) + htons((uint16_t)datagram);
	pseudo = frame_sum(udp - addresses, addresses, pseudo);
	uint16_t sum = frame_fold(frame_sum(udp, datagram, pseudo));
	if (sum == 0)
		sum = 0xffff; /* 0 would mean that there is none [RFC 768] */
	memcpy(udp + 6, &sum, 2);
	return FRAME_ETHERNET + header + datagram;
}

bool frame_stays_inside(const uint8_t *bytes, size_t size, const struct frame_own *own)
{
	const uint8_t *ip = bytes + FRAME_ETHERNET;
	if (size < FRAME_ETHERNET + 20)
		return false;
	switch (get16(bytes + 12)) {
	case TYPE_ARP:
		return true;
	case TYPE_IPV4:
		return !memcmp(ip + 16, &own->dns4, 4);
	case TYPE_IPV6:
		return size > FRAME_ETHERNET + 40 && ip[6] == IPPROTO_ICMPV6 &&
		       (ip[40] == NEIGHBOUR_SOLICITATION || ip[40] == NEIGHBOUR_ADVERTISEMENT);
	default:
		return false;
	}
}
