/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tap.h - frames to and from the container's device
 *
 * With a device made with IFF_VNET_HDR the two kernels' sides trust us as they trust each
 * other over a veth pair: what never meets a wire needs no checksum, and a TCP segment may
 * be larger than the MTU. So an MTU of 1500 costs no more than one of 65520: libslirp and
 * the container exchange segments of 64 KiB, each marked with the size to cut it to if it
 * ever should be.
 */
#ifndef NET_TAP_H
#define NET_TAP_H

#include "base/err.h"
#include "net/frame.h"
#include "net/segments.h"

#include <linux/virtio_net.h>
#include <sys/types.h>

/*
 * The container may send any size at once, but libslirp's window is 64 KiB: in units of its
 * size there would be one segment on the way, and the container would wait for each. Smaller
 * units give it something to do meanwhile.
 */
#define TAP_MSS_TO_HOST 21845 /* a third of the window */

struct tap {
	int fd;
	bool has_header; /* struct virtio_net_hdr before each frame */
	size_t mtu;
	/* What is read comes by one call, its header just before the frame. */
	struct virtio_net_hdr header;
	uint8_t buffer[FRAME_MAX + 64];
	struct segment_kept kept; /* to be written with the next, or by tap_flush() */
};

/* Does it have IFF_VNET_HDR? Then it is set up for that. @take_fd is made non-blocking. */
bool tap_use(struct tap *tap, int take_fd, size_t mtu, struct err *e);

/* The next frame, with its checksum, to be used before the next call; NULL when there is none. */
uint8_t *tap_read(struct tap *tap, size_t *ret_size);

/* A frame that the device does not take is lost, as on a wire. */
void tap_write(struct tap *tap, const void *frame, size_t size);
/* Before waiting: nothing is kept back any longer. */
void tap_flush(struct tap *tap);

#endif
