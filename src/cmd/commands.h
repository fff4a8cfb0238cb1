/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - every command of guscio */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

#include "cmd/options.h"

extern const struct command command_run;
extern const struct command command_spec;
extern const struct command command_unshare;
extern const struct command command_doctor;

/* NULL-ended, in the order of "guscio --help". */
extern const struct command *const commands[];

#endif
