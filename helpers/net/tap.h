/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tap.h - frames to and from the container's device
 *
 * With a device made with IFF_VNET_HDR a frame of the container may be larger than its MTU,
 * and has no checksum yet: the kernel does neither cut nor add up what never meets a wire.
 */
#ifndef NET_TAP_H
#define NET_TAP_H

#include "base/err.h"
#include "net/frame.h"

#include <sys/types.h>

struct tap {
	int fd;
	bool has_header; /* struct virtio_net_hdr before each frame */
	size_t mtu;
	/* Room for a header before the frame: what is read comes by one call. */
	uint8_t buffer[FRAME_MAX + 64];
};

/* @take_fd is made non-blocking. */
bool tap_use(struct tap *tap, int take_fd, size_t mtu, struct err *e);

/* The next frame, to be used before the next call; NULL when there is none. */
const uint8_t *tap_read(struct tap *tap, size_t *ret_size);

/* A frame that the device does not take is lost, as on a wire. */
void tap_write(const struct tap *tap, const void *frame, size_t size);

#endif
