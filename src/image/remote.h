/* SPDX-License-Identifier: Apache-2.0 */
/* remote.h - where a registry is and who we are to it: settings for guscio-fetch */
#ifndef IMAGE_REMOTE_H
#define IMAGE_REMOTE_H

#include "image/auth.h"
#include "store/reference.h"

struct remote_options {
	const char *auth_file;	 /* NULL: the usual places */
	const char *credentials; /* "user:password", NULL: from the files */
	const char *cert_dir;	 /* NULL: certs.d/REGISTRY in the usual places */
	bool is_verify_set, verify;
};

enum remote_action { REMOTE_PULL, REMOTE_PUSH, REMOTE_LOGIN };

/* JSON text in the arena. Errors: ERR_USAGE, ERR_INPUT a wrong file, ERR_HOST a blocked registry.
 */
bool remote_settings(struct arena *arena, const struct reference *reference,
	const struct remote_options *options, enum remote_action action, const char **ret,
	struct err *e);

#endif
