/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

const struct command *const commands[] = {
	&command_run, &command_spec, &command_unshare, &command_doctor, NULL};
