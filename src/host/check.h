/* SPDX-License-Identifier: Apache-2.0 */
/* check.h - what doctor looks at: every fact of this machine that guscio depends on */
#ifndef HOST_CHECK_H
#define HOST_CHECK_H

#include "host/host.h"

enum check_status {
	CHECK_OK,
	CHECK_WITHOUT, /* works without, and what is lost */
	CHECK_BROKEN,
};

struct check_result {
	const char *id;
	enum check_status status;
	char what[200]; /* the fact */
	char lost[200]; /* what does not work because of it; "" when ok */
	char mend[256]; /* the command that mends it; "" when there is none */
};

#define CHECKS_MAX 32

/*
 * check_all() - look at everything; each check is bounded in time
 * @host: probed with user and ranges
 * Returns how many results were written.
 */
size_t check_all(const struct host *host, struct check_result *results);

#endif
