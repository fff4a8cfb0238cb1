/* SPDX-License-Identifier: Apache-2.0 */
/* source.h - the store that the options and the environment name */
#ifndef CMD_SOURCE_H
#define CMD_SOURCE_H

#include "cmd/run_options.h"
#include "host/host.h"
#include "store/store.h"

bool source_open(struct invocation *to, const struct host *host, bool may_create, struct store *ret,
	struct err *e);

#endif
