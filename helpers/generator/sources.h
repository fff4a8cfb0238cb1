/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sources.h - the files that describe containers, wherever they are
 *
 * In this order, the first of a name counts:
 *	$XDG_CONFIG_HOME/guscio/systemd/	(~/.config without the variable)
 *	$XDG_CONFIG_HOME/containers/systemd/
 *	/etc/containers/systemd/users/UID/
 *	/etc/containers/systemd/users/
 * and in their subdirectories. Drop-ins are in NAME.container.d/ of any of them. The directories
 * of others than guscio are left to podman where podman has a generator of its own.
 */
#ifndef GENERATOR_SOURCES_H
#define GENERATOR_SOURCES_H

#include "quadlet/quadlet.h"

struct sources {
	struct arena *arena;
	struct quadlet_set set;
	struct strv dirs;    /* those that are read, with their subdirectories */
	const char *left_to; /* who has the others; NULL: they are read */
	/* Called for each file that cannot be used; the others go on. */
	void (*complain)(const struct err *e);
};

/* Fills in the set. Errors: none; what is wrong is complained of. */
void sources_read(struct sources *s);

#endif
