/* SPDX-License-Identifier: Apache-2.0 */
/* document.h - a spec's defaults, its checks, and its OCI config.json */
#ifndef SPEC_DOCUMENT_H
#define SPEC_DOCUMENT_H

#include "base/notes.h"
#include "spec/spec.h"

/*
 * spec_init() - an empty wish with docker's defaults
 *
 * Namespaces private (time: host), docker's capabilities and PATH, the OCI
 * default masked and read-only paths, the OCI default mounts (/proc, /dev,
 * /dev/pts, /dev/shm, /dev/mqueue, /sys, /sys/fs/cgroup), init on, SIGTERM,
 * stop after 10 s. Options then change it.
 */
void spec_init(struct spec *spec, struct arena *arena);

/*
 * spec_freeze() - complete and check; afterwards nobody changes the spec
 *
 * Cleans mount targets, checks every option that can be checked without
 * looking at the machine (relative targets, mount words, sysctl names against
 * the namespaces they belong to, contradictions such as a hostname with
 * --uts=host, a time offset without a time namespace).
 * Errors: ERR_USAGE, with the option as the user wrote it.
 */
bool spec_freeze(struct spec *spec, struct notes *notes, struct err *e);

/*
 * spec_to_json() - the config.json that this spec means
 * Returns text from malloc (the caller frees), or NULL when memory is short.
 */
char *spec_to_json(const struct spec *spec);

/*
 * spec_from_json() - read a bundle's config.json into a spec made by spec_init()
 * @root_dir: the bundle's directory: a relative root.path is taken from there
 * Strict: duplicate keys, wrong types, sizes over the limits are ERR_INPUT and
 * name the key's path ("process.args[0]"); a key that means something we
 * cannot do (hooks, vm, rdma, …) is refused by name; unknown keys get a note.
 */
bool spec_from_json(struct spec *spec, const char *text, size_t size, const char *bundle_dir,
	struct notes *notes, struct err *e);

#endif
