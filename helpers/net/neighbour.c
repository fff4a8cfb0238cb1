/* SPDX-License-Identifier: Apache-2.0 */
#include "net/neighbour.h"
#include "net/wire_words.h"

#include <arpa/inet.h>
#include <string.h>

enum { TYPE_ARP = 0x0806, TYPE_IPV6 = 0x86dd };
enum { ARP_SIZE = 28, ARP_REQUEST = 1, ARP_REPLY = 2 };
enum { ROUTER_SOLICITATION = 133, SOLICITATION = 135, ADVERTISEMENT = 136 };

static bool is_arp(const uint8_t *frame, size_t size)
{
	return size >= FRAME_ETHERNET + ARP_SIZE && get16(frame + 12) == TYPE_ARP;
}

static bool is_discovery(const uint8_t *frame, size_t size)
{
	const uint8_t *ip = frame + FRAME_ETHERNET;
	return size >= NEIGHBOUR_FRAME && get16(frame + 12) == TYPE_IPV6 &&
	       ip[6] == IPPROTO_ICMPV6 && ip[40] >= ROUTER_SOLICITATION && ip[40] <= ADVERTISEMENT;
}

static void set_v4(struct neighbour *ret, const uint8_t *address)
{
	*ret = (struct neighbour){.is_v6 = false};
	memcpy(&ret->address, address, 4);
}

static void set_v6(struct neighbour *ret, const uint8_t *address)
{
	ret->is_v6 = true;
	memcpy(&ret->address, address, 16);
}

bool neighbour_is_wanted(const uint8_t *frame, size_t size, struct neighbour *ret)
{
	const uint8_t *packet = frame + FRAME_ETHERNET;
	if (is_arp(frame, size) && get16(packet + 6) == ARP_REQUEST) {
		set_v4(ret, packet + 24);
		return true;
	}
	if (!is_discovery(frame, size) || packet[40] != SOLICITATION)
		return false;
	set_v6(ret, packet + 48);
	return true;
}

static size_t answer_arp(const struct neighbour *who, const uint8_t mac[6], uint8_t *arp)
{
	static const uint8_t reply[8] = {0, 1, 8, 0, 6, 4, 0, ARP_REPLY};
	memset(arp, 0, ARP_SIZE);
	memcpy(arp, reply, sizeof(reply));
	memcpy(arp + 8, mac, 6);
	memcpy(arp + 14, &who->address, 4);
	return FRAME_ETHERNET + ARP_SIZE;
}

/* To all nodes: libslirp looks at where it comes from only. */
static size_t advertise(const struct neighbour *who, uint8_t *ip)
{
	static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};
	uint8_t *icmp = ip + 40;
	memset(ip, 0, 64);
	ip[0] = 0x60;
	ip[5] = 24;
	ip[6] = IPPROTO_ICMPV6;
	ip[7] = 255;
	memcpy(ip + 8, &who->address, 16);
	memcpy(ip + 24, all_nodes, 16);
	icmp[0] = ADVERTISEMENT;
	memcpy(icmp + 8, &who->address, 16);
	uint64_t pseudo = (uint64_t)htons(IPPROTO_ICMPV6) + htons(24);
	uint16_t sum = frame_fold(frame_sum(ip + 8, 56, pseudo));
	memcpy(icmp + 2, &sum, 2);
	return NEIGHBOUR_FRAME;
}

size_t neighbour_answer(
	const struct neighbour *who, const uint8_t mac[6], uint8_t out[NEIGHBOUR_FRAME])
{
	unsigned type = who->is_v6 ? TYPE_IPV6 : TYPE_ARP;
	memset(out, 0xff, 6);
	memcpy(out + 6, mac, 6);
	out[12] = (uint8_t)(type >> 8);
	out[13] = (uint8_t)type;
	return who->is_v6 ? advertise(who, out + FRAME_ETHERNET)
			  : answer_arp(who, mac, out + FRAME_ETHERNET);
}

bool neighbour_is_claimed(
	const uint8_t *frame, size_t size, struct neighbour *ret, uint8_t ret_mac[6])
{
	const uint8_t *packet = frame + FRAME_ETHERNET;
	if (is_arp(frame, size)) {
		set_v4(ret, packet + 14);
		memcpy(ret_mac, packet + 8, 6);
		return true;
	}
	if (size < FRAME_ETHERNET + 44 || get16(frame + 12) != TYPE_IPV6 ||
		packet[6] != IPPROTO_ICMPV6 || packet[40] < ROUTER_SOLICITATION ||
		packet[40] > ADVERTISEMENT)
		return false;
	set_v6(ret, packet + 8);
	memcpy(ret_mac, frame + 6, 6);
	return true;
}
