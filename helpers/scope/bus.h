/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus.h - as much of D-Bus as one call to systemd on its own socket needs
 *
 * Messages in the machine's byte order, without descriptors; a call is written into a buffer of
 * fixed size, and what comes is taken apart where it lies. No bus stands between: no names, no
 * rules, no Hello [D-Bus specification 0.41; systemd does the same for systemctl].
 */
#ifndef SCOPE_BUS_H
#define SCOPE_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUS_CALL_MAX  8192
#define BUS_INPUT_MAX (256 * 1024)
#define BUS_WORDS_MAX 4

enum bus_type { BUS_CALL = 1, BUS_RETURN, BUS_ERROR, BUS_SIGNAL };

/* A call of org.freedesktop.systemd1.Manager while it is written. */
struct bus_call {
	uint8_t data[BUS_CALL_MAX];
	size_t n;
	bool is_too_long;
};

/* @signature: of the arguments that follow, each by one of the functions below. */
void bus_begin(struct bus_call *call, const char *method, const char *signature);
void bus_add_text(struct bus_call *call, const char *text);
void bus_add_u32(struct bus_call *call, uint32_t value);
void bus_add_u64(struct bus_call *call, uint64_t value);
/* An array; what it returns is for the end. @align: of an element */
size_t bus_begin_array(struct bus_call *call, size_t align);
void bus_end_array(struct bus_call *call, size_t place, size_t align);
/* A struct begins. */
void bus_begin_struct(struct bus_call *call);
/* A variant begins: its value's signature. */
void bus_add_signature(struct bus_call *call, const char *signature);
/* False when it did not fit. */
bool bus_end(struct bus_call *call);

/* A message that came; texts lie in the input, and hold until that changes. */
struct bus_message {
	enum bus_type type;
	uint32_t reply_serial;
	const char *member;		  /* "" when there is none */
	const char *words[BUS_WORDS_MAX]; /* texts and paths of its arguments, in order */
	size_t n_words;
};

/*
 * bus_parse() - the message at the beginning of @data
 * Returns its size, 0 when there is not all of it, -1 when it is none or too long.
 */
long bus_parse(const uint8_t *data, size_t size, struct bus_message *ret);

struct bus {
	int fd;
	size_t n, used; /* bytes of the input, and those of the message last returned */
	uint8_t input[BUS_INPUT_MAX];
};

/* Connects, greets and sends the call. Both return 0 or an errno; EACCES: it does not let us in. */
int bus_send(struct bus *bus, const char *socket, const struct bus_call *call);
/* Waits for the next message. */
int bus_receive(struct bus *bus, struct bus_message *ret);

#endif
