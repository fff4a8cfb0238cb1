/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resolv_conf.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

bool endpoint_parse(const char *text, uint16_t port, union endpoint *ret)
{
	union endpoint at = {0};
	char address[INET6_ADDRSTRLEN];
	size_t length = strcspn(text, "%");
	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	if (!text[length] && inet_pton(AF_INET, address, &at.v4.sin_addr) == 1) {
		at.v4.sin_family = AF_INET;
		at.v4.sin_port = htons(port);
	} else if (inet_pton(AF_INET6, address, &at.v6.sin6_addr) == 1) {
		at.v6.sin6_family = AF_INET6;
		at.v6.sin6_port = htons(port);
		if (text[length])
			at.v6.sin6_scope_id = if_nametoindex(text + length + 1);
		if (text[length] && !at.v6.sin6_scope_id)
			return false;
	} else {
		return false;
	}
	*ret = at;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void parse_line(const char *line, size_t size, struct resolvers *ret)
{
	static const char key[] = "nameserver";
	char word[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
	size_t at = sizeof(key) - 1, length = 0;
	if (size <= at || memcmp(line, key, at) != 0 || !is_blank(line[at]))
		return;
	while (at < size && is_blank(line[at]))
		at++;
	while (at < size && !is_blank(line[at]) && line[at] && length < sizeof(word) - 1)
		word[length++] = line[at++];
	word[length] = '\0';
	if (ret->n < RESOLVERS_MAX && endpoint_parse(word, 53, &ret->at[ret->n]))
		ret->n++;
}

void resolv_conf_parse(const char *text, size_t size, struct resolvers *ret)
{
	ret->n = 0;
	while (size > 0) {
		const char *end = memchr(text, '\n', size);
		size_t length = end ? (size_t)(end - text) : size;
		parse_line(text, length, ret);
		if (!end)
			return;
		size -= length + 1;
		text = end + 1;
	}
}
