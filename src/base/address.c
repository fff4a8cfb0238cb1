/* SPDX-License-Identifier: Apache-2.0 */
#include "base/address.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <string.h>

bool address_parse(const char *text, struct address *ret)
{
	struct address a = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};
	if (inet_pton(a.family, text, a.bytes) != 1)
		return false;
	*ret = a;
	return true;
}

bool address_parse_net(const char *text, struct address_net *ret)
{
	char address[ADDRESS_TEXT_SIZE];
	struct address_net net;
	uint64_t prefix;
	size_t len = strcspn(text, "/");
	if (!text[len] || len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	if (!address_parse(address, &net.address) ||
		!text_to_u64(text + len + 1, address_size(&net.address) * 8, &prefix))
		return false;
	net.prefix = (unsigned)prefix;
	*ret = net;
	return true;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;
	return found ? (int)(found - digits) : -1;
}

bool address_parse_mac(const char *text, uint8_t ret[6])
{
	uint8_t mac[6];
	if (strlen(text) != 17)
		return false;
	for (int i = 0; i < 6; i++) {
		int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);
		if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':'))
			return false;
		mac[i] = (uint8_t)(high * 16 + low);
	}
	if (mac[0] & 1)
		return false;
	memcpy(ret, mac, 6);
	return true;
}

const char *address_print(const struct address *a, char *buf)
{
	if (!a->family || !inet_ntop(a->family, a->bytes, buf, ADDRESS_TEXT_SIZE))
		buf[0] = '\0';
	return buf;
}

size_t address_size(const struct address *a)
{
	return a->family == AF_INET6 ? 16 : 4;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, address_size(a));
}

bool address_in(const struct address *a, const struct address_net *net)
{
	unsigned whole = net->prefix / 8, rest = net->prefix % 8;
	uint8_t mask = (uint8_t)(0xff00u >> rest);
	return a->family == net->address.family && !memcmp(a->bytes, net->address.bytes, whole) &&
	       (!rest || !((a->bytes[whole] ^ net->address.bytes[whole]) & mask));
}

struct address address_nth(const struct address_net *net, uint32_t nth)
{
	struct address a = net->address;
	size_t size = address_size(&a);
	for (size_t i = 0; i < size * 8; i++)
		if (i >= net->prefix)
			a.bytes[i / 8] &= (uint8_t) ~(0x80u >> (i % 8));
	uint64_t carry = nth;
	for (size_t i = size; i-- > 0 && carry;) {
		carry += a.bytes[i];
		a.bytes[i] = (uint8_t)carry;
		carry >>= 8;
	}
	return a;
}

uint32_t address_room(const struct address_net *net)
{
	size_t bits = address_size(&net->address) * 8 - net->prefix;
	return bits >= 32 ? UINT32_MAX : (uint32_t)1 << bits;
}

bool address_is_loopback(const struct address *a)
{
	static const uint8_t one[16] = {[15] = 1};
	return a->family == AF_INET ? a->bytes[0] == 127
				    : a->family == AF_INET6 && !memcmp(a->bytes, one, 16);
}
