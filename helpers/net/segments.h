/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segments.h - two TCP segments of one stream become one frame
 *
 * libslirp sends at most 32 KiB at once. What follows one another goes to the container as
 * one large segment: half the calls, half the work of its kernel, one wake-up of its program.
 */
#ifndef NET_SEGMENTS_H
#define NET_SEGMENTS_H

#include "net/frame.h"

/* Smaller ones wait for nobody. */
#define SEGMENT_MIN 16384

/* One that was kept back for the next. */
struct segment_kept {
	size_t size; /* 0: none */
	uint8_t frame[FRAME_MAX];
};

/* Could a frame be the first of two? Plain data of a stream, and large. */
bool segment_may_wait(const uint8_t *frame, size_t size);

/*
 * segment_join() - the headers of both in one
 * @kept: with a frame; its headers become those of the whole
 * @next: the frame behind it
 * @ret_skip: bytes of @next that are headers
 * False when @next does not follow, or both are too large together. Then nothing is changed.
 */
bool segment_join(struct segment_kept *kept, const uint8_t *next, size_t size, size_t *ret_skip);

typedef void (*segment_take)(void *opaque, const uint8_t *frame, size_t size);

/*
 * segment_halve() - hand a segment over in two halves, each with its checksum
 * @frame: changed; one of which frame_tcp_header() is not 0
 * False when it has no payload to be halved; then nobody was called.
 */
bool segment_halve(uint8_t *frame, size_t size, segment_take take, void *opaque);

#endif
