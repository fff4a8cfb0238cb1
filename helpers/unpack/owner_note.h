/* SPDX-License-Identifier: Apache-2.0 */
/*
 * owner_note.h - what a file should be, beside what it could be made
 *
 * The attribute and its form are those of containers/storage and fuse-overlayfs, so
 * that their trees and ours are read alike: "UID:GID:MODE:TYPE", mode in octal,
 * type file, dir, symlink, pipe, socket, or block-MAJOR-MINOR, char-MAJOR-MINOR.
 */
#ifndef UNPACK_OWNER_NOTE_H
#define UNPACK_OWNER_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define OWNER_NOTE_XATTR "user.containers.override_stat"
#define OWNER_NOTE_SIZE	 96

struct owner_note {
	uint32_t uid, gid;
	mode_t mode;	       /* type and permission bits */
	unsigned major, minor; /* of devices */
};

void owner_note_format(const struct owner_note *note, char text[OWNER_NOTE_SIZE]);
/* False when @text, an attribute that anybody may have written, is none. */
bool owner_note_parse(const char *text, struct owner_note *ret);

#endif
