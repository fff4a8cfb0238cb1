/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tap.h"
#include "base/own.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

/* Ethernet, IPv4 or IPv6 without options, and TCP with all of its options. */
#define HEADERS_MAX (FRAME_ETHERNET + 40 + 60)

/*
 * Into which units a large segment is said to be cut. The container's kernel acknowledges every
 * second unit: if the window were one of them, it would keep that to itself for 40 ms.
 */
#define UNIT_MAX 8960

bool tap_use(struct tap *tap, int take_fd, size_t mtu, struct err *e)
{
	struct ifreq request = {.ifr_flags = 0};
	int size = sizeof(tap->header);
	tap->fd = take_fd;
	tap->mtu = mtu;
	int flags = fcntl(take_fd, F_GETFL);
	if (flags < 0 || fcntl(take_fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
		ioctl(take_fd, TUNGETIFF, &request) < 0)
		return err_sys(e, "use the network device");
	tap->has_header = request.ifr_flags & IFF_VNET_HDR;
	if (!tap->has_header)
		return true;
	if (ioctl(take_fd, TUNSETVNETHDRSZ, &size) < 0 ||
		ioctl(take_fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0)
		return err_sys(e, "set up the network device");
	return true;
}

/* The kernel left the sum to whoever puts the frame on a wire; libslirp wants to see it. */
bool tap_complete(struct tap *tap, size_t size)
{
	if (!tap->has_header || !(tap->header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return true;
	size_t start = tap->header.csum_start, at = start + tap->header.csum_offset;
	if (start > size || at + 2 > size)
		return false;
	uint16_t sum = frame_fold(frame_sum(tap->buffer + start, size - start, 0));
	memcpy(tap->buffer + at, &sum, 2);
	return true;
}

uint8_t *tap_read(struct tap *tap, size_t *ret_size)
{
	struct iovec parts[2] = {{&tap->header, tap->has_header ? sizeof(tap->header) : 0},
		{tap->buffer, sizeof(tap->buffer)}};
	ssize_t got = readv(tap->fd, parts, 2);
	if (got < (ssize_t)parts[0].iov_len)
		return NULL;
	*ret_size = (size_t)got - parts[0].iov_len;
	return tap->buffer;
}

/*
 * The sum of a TCP segment is left out, as if it had come over a veth pair: in its place
 * stands that of the pseudo header. @size is the frame's as its headers say it. Returns how many
 * bytes of @headers take the frame's place.
 */
static size_t describe_tcp(const struct tap *tap, const uint8_t *frame, size_t size,
	struct virtio_net_hdr *header, uint8_t *headers)
{
	size_t ip = frame_tcp_header(frame, size);
	if (!ip)
		return 0;
	size_t tcp = FRAME_ETHERNET + ip, length = tcp + (size_t)(frame[tcp + 12] >> 4) * 4;
	if (length > size || length < tcp + 20)
		return 0;
	memcpy(headers, frame, length);
	uint16_t sum = (uint16_t)~frame_pseudo_sum(frame, size);
	memcpy(headers + tcp + 16, &sum, 2);
	header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	header->csum_start = (uint16_t)tcp;
	header->csum_offset = 16;
	size_t unit = tap->mtu - ip - (length - tcp);
	if (unit > UNIT_MAX)
		unit = UNIT_MAX;
	if (size - length > unit) {
		header->gso_type = ip == 40 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
		header->gso_size = (uint16_t)unit;
		header->hdr_len = (uint16_t)length;
	}
	return length;
}

/* @more: what belongs to the end of the frame, but lies elsewhere. */
static void write_parts(const struct tap *tap, const uint8_t *frame, size_t size,
	const uint8_t *more, size_t n_more)
{
	struct virtio_net_hdr header = {0};
	uint8_t headers[HEADERS_MAX];
	size_t done = 0;
	if (tap->has_header)
		done = describe_tcp(tap, frame, size + n_more, &header, headers);
	struct iovec parts[4] = {{&header, tap->has_header ? sizeof(header) : 0}, {headers, done},
		{(uint8_t *)frame + done, size - done}, {(uint8_t *)more, n_more}};
	while (writev(tap->fd, parts, more ? 4 : 3) < 0 && errno == EINTR)
		;
}

void tap_write_segment(const struct tap *tap, uint8_t *headers, size_t n_headers,
	const uint8_t *payload, size_t n_payload)
{
	size_t ip = frame_tcp_header(headers, n_headers + n_payload);
	uint8_t *tcp = headers + FRAME_ETHERNET + ip;
	if (!tap->has_header && ip > 0) {
		uint64_t sum = (uint16_t)~frame_pseudo_sum(headers, n_headers + n_payload);
		memset(tcp + 16, 0, 2);
		sum = frame_sum(tcp, n_headers - FRAME_ETHERNET - ip, sum);
		uint16_t folded = frame_fold(frame_sum(payload, n_payload, sum));
		memcpy(tcp + 16, &folded, 2);
	}
	write_parts(tap, headers, n_headers, payload, n_payload);
}

/* libslirp knows no MTU: a datagram that is too large for the device goes in pieces. */
static void write_fragments(const struct tap *tap, const uint8_t *frame, size_t size)
{
	uint8_t headers[FRAME_ETHERNET + 20];
	size_t step = (tap->mtu - 20) & ~(size_t)7;
	for (size_t at = sizeof(headers); at < size; at += step) {
		size_t n = size - at < step ? size - at : step;
		memcpy(headers, frame, sizeof(headers));
		frame_make_fragment(headers, at - sizeof(headers), n, at + n < size);
		write_parts(tap, headers, sizeof(headers), frame + at, n);
	}
}

void tap_write(const struct tap *tap, const void *bytes, size_t size)
{
	const uint8_t *frame = bytes;
	if (size > tap->mtu + FRAME_ETHERNET && frame_may_fragment(frame, size))
		write_fragments(tap, frame, size);
	else
		write_parts(tap, frame, size, NULL, 0);
}
