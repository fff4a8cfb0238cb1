/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

const struct command *const commands[] = {&command_run, &command_create, &command_start,
	&command_stop, &command_restart, &command_kill, &command_rm, &command_ps, &command_logs,
	&command_exec, &command_shell, &command_attach, &command_wait, &command_rename,
	&command_top, &command_cp, &command_events, &command_diff, &command_commit, &command_port,
	&command_pull, &command_images, &command_rmi, &command_push, &command_tag, &command_inspect,
	&command_history, &command_save, &command_load, &command_import, &command_export,
	&command_login, &command_logout, &command_prune, &command_df, &command_purge,
	&command_container, &command_image, &command_system, &command_volume, &command_secret,
	&command_network, &command_boot, &command_stats, &command_pause, &command_unpause,
	&command_update, &command_generate, &command_spec, &command_unshare, &command_doctor, NULL};
