/* SPDX-License-Identifier: Apache-2.0 */
/* digest.h - SHA-256 by libcrypto; a file of its own, since OpenSSL's names meet ours */
#ifndef UNPACK_DIGEST_H
#define UNPACK_DIGEST_H

#include <stddef.h>

#define DIGEST_HEX_SIZE 65

struct digest;

/* NULL when memory or the algorithm is missing. */
struct digest *digest_new(void);
void digest_add(struct digest *d, const void *data, size_t size);
/* Writes the hex form and frees @d. */
void digest_finish(struct digest *d, char hex[DIGEST_HEX_SIZE]);

#endif
