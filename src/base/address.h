/* SPDX-License-Identifier: Apache-2.0 */
/* address.h - IP addresses and networks, as text and back */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDRESS_TEXT_SIZE 64

struct address {
	int family; /* AF_INET, AF_INET6; 0: none */
	uint8_t bytes[16];
};

struct address_net {
	struct address address;
	unsigned prefix;
};

/* A whole text: 10.0.2.3 or fd00::3, no zone, no port. */
bool address_parse(const char *text, struct address *ret);
/* ADDRESS/PREFIX. Bits behind the prefix may be set: the caller decides what that means. */
bool address_parse_net(const char *text, struct address_net *ret);
/* Six bytes as 02:42:ac:11:00:02. A group address belongs to no device: refused. */
bool address_parse_mac(const char *text, uint8_t ret[6]);

/* @buf has ADDRESS_TEXT_SIZE bytes; returns it. */
const char *address_print(const struct address *a, char *buf);

/* 4 or 16. */
size_t address_size(const struct address *a);
bool address_equal(const struct address *a, const struct address *b);
bool address_in(const struct address *a, const struct address_net *net);
/* The address @nth behind the network's own; the network must have room for it. */
struct address address_nth(const struct address_net *net, uint32_t nth);
/* How many addresses a network has, at most UINT32_MAX. */
uint32_t address_room(const struct address_net *net);
/* Is it 127.0.0.0/8 or ::1? */
bool address_is_loopback(const struct address *a);

#endif
