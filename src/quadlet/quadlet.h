/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quadlet.h - files that describe containers, as units that start them
 *
 * podman's Quadlet: NAME.container becomes NAME.service, NAME.volume NAME-volume.service,
 * NAME.network NAME-network.service [podman-systemd.unit(5)]. Text to text: what reads and
 * writes the files is helpers/generator. Beside the rooms that know facts, since it knows none:
 * it makes command lines of guscio, and what they mean is said where they are read.
 */
#ifndef QUADLET_QUADLET_H
#define QUADLET_QUADLET_H

#include "quadlet/unit_file.h"

/* All files together: what is made of them has room in an arena then, whatever is in them. */
#define QUADLET_INPUT_MAX ((size_t)256 << 10)

/* How each unit begins that is made here. */
#define QUADLET_HEAD "# Made by guscio from "

enum quadlet_kind { QUADLET_CONTAINER, QUADLET_VOLUME, QUADLET_NETWORK, QUADLET_KINDS };

struct quadlet_source {
	const char *name; /* web.container */
	const char *path, *dir;
	enum quadlet_kind kind;
	struct unit_file file;
	bool is_refused; /* it could not be read */
};

/* All that were found: they name each other. */
struct quadlet_set {
	struct quadlet_source *v;
	size_t n;
};

struct quadlet_link {
	const char *path, *target; /* default.target.wants/web.service, ../web.service */
};

struct quadlet_unit {
	const char *name; /* web.service */
	const char *text;
	struct quadlet_link *links;
	size_t n_links;
};

/* What a file's name says that it is; false for other files, and for names of no unit. */
bool quadlet_kind_of(const char *name, enum quadlet_kind *ret);

/*
 * quadlet_translate() - the unit of one source
 * @guscio: absolute path of the program that the unit runs
 * Errors: ERR_INPUT, with file and line, and a hint where a key has another name or way.
 */
bool quadlet_translate(const struct quadlet_set *all, const struct quadlet_source *from,
	const char *guscio, struct arena *arena, struct quadlet_unit *ret, struct err *e);

#endif
