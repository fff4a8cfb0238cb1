/* SPDX-License-Identifier: Apache-2.0 */
#include "scope/bus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HEADER_SIZE 16 /* up to the first field */
#define SERIAL	    1

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTE_ORDER_MARK 'l'
#else
#define BYTE_ORDER_MARK 'B'
#endif

enum field { FIELD_PATH = 1, FIELD_INTERFACE, FIELD_MEMBER, FIELD_REPLY = 5, FIELD_SIGNATURE = 8 };

/* Writing. */
static void add_bytes(struct bus_call *call, const void *bytes, size_t n)
{
	if (call->is_too_long || n > sizeof(call->data) - call->n) {
		call->is_too_long = true;
		return;
	}
	memcpy(call->data + call->n, bytes, n);
	call->n += n;
}

static void align_to(struct bus_call *call, size_t align)
{
	static const uint8_t zeros[8];
	add_bytes(call, zeros, (align - call->n % align) % align);
}

void bus_add_u32(struct bus_call *call, uint32_t value)
{
	align_to(call, 4);
	add_bytes(call, &value, sizeof(value));
}

void bus_add_u64(struct bus_call *call, uint64_t value)
{
	align_to(call, 8);
	add_bytes(call, &value, sizeof(value));
}

void bus_add_text(struct bus_call *call, const char *text)
{
	bus_add_u32(call, (uint32_t)strlen(text));
	add_bytes(call, text, strlen(text) + 1);
}

void bus_add_signature(struct bus_call *call, const char *signature)
{
	uint8_t len = (uint8_t)strlen(signature);
	add_bytes(call, &len, 1);
	add_bytes(call, signature, len + 1u);
}

void bus_begin_struct(struct bus_call *call)
{
	align_to(call, 8);
}

/* Its length comes before it, but is known after it; padding to the first element is no part. */
size_t bus_begin_array(struct bus_call *call, size_t align)
{
	align_to(call, 4);
	size_t place = call->n;
	bus_add_u32(call, 0);
	align_to(call, align);
	return place;
}

void bus_end_array(struct bus_call *call, size_t place, size_t align)
{
	size_t first = (place + 4 + align - 1) / align * align;
	uint32_t length = (uint32_t)(call->n - first);
	if (!call->is_too_long)
		memcpy(call->data + place, &length, sizeof(length));
}

static void add_field(
	struct bus_call *call, enum field field, const char *signature, const char *text)
{
	uint8_t code = (uint8_t)field;
	bus_begin_struct(call);
	add_bytes(call, &code, 1);
	bus_add_signature(call, signature);
	if (field == FIELD_SIGNATURE)
		bus_add_signature(call, text);
	else
		bus_add_text(call, text);
}

void bus_begin(struct bus_call *call, const char *method, const char *signature)
{
	const uint8_t start[] = {BYTE_ORDER_MARK, BUS_CALL, 0, 1};
	call->n = 0;
	call->is_too_long = false;
	add_bytes(call, start, sizeof(start));
	bus_add_u32(call, 0);
	bus_add_u32(call, SERIAL);
	size_t fields = bus_begin_array(call, 8);
	add_field(call, FIELD_PATH, "o", "/org/freedesktop/systemd1");
	add_field(call, FIELD_INTERFACE, "s", "org.freedesktop.systemd1.Manager");
	add_field(call, FIELD_MEMBER, "s", method);
	add_field(call, FIELD_SIGNATURE, "g", signature);
	bus_end_array(call, fields, 8);
	align_to(call, 8);
}

static size_t rounded(size_t n, size_t align)
{
	return (n + align - 1) / align * align;
}

static uint32_t u32_at(const uint8_t *data, size_t at)
{
	uint32_t value;
	memcpy(&value, data + at, sizeof(value));
	return value;
}

bool bus_end(struct bus_call *call)
{
	uint32_t length = (uint32_t)(call->n - rounded(HEADER_SIZE + u32_at(call->data, 12), 8));
	memcpy(call->data + 4, &length, sizeof(length));
	return !call->is_too_long;
}

/* Reading: @end bounds everything, and no length is believed before it was compared with it. */
struct cursor {
	const uint8_t *data;
	size_t at, end;
	bool is_bad;
};

static void skip_to(struct cursor *c, size_t align)
{
	c->at = rounded(c->at, align);
	c->is_bad |= c->at > c->end;
}

static uint32_t take_u32(struct cursor *c)
{
	skip_to(c, 4);
	if (c->is_bad || c->end - c->at < 4) {
		c->is_bad = true;
		return 0;
	}
	c->at += 4;
	return u32_at(c->data, c->at - 4);
}

static const char *take_chars(struct cursor *c, size_t len)
{
	const char *text = (const char *)c->data + c->at;
	if (c->is_bad || c->end - c->at <= len || text[len] || memchr(text, 0, len)) {
		c->is_bad = true;
		return "";
	}
	c->at += len + 1;
	return text;
}

static const char *take_text(struct cursor *c)
{
	uint32_t len = take_u32(c);
	return take_chars(c, len);
}

static uint8_t take_byte(struct cursor *c)
{
	if (c->is_bad || c->at >= c->end) {
		c->is_bad = true;
		return 0;
	}
	return c->data[c->at++];
}

