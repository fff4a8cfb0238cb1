/* SPDX-License-Identifier: Apache-2.0 */
/* mount_options.h - the option words of a mount, and the short ways to write one */
#ifndef SPEC_MOUNT_OPTIONS_H
#define SPEC_MOUNT_OPTIONS_H

#include "spec/spec.h"

#include <sys/mount.h>

struct mount_flags {
	uint64_t attr_set; /* MOUNT_ATTR_* */
	uint64_t attr_clr;
	bool recursive;	      /* rbind (the default for binds): with everything below */
	bool recursive_attr;  /* rro, rnosuid …, and ro: applied to everything below */
	uint64_t propagation; /* MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE */
	bool propagation_recursive;
	bool create_source; /* bind-create-src, or a docker-style missing source */
	struct strv data;   /* file system options: size=64m, mode=1777, lowerdir=… */
};

/*
 * mount_options_parse() - option words to flags
 * Knows every word of mount(8) that the kernel has for an unprivileged mount, the OCI
 * recursive forms (rro rrw rnosuid …), propagation words, "z"/"Z" (no effect
 * without SELinux), "exec", "U" (refused with a reason). An unknown word is ERR_USAGE,
 * with the nearest known one as hint; a word that the type does not take too.
 */
bool mount_options_parse(
	const struct mount_spec *m, struct arena *a, struct mount_flags *ret, struct err *e);

/* The source of a bind that is a volume without a name, before it is given one. */
#define MOUNT_ANONYMOUS ""

/* -v SRC:DST[:OPTIONS] or -v DST (an anonymous volume). ':' in a path: "\:". */
bool mount_from_volume(const char *text, struct arena *a, struct mount_spec *ret, struct err *e);
/* --mount type=bind,source=/a,target=/b,readonly; CSV with quotes, as docker. */
bool mount_from_mount(const char *text, struct arena *a, struct mount_spec *ret, struct err *e);
/* --tmpfs DST[:OPTIONS] */
bool mount_from_tmpfs(const char *text, struct arena *a, struct mount_spec *ret, struct err *e);

/* Is this source of a bind a volume's name? Letters, digits, and after the first also _ . - */
bool mount_is_volume_name(const char *s);

#endif
