/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_message.h"
#include "net/wire_words.h"

#include <ctype.h>
#include <string.h>

#define TIME_TO_LIVE 0 /* of our own names: a container may end at any moment */

static uint8_t *append16(uint8_t *at, unsigned value)
{
	put16(at, value);
	return at + 2;
}

static char name_byte(uint8_t c)
{
	if (isalnum(c))
		return (char)tolower(c);
	return c == '-' || c == '_' ? (char)c : '?';
}

/* The end of the name that begins at @at, or 0. */
static size_t read_name(const uint8_t *message, size_t size, size_t at, char *name)
{
	size_t n = 0;
	while (at < size && message[at] != 0) {
		size_t label = message[at++];
		/* Two bits above the length mean a pointer: a question cannot point back. */
		if (label > 63 || label > size - at || n + label + 1 > 254)
			return 0;
		if (n > 0)
			name[n++] = '.';
		for (size_t i = 0; i < label; i++)
			name[n++] = name_byte(message[at++]);
	}
	name[n] = '\0';
	return at < size ? at + 1 : 0;
}

bool dns_read(const uint8_t *message, size_t size, struct dns_question *ret)
{
	if (size < DNS_HEADER || get16(message + 4) != 1)
		return false;
	size_t at = read_name(message, size, DNS_HEADER, ret->name);
	if (at == 0 || size - at < 4)
		return false;
	ret->id = get16(message);
	ret->is_response = message[2] & 0x80;
	ret->is_query = (message[2] & 0x78) == 0;
	ret->rcode = message[3] & 0x0f;
	ret->type = get16(message + at);
	ret->class = get16(message + at + 2);
	ret->end = at + 4;
	return true;
}

bool dns_same_question(const uint8_t *query, const struct dns_question *q, const uint8_t *answer,
	const struct dns_question *a)
{
	if (q->end != a->end || q->type != a->type || q->class != a->class)
		return false;
	/* Lengths of labels are below 64, and so no letters. */
	for (size_t i = DNS_HEADER; i < q->end; i++)
		if (tolower(query[i]) != tolower(answer[i]))
			return false;
	return true;
}

static uint8_t *put_address(uint8_t *at, const union endpoint *address)
{
	bool is_v6 = address->any.sa_family == AF_INET6;
	size_t size = is_v6 ? 16 : 4;
	at = append16(at, 0xc000 | DNS_HEADER); /* the question's name */
	at = append16(at, is_v6 ? DNS_TYPE_AAAA : DNS_TYPE_A);
	at = append16(at, 1);
	at = append16(at, 0);
	at = append16(at, TIME_TO_LIVE);
	at = append16(at, (unsigned)size);
	memcpy(at, is_v6 ? (const void *)&address->v6.sin6_addr : &address->v4.sin_addr, size);
	return at + size;
}

size_t dns_answer(const uint8_t *query, const struct dns_question *q, unsigned rcode,
	const union endpoint *const *addresses, size_t n, uint8_t *out)
{
	memcpy(out, query, q->end);
	out[2] = (uint8_t)(0x80 | (query[2] & 0x79)); /* a response; opcode and RD as asked */
	out[3] = (uint8_t)(0x80 | rcode);	      /* recursion is available */
	put16(out + 6, (unsigned)n);
	put16(out + 8, 0);
	put16(out + 10, 0);
	uint8_t *at = out + q->end;
	for (size_t i = 0; i < n; i++)
		at = put_address(at, addresses[i]);
	return (size_t)(at - out);
}

size_t dns_truncate(uint8_t *answer, size_t size, size_t room)
{
	struct dns_question q;
	if (size <= room || size < DNS_HEADER)
		return size;
	answer[2] |= 0x02;
	memset(answer + 6, 0, 6);
	if (dns_read(answer, size, &q) && q.end <= room)
		return q.end;
	memset(answer + 4, 0, 2);
	return DNS_HEADER;
}
