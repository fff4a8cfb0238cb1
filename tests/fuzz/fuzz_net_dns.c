/* SPDX-License-Identifier: Apache-2.0 */
/* A message, as question and as answer, and the same bytes as resolv.conf. */
#include "fuzz.h"

#include "net/dns_message.h"
#include "net/resolv_conf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct resolvers resolvers;
	struct dns_question q, a;
	uint8_t out[DNS_ANSWER_MAX];
	/* Memory of just this size, so that a byte too far is seen. */
	uint8_t *copy = malloc(size ? size : 1);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	resolv_conf_parse((const char *)copy, size, &resolvers);
	if (dns_read(copy, size, &q)) {
		union endpoint v6 = {.v6.sin6_family = AF_INET6};
		const union endpoint *addresses[NAME_ANSWERS_MAX];
		for (size_t i = 0; i < NAME_ANSWERS_MAX; i++)
			addresses[i] = &v6;
		size_t n = dns_answer(copy, &q, DNS_OK, addresses, NAME_ANSWERS_MAX, out);
		if (!dns_read(out, n, &a) || !dns_same_question(copy, &q, out, &a) ||
			!a.is_response)
			abort();
	}
	if (dns_truncate(copy, size, 40) > (size > 40 ? 40 : size))
		abort();
	free(copy);
	return 0;
}
