/* SPDX-License-Identifier: Apache-2.0 */
/* groups.c - "guscio image rm" and "guscio system df": docker's longer names for the same commands
 */
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/network.h"

#include <stdio.h>
#include <string.h>

struct member {
	const char *name;
	const struct command *command;
};

static const struct member image_members[] = {{"export", &command_image_export},
	{"history", &command_history}, {"import", &command_import},
	{"inspect", &command_image_inspect}, {"list", &command_images}, {"load", &command_load},
	{"ls", &command_images}, {"prune", &command_prune}, {"pull", &command_pull},
	{"push", &command_push}, {"rm", &command_rmi}, {"save", &command_save},
	{"tag", &command_tag}, {NULL, NULL}};

static const struct member container_members[] = {{"attach", &command_attach},
	{"commit", &command_commit}, {"cp", &command_cp}, {"diff", &command_diff},
	{"export", &command_container_export}, {"create", &command_create}, {"exec", &command_exec},
	{"inspect", &command_container_inspect}, {"kill", &command_kill}, {"list", &command_ps},
	{"logs", &command_logs}, {"ls", &command_ps}, {"prune", &command_container_prune},
	{"ps", &command_ps}, {"rename", &command_rename}, {"restart", &command_restart},
	{"rm", &command_rm}, {"run", &command_run}, {"start", &command_start},
	{"stop", &command_stop}, {"top", &command_top}, {"wait", &command_wait}, {NULL, NULL}};

static const struct member generate_members[] = {{"quadlet", &command_generate_quadlet},
	{"systemd", &command_generate_systemd}, {NULL, NULL}};

static const struct member system_members[] = {{"df", &command_df}, {"events", &command_events},
	{"prune", &command_system_prune}, {"reset", &command_purge}, {NULL, NULL}};

static const struct member network_members[] = {{"create", &command_network_create},
	{"inspect", &command_network_inspect}, {"list", &command_network_ls},
	{"ls", &command_network_ls}, {"prune", &command_network_prune},
	{"remove", &command_network_rm}, {"rm", &command_network_rm}, {NULL, NULL}};

static const struct member volume_members[] = {{"create", &command_volume_create},
	{"inspect", &command_volume_inspect}, {"list", &command_volume_list},
	{"ls", &command_volume_list}, {"prune", &command_volume_prune},
	{"remove", &command_volume_rm}, {"rm", &command_volume_rm}, {NULL, NULL}};

static const struct member secret_members[] = {{"create", &command_secret_create},
	{"exists", &command_secret_exists}, {"inspect", &command_secret_inspect},
	{"list", &command_secret_list}, {"ls", &command_secret_list},
	{"remove", &command_secret_rm}, {"rm", &command_secret_rm}, {NULL, NULL}};

static int print_members(const struct command *self, const struct member *members, struct err *e)
{
	char text[4096];
	size_t n = (size_t)snprintf(text, sizeof(text), "usage: guscio %s %s\n\n%s.\n\ncommands:\n",
		self->name, self->arguments, self->summary);
	for (const struct member *m = members; m->name && n < sizeof(text); m++)
		n += (size_t)snprintf(
			text + n, sizeof(text) - n, "  %-10s %s\n", m->name, m->command->summary);
	snprintf(text + n, sizeof(text) - n, "\noptions:\n  %-32s %s\n", "    --help",
		"show this text");
	return print_out(text, e) ? 0 : -1;
}

static int run_member(const struct command *self, const struct member *members, int argc,
	char **argv, struct notes *notes, struct err *e)
{
	const char *names[48];
	size_t n = 0;
	if (argc < 1 || !strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"))
		return print_members(self, members, e);
	for (const struct member *m = members; m->name; m++) {
		if (!strcmp(m->name, argv[0]))
			return m->command->run(m->command, argc - 1, argv + 1, notes, e);
		names[n++] = m->name;
	}
	names[n] = NULL;
	const char *nearest = text_nearest(argv[0], names);
	err_what(e, ERR_USAGE, "unknown command '%s %s'", self->name, argv[0]);
	if (nearest)
		err_hint(e, "did you mean guscio %s %s?", self->name, nearest);
	else
		err_hint(e, "see: guscio %s --help", self->name);
	return -1;
}

static int run_image(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return run_member(self, image_members, argc, argv, notes, e);
}

static int run_volume(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return run_member(self, volume_members, argc, argv, notes, e);
}

static int run_secret(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return run_member(self, secret_members, argc, argv, notes, e);
}

static int run_container(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return run_member(self, container_members, argc, argv, notes, e);
}

static int run_system(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return run_member(self, system_members, argc, argv, notes, e);
}

static int run_network(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return run_member(self, network_members, argc, argv, notes, e);
}

static int run_generate(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return run_member(self, generate_members, argc, argv, notes, e);
}

static const struct option_def no_options[] = {{0}};

const struct command command_container = {.name = "container",
	.arguments = "COMMAND [OPTIONS] [ARGUMENTS]",
	.summary = "The commands for containers under docker's longer names",
	.details = "",
	.options = no_options,
	.run = run_container};

const struct command command_volume = {.name = "volume",
	.arguments = "COMMAND [OPTIONS] [ARGUMENTS]",
	.summary = "Volumes: directories that have a name and outlive containers",
	.details = "",
	.options = no_options,
	.run = run_volume};

const struct command command_secret = {.name = "secret",
	.arguments = "COMMAND [OPTIONS] [ARGUMENTS]",
	.summary = "Passwords and keys for containers, kept out of images",
	.details = "",
	.options = no_options,
	.run = run_secret};

const struct command command_image = {.name = "image",
	.arguments = "COMMAND [OPTIONS] [ARGUMENTS]",
	.summary = "The commands for images under docker's longer names",
	.details = "",
	.options = no_options,
	.run = run_image};

const struct command command_system = {.name = "system",
	.arguments = "COMMAND [OPTIONS]",
	.summary = "df, prune and reset of the storage",
	.details = "",
	.options = no_options,
	.run = run_system};

const struct command command_network = {.name = "network",
	.arguments = "COMMAND [OPTIONS] [ARGUMENTS]",
	.summary = "Networks that containers share",
	.details = "",
	.options = no_options,
	.run = run_network};

const struct command command_generate = {.name = "generate",
	.arguments = "COMMAND [OPTIONS] [ARGUMENTS]",
	.summary = "Units for systemd that start containers",
	.details = "",
	.options = no_options,
	.run = run_generate};
