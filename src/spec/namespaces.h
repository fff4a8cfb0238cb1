/* SPDX-License-Identifier: Apache-2.0 */
/* namespaces.h - the OCI spec's names of namespaces and resource limits */
#ifndef SPEC_NAMESPACES_H
#define SPEC_NAMESPACES_H

#include "spec/spec.h"

extern const char *const spec_ns_names[NS_KINDS];

/* "RLIMIT_NOFILE" of a resource, and back; NULL or false when unknown. */
const char *spec_rlimit_name(int resource);
bool spec_rlimit_find(const char *name, int *ret);

#endif
