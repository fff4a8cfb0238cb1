/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/digest.h"

#include <openssl/evp.h>
#include <stdio.h>

struct digest *digest_new(void)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	if (context && EVP_DigestInit_ex(context, EVP_sha256(), NULL))
		return (struct digest *)context;
	EVP_MD_CTX_free(context);
	return NULL;
}

void digest_add(struct digest *d, const void *data, size_t size)
{
	EVP_DigestUpdate((EVP_MD_CTX *)d, data, size);
}

void digest_finish(struct digest *d, char hex[DIGEST_HEX_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	EVP_DigestFinal_ex((EVP_MD_CTX *)d, digest, &length);
	for (unsigned i = 0; i < length && 2 * i + 2 < DIGEST_HEX_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	EVP_MD_CTX_free((EVP_MD_CTX *)d);
}
