/* SPDX-License-Identifier: Apache-2.0 */
/* wire_words.h - numbers as frames and messages have them: the highest byte first */
#ifndef NET_WIRE_WORDS_H
#define NET_WIRE_WORDS_H

#include <stddef.h>
#include <stdint.h>

static inline uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

/* The lower half of @value. */
static inline void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

#endif
