/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_message.h - as much of DNS as a forwarder needs: one question, and short answers
 *
 * Messages of both sides are an attacker's bytes. Nothing is read behind @size, and no
 * compressed name is followed: a question has none. [RFC 1035]
 */
#ifndef NET_DNS_MESSAGE_H
#define NET_DNS_MESSAGE_H

#include "net/names.h"

#define DNS_HEADER	12
#define DNS_MESSAGE_MAX 65535
#define DNS_ANSWER_MAX	(DNS_HEADER + 260 + NAME_ANSWERS_MAX * 28)

enum {
	DNS_OK = 0,
	DNS_FORMAT = 1,
	DNS_FAILED = 2,
	DNS_NO_NAME = 3,
	DNS_UNKNOWN = 4,
	DNS_REFUSED = 5
};
enum { DNS_TYPE_A = 1, DNS_TYPE_AAAA = 28 };

struct dns_question {
	uint16_t id;
	uint16_t type;
	uint16_t class;
	uint8_t rcode;
	bool is_response;
	bool is_query;	      /* of the ordinary kind (opcode 0) */
	size_t end;	      /* where the question ends; it begins behind the header */
	char name[NAME_SIZE]; /* lower case; a byte that is no host name's became '?' */
};

/* Header and the only question. False when there is not exactly one, or it is cut off. */
bool dns_read(const uint8_t *message, size_t size, struct dns_question *ret);

/* Is @answer's question that of @query, whatever case its letters have? */
bool dns_same_question(const uint8_t *query, const struct dns_question *q, const uint8_t *answer,
	const struct dns_question *a);

/*
 * dns_answer() - the reply to a question, with addresses or without
 * @query: where @q was read from
 * @out: room for DNS_ANSWER_MAX
 * Returns its size.
 */
size_t dns_answer(const uint8_t *query, const struct dns_question *q, unsigned rcode,
	const union endpoint *const *addresses, size_t n, uint8_t *out);

/* Cuts an answer that is too long for its way down to its question: the client comes by TCP. */
size_t dns_truncate(uint8_t *answer, size_t size, size_t room);

#endif
