/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/boot.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* busybox's init has a signal of its own for the end; the others know systemd's or none. */
static void settle_stop_signal(struct invocation *to)
{
	char path[4096], link[256];
	const struct root_spec *root = &to->spec.root;
	if (to->has_stop_signal || root->kind != ROOT_DIR)
		return;
	snprintf(path, sizeof(path), "%s/sbin/init", root->path);
	ssize_t n = readlink(path, link, sizeof(link) - 1);
	if (n <= 0)
		return;
	link[n] = '\0';
	if (strstr(link, "busybox"))
		to->spec.stop_signal = SIGUSR2;
}

bool boot_settle(struct invocation *to, struct err *e)
{
	struct process_spec *process = &to->spec.process;
	struct strv words = process->args;
	if (!to->bundle && !to->has_root) {
		err_what(e, ERR_USAGE, "boot needs a root");
		return err_hint(
			e, "a directory or an image with an init in it: see guscio-boot(1)");
	}
	if (to->spec.root.kind == ROOT_HOST)
		return err_what(e, ERR_USAGE, "@host is no system that could be booted");
	if (to->spec.system == SYSTEM_NEVER)
		return err_what(e, ERR_USAGE, "boot and --systemd=false exclude each other");
	to->spec.system = SYSTEM_BOOT;
	/* An image's own command is not its init. */
	if (!to->entrypoint) {
		to->entrypoint = system_inits[0];
		process->args = (struct strv){0};
		strv_add(&to->arena, &process->args, system_inits[0]);
		for (size_t i = 0; i < words.n; i++)
			strv_add(&to->arena, &process->args, words.v[i]);
	}
	process->interactive |= isatty(STDIN_FILENO);
	settle_stop_signal(to);
	return true;
}
