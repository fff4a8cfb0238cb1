/* SPDX-License-Identifier: Apache-2.0 */
/* sum.h - SHA-256 of small things, as "sha256:<hex>"; layers are summed by guscio-unpack */
#ifndef STORE_SUM_H
#define STORE_SUM_H

#include <stddef.h>

#define SUM_SIZE 72

void sum_of(const void *data, size_t size, char ret[SUM_SIZE]);

#endif
