/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "base/text.h"
#include "cmd/run_options.h"
#include "spec/document.h"

#include <fcntl.h>
#include <bsd/stdlib.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

const char *invocation_new_id(struct arena *arena)
{
	unsigned char bytes[32];
	char *id = arena_alloc(arena, 65);
	/* For this one time a generator of our own would map and fill two areas first. */
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		arc4random_buf(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		id[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		id[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	return id;
}

static bool set_root(struct invocation *to, const char *text, struct err *e)
{
	struct root_spec *root = &to->spec.root;
	struct stat st;
	if (!strcmp(text, "@host")) {
		root->kind = ROOT_HOST;
		return true;
	}
	if (text[0] == '@')
		return err_what(e, ERR_USAGE, "there is no root '%s' but @host", text);
	bool is_path = text[0] == '/' || text[0] == '.' || text[0] == '~';
	if (!is_path && (stat(text, &st) < 0 || to->source.pull)) {
		/* A directory of the same name would have been meant without --pull. */
		root->kind = ROOT_IMAGE;
		root->path = text;
		return true;
	}
	if (stat(text, &st) < 0) {
		err_sys(e, "look at it");
		e->cause[0] = '\0';
		err_what(e, ERR_INPUT, "cannot use '%s' as root", text);
		return err_hint(e, "ROOT is an image, a directory, a tarball or @host, and the "
				   "command comes after it");
	}
	root->kind = S_ISDIR(st.st_mode) ? ROOT_DIR : ROOT_TARBALL;
	root->path = text;
	if (root->kind == ROOT_TARBALL && root->overlay == OVERLAY_NONE && !root->readonly)
		/* The unpacked tree is shared by all containers of this tarball. */
		root->overlay = OVERLAY_THROWAWAY;
	return true;
}

static void set_program(struct invocation *to, int argc, char **argv)
{
	struct process_spec *process = &to->spec.process;
	to->has_command = argc > 0;
	if (to->entrypoint && to->entrypoint[0]) {
		process->args = (struct strv){0};
		strv_add(&to->arena, &process->args, to->entrypoint);
	} else if (argc > 0) {
		process->args = (struct strv){0};
	}
	for (int i = 0; i < argc; i++)
		strv_add(&to->arena, &process->args, argv[i]);
}

/* "guscio run" typed by hand: without a command on a terminal, a shell on a terminal. */
static void settle_terminal(struct invocation *to)
{
	struct process_spec *process = &to->spec.process;
	bool is_by_hand = !process->args.n && !to->wants_tty_set && isatty(STDIN_FILENO) &&
			  isatty(STDOUT_FILENO);
	if (is_by_hand) {
		process->terminal = true;
		process->interactive = true;
	}
	const char *term = NULL;
	for (char *const *entry = to->environment; *entry; entry++)
		if (text_starts(*entry, "TERM="))
			term = *entry;
	if (process->terminal && !strv_env(&process->env, "TERM"))
		strv_env_set(&to->arena, &process->env, term ? term : "TERM=xterm");
}

/* What a program on the host's own files may count on. */
static void settle_host_root(struct invocation *to)
{
	static const char *const kept[] = {"LANG=", "LC_ALL=", "LC_CTYPE=", "COLORTERM=", "TZ="};
	if (to->spec.root.kind != ROOT_HOST)
		return;
	for (char *const *entry = to->environment; *entry; entry++)
		for (size_t i = 0; i < ARRAY_LEN(kept); i++)
			if (text_starts(*entry, kept[i]))
				strv_env_set(&to->arena, &to->spec.process.env, *entry);
	/* The host's setuid programs are not made for this: none works inside, unless it is said.
	 */
	if (!to->has_no_new_privs)
		to->spec.process.no_new_privileges = true;
}

static bool read_bundle(struct invocation *to, struct err *e)
{
	size_t size;
	const char *path = arena_printf(&to->arena, "%s/config.json", to->bundle);
	const char *text = arena_read_file(&to->arena, AT_FDCWD, path, &size, e);
	if (!text)
		return err_what(e, ERR_INPUT, "cannot read the bundle '%s'", to->bundle);
	return spec_from_json(&to->spec, text, size, to->bundle, to->notes, e);
}

/* The command line as it was, for "guscio generate systemd --new". */
static void record_words(
	struct invocation *to, const struct command *command, int argc, char **argv, int n_options)
{
	bool has_end = n_options > 0 && !strcmp(argv[n_options - 1], "--");
	to->command_name = command->name;
	for (int i = 0; i < argc; i++)
		if (i != n_options - 1 || !has_end)
			strv_add(&to->arena, i < n_options ? &to->option_words : &to->root_words,
				argv[i]);
}

bool invocation_read(struct invocation *to, const struct command *command, int argc, char **argv,
	bool *ret_help, struct err *e)
{
	int n;
	spec_init(&to->spec, &to->arena);
	to->spec.id = invocation_new_id(&to->arena);
	if (!options_parse(command, argc, argv, to, &n, ret_help, e))
		return false;
	if (*ret_help)
		return true;
	record_words(to, command, argc, argv, n);
	argc -= n;
	argv += n;
	if (to->bundle && !read_bundle(to, e))
		return false;
	if (to->bundle) {
		set_program(to, argc, argv);
	} else {
		if (!set_root(to, argc ? argv[0] : "@host", e))
			return false;
		to->has_root = argc > 0;
		set_program(to, argc ? argc - 1 : 0, argc ? argv + 1 : argv);
	}
	settle_host_root(to);
	settle_terminal(to);
	return true;
}
