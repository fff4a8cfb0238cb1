/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - every command of guscio */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

#include "cmd/options.h"

extern const struct command command_run;
extern const struct command command_boot;
extern const struct command command_stats;
extern const struct command command_pause;
extern const struct command command_unpause;
extern const struct command command_update;
extern const struct command command_spec;
extern const struct command command_unshare;
extern const struct command command_doctor;
extern const struct command command_port;
extern const struct command command_pull;
extern const struct command command_images;
extern const struct command command_rmi;
extern const struct command command_push;
extern const struct command command_tag;
extern const struct command command_inspect;
extern const struct command command_image_inspect;
extern const struct command command_container_inspect;
extern const struct command command_top;
extern const struct command command_cp;
extern const struct command command_events;
extern const struct command command_commit;
extern const struct command command_diff;
extern const struct command command_container_export;
extern const struct command command_image_export;
extern const struct command command_volume_create;
extern const struct command command_volume_list;
extern const struct command command_volume_inspect;
extern const struct command command_volume_rm;
extern const struct command command_volume_prune;
extern const struct command command_volume;
extern const struct command command_secret_create;
extern const struct command command_secret_list;
extern const struct command command_secret_inspect;
extern const struct command command_secret_rm;
extern const struct command command_secret_exists;
extern const struct command command_secret;
extern const struct command command_history;
extern const struct command command_save;
extern const struct command command_load;
extern const struct command command_import;
extern const struct command command_export;
extern const struct command command_login;
extern const struct command command_logout;
extern const struct command command_prune;
extern const struct command command_df;
extern const struct command command_system_prune;
extern const struct command command_purge;
extern const struct command command_create;
extern const struct command command_start;
extern const struct command command_stop;
extern const struct command command_restart;
extern const struct command command_kill;
extern const struct command command_wait;
extern const struct command command_rename;
extern const struct command command_rm;
extern const struct command command_ps;
extern const struct command command_logs;
extern const struct command command_attach;
extern const struct command command_exec;
extern const struct command command_shell;
extern const struct command command_container_prune;
extern const struct command command_container;
extern const struct command command_image;
extern const struct command command_system;
extern const struct command command_network;
extern const struct command command_generate;
extern const struct command command_generate_quadlet;
extern const struct command command_generate_systemd;

/* NULL-ended, in the order of "guscio --help". */
extern const struct command *const commands[];

#endif
