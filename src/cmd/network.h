/* SPDX-License-Identifier: Apache-2.0 */
/* network.h - the members of "guscio network" */
#ifndef CMD_NETWORK_H
#define CMD_NETWORK_H

#include "cmd/options.h"

extern const struct command command_network_create;
extern const struct command command_network_ls;
extern const struct command command_network_inspect;
extern const struct command command_network_rm;
extern const struct command command_network_prune;

#endif
