/* SPDX-License-Identifier: Apache-2.0 */
/* boot.h - what "guscio boot" makes of a command line of "guscio run" */
#ifndef CMD_BOOT_H
#define CMD_BOOT_H

#include "cmd/run_options.h"

/*
 * boot_settle() - the root's init as the program, with the words after ROOT as its arguments
 * Errors: ERR_USAGE no ROOT, or one that cannot be booted.
 */
bool boot_settle(struct invocation *to, struct err *e);

#endif