static const char *take_signature(struct cursor *c)
{
	size_t len = take_byte(c);
	return take_chars(c, len);
}

/* Only the types that a header's fields have. */
static void take_field(struct cursor *c, struct bus_message *ret, const char **ret_signature)
{
	skip_to(c, 8);
	uint8_t field = take_byte(c);
	const char *type = take_signature(c), *text = "";
	uint32_t number = 0;
	if (!strcmp(type, "g"))
		text = take_signature(c);
	else if (!strcmp(type, "u"))
		number = take_u32(c);
	else if (!strcmp(type, "s") || !strcmp(type, "o"))
		text = take_text(c);
	else
		c->is_bad = true;
	if (field == FIELD_MEMBER)
		ret->member = text;
	else if (field == FIELD_REPLY)
		ret->reply_serial = number;
	else if (field == FIELD_SIGNATURE)
		*ret_signature = text;
}

/* Texts and numbers up to the first argument of another type, which nobody here asks for. */
static void take_words(struct cursor *c, const char *signature, struct bus_message *ret)
{
	for (const char *type = signature; *type && !c->is_bad; type++) {
		if (*type == 'u')
			take_u32(c);
		else if ((*type == 's' || *type == 'o') && ret->n_words < BUS_WORDS_MAX)
			ret->words[ret->n_words++] = take_text(c);
		else
			return;
	}
}

long bus_parse(const uint8_t *data, size_t size, struct bus_message *ret)
{
	struct bus_message message = {.member = ""};
	const char *signature = "";
	if (size < HEADER_SIZE)
		return 0;
	uint32_t body = u32_at(data, 4), fields = u32_at(data, 12);
	if (data[0] != BYTE_ORDER_MARK || data[3] != 1 || body > BUS_INPUT_MAX ||
		fields > BUS_INPUT_MAX)
		return -1;
	size_t body_at = rounded(HEADER_SIZE + (size_t)fields, 8), whole = body_at + body;
	if (whole > BUS_INPUT_MAX)
		return -1;
	if (size < whole)
		return 0;
	struct cursor c = {.data = data, .at = HEADER_SIZE, .end = HEADER_SIZE + (size_t)fields};
	while (c.at < c.end && !c.is_bad)
		take_field(&c, &message, &signature);
	message.type = data[1];
	c.at = body_at;
	c.end = whole;
	take_words(&c, signature, &message);
	if (c.is_bad)
		return -1;
	*ret = message;
	return (long)whole;
}

static int read_more(struct bus *bus)
{
	if (bus->n == sizeof(bus->input))
		return EMSGSIZE;
	ssize_t got = read(bus->fd, bus->input + bus->n, sizeof(bus->input) - bus->n);
	if (got <= 0)
		return got == 0 ? ECONNRESET : errno == EINTR ? 0 : errno;
	bus->n += (size_t)got;
	return 0;
}

static void forget(struct bus *bus, size_t n)
{
	bus->n -= n;
	memmove(bus->input, bus->input + n, bus->n);
}

static int send_all(int fd, const void *data, size_t n)
{
	/* A fresh socket's buffer is larger than anything of ours. */
	ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);
	return sent == (ssize_t)n ? 0 : sent < 0 ? errno : EIO;
}

/* "OK" and its identity in hex, as one line. */
static int await_greeting(struct bus *bus)
{
	uint8_t *end;
	while (!(end = memchr(bus->input, '\n', bus->n))) {
		int error = bus->n > 512 ? EPROTO : read_more(bus);
		if (error)
			return error;
	}
	if (bus->n < 3 || memcmp(bus->input, "OK ", 3) != 0)
		return EACCES;
	forget(bus, (size_t)(end - bus->input) + 1);
	return 0;
}

static int greet(struct bus *bus)
{
	char uid[16], greeting[80];
	size_t n = 1;
	greeting[0] = '\0';
	n += (size_t)sprintf(greeting + n, "AUTH EXTERNAL ");
	snprintf(uid, sizeof(uid), "%u", (unsigned)geteuid());
	for (const char *p = uid; *p; p++)
		n += (size_t)sprintf(greeting + n, "%02x", (unsigned)*p);
	n += (size_t)sprintf(greeting + n, "\r\nBEGIN\r\n");
	int error = send_all(bus->fd, greeting, n);
	return error ? error : await_greeting(bus);
}

int bus_send(struct bus *bus, const char *socket_path, const struct bus_call *call)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(socket_path) >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	strcpy(address.sun_path, socket_path);
	bus->n = bus->used = 0;
	bus->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bus->fd < 0 || connect(bus->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno;
	/* Not behind the greeting at once: what systemd reads with that, the first 256 bytes, it
	 * looks at only when more comes (252). */
	int error = greet(bus);
	return error ? error : send_all(bus->fd, call->data, call->n);
}

int bus_receive(struct bus *bus, struct bus_message *ret)
{
	int error = 0;
	forget(bus, bus->used);
	bus->used = 0;
	while (!error) {
		long size = bus_parse(bus->input, bus->n, ret);
		if (size > 0)
			bus->used = (size_t)size;
		if (size)
			return size < 0 ? EPROTO : 0;
		error = read_more(bus);
	}
	return error;
}
