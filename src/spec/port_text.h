/* SPDX-License-Identifier: Apache-2.0 */
/* port_text.h - published ports as docker writes them */
#ifndef SPEC_PORT_TEXT_H
#define SPEC_PORT_TEXT_H

#include "base/notes.h"
#include "spec/spec.h"

/*
 * port_from_text() - [ADDRESS:][HOST[-LAST]:]CONTAINER[-LAST][/tcp|/udp]
 *
 * An IPv6 address stands in brackets. Without HOST the kernel chooses a port. Ranges on both
 * sides are of one length; a range of the host for one port of the container means one that
 * is free.
 * Errors: ERR_USAGE, and *ret is unchanged.
 */
bool port_from_text(const char *text, struct arena *arena, struct port_spec *ret, struct err *e);

/* CONTAINER[-LAST][/tcp|/udp], as images and --expose say it. */
bool port_exposed_from_text(const char *text, struct port_spec *ret, struct err *e);

/* CONTAINER[/tcp|/udp]=DESCRIPTOR */
bool port_from_fd_text(const char *text, struct port_spec *ret, struct err *e);

/* The same text again, in the arena; of a port with a descriptor the --fd form. */
const char *port_to_text(const struct port_spec *port, struct arena *arena);

/* -p, --fd: adds to the spec's ports. --expose and images: to those that -P publishes. */
bool spec_add_port(struct spec *spec, const char *text, struct err *e);
bool spec_add_port_fd(struct spec *spec, const char *text, struct err *e);
bool spec_add_exposed(struct spec *spec, const char *text, struct err *e);

/*
 * ports_settle() - what -P adds, and whether all ports fit beside each other
 * Errors: ERR_USAGE a port of the host, or a descriptor, that two ports want; ports on a network
 *         that is not the container's own.
 */
bool ports_settle(struct spec *spec, struct notes *notes, struct err *e);

#endif
