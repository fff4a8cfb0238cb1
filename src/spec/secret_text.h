/* SPDX-License-Identifier: Apache-2.0 */
/* secret_text.h - podman's words for a secret that a container gets */
#ifndef SPEC_SECRET_TEXT_H
#define SPEC_SECRET_TEXT_H

#include "spec/spec.h"

#define SPEC_SECRETS_MAX 64

/* --secret NAME[,type=mount|env][,target=][,uid=][,gid=][,mode=]; source=NAME too */
bool spec_add_secret(struct spec *spec, const char *text, struct err *e);

/* The same as text, whole; what is in the secret is no part of it. */
const char *secret_to_text(const struct secret_spec *secret, struct arena *arena);

#endif
