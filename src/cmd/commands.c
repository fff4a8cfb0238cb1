/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

const struct command *const commands[] = {&command_run, &command_port, &command_pull,
	&command_images, &command_rmi, &command_push, &command_tag, &command_inspect,
	&command_history, &command_save, &command_load, &command_import, &command_export,
	&command_login, &command_logout, &command_prune, &command_df, &command_purge,
	&command_image, &command_system, &command_network, &command_spec, &command_unshare,
	&command_doctor, NULL};
