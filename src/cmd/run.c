/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/proc.h"
#include "apply/system.h"
#include "base/own.h"
#include "cmd/boot.h"
#include "cmd/commands.h"
#include "cmd/image_root.h"
#include "cmd/listen_fds.h"
#include "cmd/run_life.h"
#include "cmd/run_options.h"
#include "cmd/secret.h"
#include "cmd/tarball.h"
#include "cmd/volume.h"
#include "spec/document.h"
#include "state/record.h"
#include "wire/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static void clean_invocation(struct invocation *to)
{
	clean_fd(&to->lease_fd);
	net_lease_done(&to->place);
	arena_done(&to->arena);
}

static int start_and_stay(struct invocation *to, const struct plan *plan, struct err *e)
{
	struct proc proc = PROC_INIT;
	int status = -1;
	if (!start(plan, &proc, to->notes, e))
		return -1;
	if (to->trace)
		fputs(proc_trace(plan, &proc), stderr);
	print_notes(to->notes);
	state_sweep(plan->host->runtime_dir);
	if (!life_write_cidfile(to, e) || !life_write_pidfile(to, proc.pid, e)) {
		proc_drop(plan, &proc);
		return -1;
	}
	if (invocation_tells(to, "conmon"))
		notify_send("READY=1");
	bool ok = foreground(plan, &proc, to->notes, &status, e);
	proc_drop(plan, &proc);
	return ok ? status : -1;
}

/* docker relabels the caller's files for z and Z; that is never done here, and is said. */
static void note_labels(struct invocation *to)
{
	const struct spec *spec = &to->spec;
	if (access("/sys/fs/selinux/enforce", F_OK) < 0)
		return;
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (strv_has(&spec->mounts[i].options, "z") ||
			strv_has(&spec->mounts[i].options, "Z"))
			notes_add(to->notes, "the SELinux label of '%s' stays as it is",
				spec->mounts[i].source);
}

static int plan_and_start(struct invocation *to, const struct host *host, struct err *e)
{
	struct plan plan;
	if (!invocation_plan(to, host, &plan, e))
		return -1;
	note_labels(to);
	plan.shown = life_show(to, host);
	if (to->explain)
		return print_out(plan_explain(&plan), e) ? 0 : -1;
	return start_and_stay(to, &plan, e);
}

static bool settle(struct invocation *to, struct host *host, struct err *e)
{
	return image_settle(to, host, e) && volumes_settle(to, host, to->explain, e) &&
	       (to->explain || secrets_settle(to, host, e)) && spec_settle_system(&to->spec, e) &&
	       spec_freeze(&to->spec, to->notes, e) && invocation_find_cgroups(to, host) &&
	       (to->spec.root.kind != ROOT_TARBALL || tarball_unpack(to, host, e));
}

static int start_settled(struct invocation *to, const struct host *host, struct err *e)
{
	if (life_is_wanted(to) && !to->explain)
		return life_run(to, host, e);
	if (to->spec.root.kind == ROOT_IMAGE && !image_layers(to, host, e))
		return -1;
	if (!life_check_name(to, host, e))
		return -1;
	bool is_filled = to->explain || volumes_fill(to, host, e);
	int status = is_filled ? plan_and_start(to, host, e) : -1;
	image_done(to, host);
	return status;
}

static int run_invocation(struct invocation *to, struct err *e)
{
	struct host host;
	if (!host_probe(invocation_host_wants(&to->spec), &to->arena, &host, e))
		return -1;
	int status = settle(to, &host, e) ? start_settled(to, &host, e) : -1;
	volumes_drop(to, &host);
	return status;
}

static int print_document(struct invocation *to, struct err *e)
{
	struct host host;
	if (!host_probe(invocation_host_wants(&to->spec), &to->arena, &host, e) ||
		!image_settle(to, &host, e) || !volumes_settle(to, &host, true, e) ||
		!spec_settle_system(&to->spec, e) || !spec_freeze(&to->spec, to->notes, e))
		return -1;
	CLEAN(clean_free) char *text = spec_to_json(&to->spec);
	if (!text) {
		err_what(e, ERR_INTERNAL, "cannot write the document: no memory");
		return -1;
	}
	return print_out(text, e) ? 0 : -1;
}

/* Both commands: the same command line, and something else done with what it means. */
static int read_and(int (*act)(struct invocation *, struct err *), const struct command *self,
	int argc, char **argv, struct notes *notes, struct err *e)
{
	CLEAN(clean_invocation)
	struct invocation to = INVOCATION_INIT(notes, environ);
	bool wants_help;
	if (!arena_init(&to.arena, e) || !invocation_read(&to, self, argc, argv, &wants_help, e))
		return -1;
	if (wants_help)
		return print_out(options_help(self, &to.arena), e) ? 0 : -1;
	if (!listen_fds_settle(&to.spec, environ, life_is_wanted(&to), notes, e))
		return -1;
	return act(&to, e);
}

static int run(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return read_and(run_invocation, self, argc, argv, notes, e);
}

static int create_invocation(struct invocation *to, struct err *e)
{
	to->life.is_created = true;
	return run_invocation(to, e);
}

static int create(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return read_and(create_invocation, self, argc, argv, notes, e);
}

static int boot_invocation(struct invocation *to, struct err *e)
{
	return boot_settle(to, e) ? run_invocation(to, e) : -1;
}

/* A reboot is a start from the beginning, as of a machine: the command line is read again. */
static int boot(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	int status;
	do
		status = read_and(boot_invocation, self, argc, argv, notes, e);
	while (status == SYSTEM_STATUS_REBOOT);
	return status;
}

static int print_spec(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return read_and(print_document, self, argc, argv, notes, e);
}

const struct command command_run = {.name = "run",
	.arguments = "[OPTIONS] [ROOT [COMMAND...]]",
	.summary = "Run a command in a new container",
	.details = "\nROOT is an image (alpine, registry.example/team/tool:1.2), a directory "
		   "(./root), a\n"
		   "tarball (plain, gzip, xz or zstd), or @host, the default: the host's own "
		   "programs,\n"
		   "read-only, with everything else fresh. Without COMMAND what the image says, "
		   "else a\n"
		   "shell; on a terminal then also -i and -t.\n",
	.options = run_options,
	.run = run};

const struct command command_create = {.name = "create",
	.arguments = "[OPTIONS] [ROOT [COMMAND...]]",
	.summary = "Make a container without starting it, and print its id",
	.details = "\nTakes the options of guscio run; start it with guscio start.\n",
	.options = run_options,
	.run = create};

const struct command command_boot = {.name = "boot",
	.arguments = "[OPTIONS] ROOT [WORDS...]",
	.summary = "Boot a whole system in a container",
	.details = "\nROOT is a directory or an image with an init, which becomes pid 1 and gets "
		   "WORDS as its\n"
		   "arguments. The terminal is its console; Ctrl-] three times ends it by force.\n",
	.options = run_options,
	.run = boot};

const struct command command_spec = {.name = "spec",
	.arguments = "[OPTIONS] [ROOT [COMMAND...]]",
	.summary = "Print the OCI config.json that run options mean",
	.details = "\nTakes the options of guscio run. What it prints runs with guscio run "
		   "--bundle and\n"
		   "with other OCI runtimes.\n",
	.options = run_options,
	.run = print_spec};
