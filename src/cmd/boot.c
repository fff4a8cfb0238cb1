/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/boot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Each init has its own signal for the end: systemd's is the default. For sysvinit SIGINT is
 * Ctrl-Alt-Del, which its inittab makes a reboot; after a stop that is an end like any other.
 */
static void settle_stop_signal(struct invocation *to)
{
	char path[4096], link[256] = "";
	const struct root_spec *root = &to->spec.root;
	struct stat st;
	if (to->has_stop_signal || root->kind != ROOT_DIR)
		return;
	snprintf(path, sizeof(path), "%s/sbin/init", root->path);
	ssize_t n = readlink(path, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	if (strstr(link, "busybox")) {
		to->spec.stop_signal = SIGUSR2;
	} else if (strstr(link, "openrc-init")) {
		to->spec.stop_signal = SIGINT;
	} else if (n < 0 && errno == EINVAL) {
		snprintf(path, sizeof(path), "%s/etc/inittab", root->path);
		if (stat(path, &st) == 0)
			to->spec.stop_signal = SIGINT;
	}
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
