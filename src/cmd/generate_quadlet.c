/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate_quadlet.c - "guscio generate quadlet": units of files that describe containers
 *
 * systemd looks for generators in directories of root's only. Who has nobody to put a
 * link there has a unit of one's own run the same program when the manager starts
 * (--enable); the units then are in $XDG_RUNTIME_DIR/systemd/user.
 */
#include "base/own.h"
#include "cmd/commands.h"
#include "cmd/container_command.h"
#include "quadlet/words.h"
#include "sys/files.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define UNIT "guscio-quadlet.service"

#define SETTER(name) static bool name(struct invocation *to, const char *value, struct err *e)

SETTER(set_dryrun)
{
	return option_bool(value, "dryrun", &to->explain, e);
}

SETTER(set_enable)
{
	return option_bool(value, "enable", &to->unit.is_new, e);
}

SETTER(set_disable)
{
	return option_bool(value, "disable", &to->force, e);
}

static const char *generator(struct container_command *c)
{
	return arena_printf(&c->to.arena, "%s/guscio-user-generator", c->host.helper_dir);
}

static bool run_generator(
	struct container_command *c, const char *option, const char *dir, struct err *e)
{
	static const int stdio[3] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
	pid_t pid;
	char *const argv[] = {(char *)generator(c), (char *)option, (char *)dir, NULL};
	if (!spawn_program(argv, NULL, 0, stdio, &pid, e)) {
		err_what(e, ERR_HOST, "cannot run guscio-user-generator");
		return err_hint(e, "install guscio whole");
	}
	c->status = spawn_wait(pid);
	return true;
}

/* Where systemd looks for a user's own units, in memory and on the disk. */
static const char *runtime_units(struct container_command *c, struct err *e)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	if (base && base[0] == '/')
		return arena_printf(&c->to.arena, "%s/systemd/user", base);
	err_msg(e, ERR_HOST, "XDG_RUNTIME_DIR is not set");
	err_what(e, ERR_HOST, "there is no directory for units");
	err_hint(e, "it is set where a user's systemd runs: log in, or loginctl enable-linger");
	return NULL;
}

static const char *config_units(struct container_command *c, struct err *e)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	if (base && base[0] == '/')
		return arena_printf(&c->to.arena, "%s/systemd/user", base);
	if (home && home[0] == '/')
		return arena_printf(&c->to.arena, "%s/.config/systemd/user", home);
	err_what(e, ERR_HOST, "there is no directory for units: HOME is not set");
	return NULL;
}

static bool update(struct container_command *c, struct err *e)
{
	const char *dir = runtime_units(c, e);
	return dir && files_make_path(dir, 0755, e) && run_generator(c, "--update", dir, e);
}

/*
 * Without a wait for the targets: it is one of the units that default.target waits for, and what
 * has come to it meanwhile joins that job.
 */
static const char *unit_text(struct container_command *c)
{
	struct lines text = {.arena = &c->to.arena};
	struct strv words = {0};
	strv_add(&c->to.arena, &words, generator(c));
	strv_add(&c->to.arena, &words, "--update");
	lines_add(&text,
		"# Made by guscio generate quadlet --enable\n[Unit]\n"
		"Description=Units of the files in ~/.config/containers/systemd\n"
		"Documentation=man:guscio-quadlet(5)\n\n[Service]\nType=oneshot\n"
		"RemainAfterExit=yes\nExecStartPre=mkdir -p %t/systemd/user\nExecStart=",
		NULL);
	words_add(&text, &words, WORDS_LITERAL);
	lines_add(&text,
		" %t/systemd/user\nExecStart=systemctl --user daemon-reload\n"
		"ExecStart=systemctl --user --no-block start default.target\n\n"
		"[Install]\nWantedBy=default.target\n",
		NULL);
	return lines_text(&text);
}

static bool enable(struct container_command *c, struct err *e)
{
	const char *dir = config_units(c, e), *text = unit_text(c);
	CLEAN(clean_fd) int dir_fd = -1;
	if (!dir || !files_make_path(dir, 0755, e))
		return false;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0 || !files_write(dir_fd, UNIT, text, strlen(text), e))
		return err_what(e, ERR_HOST, "cannot write '%s/" UNIT "'", dir);
	mkdirat(dir_fd, "default.target.wants", 0755);
	if (symlinkat("../" UNIT, dir_fd, "default.target.wants/" UNIT) < 0 && errno != EEXIST) {
		err_sys(e, "link it");
		return err_what(e, ERR_HOST, "cannot enable '%s/" UNIT "'", dir);
	}
	notes_add(c->to.notes, "now: systemctl --user daemon-reload && systemctl --user restart "
			       "guscio-quadlet");
	return print_out(arena_printf(&c->to.arena, "%s/" UNIT "\n", dir), e);
}

static bool disable(struct container_command *c, struct err *e)
{
	const char *dir = config_units(c, e);
	if (!dir)
		return false;
	const char *path = arena_printf(&c->to.arena, "%s/" UNIT, dir);
	const char *link = arena_printf(&c->to.arena, "%s/default.target.wants/" UNIT, dir);
	if ((unlink(link) < 0 && errno != ENOENT) || (unlink(path) < 0 && errno != ENOENT)) {
		err_sys(e, "remove it");
		return err_what(e, ERR_HOST, "cannot remove '%s'", path);
	}
	return true;
}

static bool generate(struct container_command *c, struct err *e)
{
	if (c->to.explain + c->to.unit.is_new + c->to.force > 1)
		return err_what(
			e, ERR_USAGE, "--dryrun, --enable and --disable exclude each other");
	return c->to.explain	   ? run_generator(c, "--dryrun", NULL, e)
	       : c->to.unit.is_new ? enable(c, e)
	       : c->to.force	   ? disable(c, e)
				   : update(c, e);
}

static int run_quadlet(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 0, 0, ARGUMENTS_MIXED, generate, e);
}

static const struct option_def quadlet_options[] = {
	{"disable", 0, NULL, "undo --enable", set_disable},
	{"dryrun", 0, NULL, "print the units, and the links, instead", set_dryrun},
	{"enable", 0, NULL, "do it at each start of your systemd, without root's help", set_enable},
	{0}};

const struct command command_generate_quadlet = {.name = "generate quadlet",
	.arguments = "[OPTIONS]",
	.summary = "Make units of the files that describe containers",
	.details =
		"\nThe files are in ~/.config/containers/systemd and ~/.config/guscio/systemd; the "
		"units\ngo to $XDG_RUNTIME_DIR/systemd/user. See guscio-quadlet(5).\n",
	.options = quadlet_options,
	.run = run_quadlet};
