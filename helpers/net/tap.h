/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tap.h - frames to and from the container's device
 *
 * With a device made with IFF_VNET_HDR the two kernels' sides trust us as they trust each
 * other over a veth pair: what never meets a wire needs no checksum, and a TCP segment may
 * be larger than the MTU. So an MTU of 1500 costs no more than one of 65520: both
 * sides exchange segments of 64 KiB, each marked with the size to cut it to if it
 * ever should be.
 */
#ifndef NET_TAP_H
#define NET_TAP_H

#include "base/err.h"
#include "net/frame.h"

#include <linux/virtio_net.h>
#include <sys/types.h>

struct tap {
	int fd;
	bool has_header; /* struct virtio_net_hdr before each frame */
	size_t mtu;
	/* What is read comes by one call, its header just before the frame. */
	struct virtio_net_hdr header;
	uint8_t buffer[FRAME_MAX + 64];
};

/* Does it have IFF_VNET_HDR? Then it is set up for that. @take_fd is made non-blocking. */
bool tap_use(struct tap *tap, int take_fd, size_t mtu, struct err *e);

/*
 * The next frame, to be used before the next call; NULL when there is none. Its checksum may
 * be left to us: tap_complete().
 */
uint8_t *tap_read(struct tap *tap, size_t *ret_size);
/* For who wants to see the checksum of what was read last. False for a frame that is none. */
bool tap_complete(struct tap *tap, size_t size);

/* A frame that the device does not take is lost, as on a wire. */
void tap_write(const struct tap *tap, const void *frame, size_t size);
/*
 * tap_write_segment() - headers and payload of TCP that lie apart
 * @headers: their checksum is set
 */
void tap_write_segment(const struct tap *tap, uint8_t *headers, size_t n_headers,
	const uint8_t *payload, size_t n_payload);
#endif
