/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "plan/build.h"

#include <string.h>

/*
 * What @host shows of the host, read-only: programs and libraries, and of /etc
 * what they need to run and that tells nothing about the host's users.
 * A symbolic link becomes the same link, what is missing is left out.
 */
/* lint: table */
static char *const mirrored[] = {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
	"/opt", "/nix/store", "/gnu/store", "/etc/alternatives", "/etc/bash.bashrc", "/etc/bashrc",
	"/etc/ca-certificates", "/etc/ca-certificates.conf", "/etc/crypto-policies",
	"/etc/debian_version", "/etc/fonts", "/etc/gai.conf", "/etc/host.conf", "/etc/inputrc",
	"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/locale.alias",
	"/etc/locale.conf", "/etc/localtime", "/etc/magic", "/etc/mime.types", "/etc/os-release",
	"/etc/pki", "/etc/profile", "/etc/profile.d", "/etc/protocols", "/etc/rpc", "/etc/services",
	"/etc/ssl", "/etc/terminfo", "/etc/timezone", "/etc/vim", "/etc/xdg"};

static const struct strv mirrored_paths = {
	.v = (char **)mirrored, .n = sizeof(mirrored) / sizeof(mirrored[0])};

static struct skeleton_entry *add_entry(
	struct step *step, struct plan *plan, unsigned mode, const char *path)
{
	struct arena *a = plan->spec->arena;
	struct skeleton_entry *v = (struct skeleton_entry *)step->skeleton.v;
	struct skeleton_entry *entry = ARENA_APPEND(a, v, step->skeleton.n);
	step->skeleton.v = v;
	entry->mode = mode;
	entry->path = path;
	return entry;
}

static void add_file(struct step *step, struct plan *plan, const char *path, const char *text)
{
	struct skeleton_entry *entry = add_entry(step, plan, 0644, path);
	entry->kind = ENTRY_FILE;
	entry->text = text;
}

/* A name from NSS goes into a colon-separated file: refuse to write what would break it. */
static bool is_plain_name(const char *name)
{
	return name && name[0] && strlen(name) < 64 && !strpbrk(name, ":/\n\t ") &&
	       strcmp(name, "root") && strcmp(name, ".") && strcmp(name, "..");
}

static const char *shell_of(const struct host *host)
{
	/* Only a shell under the mirrored directories is there inside. */
	const char *shell = host->user_shell;
	if (shell && (text_starts(shell, "/bin/") || text_starts(shell, "/usr/")) &&
		!strpbrk(shell, ":\n"))
		return shell;
	return "/bin/sh";
}

static void add_accounts(struct step *step, struct plan *plan)
{
	struct arena *a = plan->spec->arena;
	const struct host *host = plan->host;
	uint32_t uid, gid;
	bool has_user = is_plain_name(host->user_name);
	/* Inside, the user's name belongs to the user's own numbers, if these exist there. */
	uid = (uint32_t)host->uid;
	gid = (uint32_t)host->gid;
	uint32_t ignored;
	if (!id_map_out(&plan->ids.uid, uid, &ignored) ||
		!id_map_out(&plan->ids.gid, gid, &ignored))
		has_user = false;
	const char *user = "", *group = "", *home = NULL;
	if (has_user && uid != 0) {
		home = arena_printf(a, "/home/%s", host->user_name);
		user = arena_printf(
			a, "%s:x:%u:%u::%s:%s\n", host->user_name, uid, gid, home, shell_of(host));
		group = arena_printf(a, "%s:x:%u:\n", host->user_name, gid);
	}
	add_file(step, plan, "/etc/passwd",
		arena_printf(a,
			"root:x:0:0:root:/root:%s\n%s"
			"nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
			shell_of(host), user));
	add_file(step, plan, "/etc/group",
		arena_printf(a, "root:x:0:\ntty:x:5:\n%snogroup:x:65534:\n", group));
	if (is_plain_name(host->user_name)) {
		struct skeleton_entry *entry = add_entry(step, plan, 0755,
			home ? home : arena_printf(a, "/home/%s", host->user_name));
		entry->kind = ENTRY_DIRECTORY;
		entry->owned_by_user = true;
	}
}

static void add_host_skeleton(struct plan *plan)
{
	static const struct {
		const char *path;
		unsigned mode;
	} directories[] = {{"/proc", 0555}, {"/sys", 0555}, {"/dev", 0755}, {"/etc", 0755},
		{"/run", 0755}, {"/tmp", 01777}, {"/var", 0755}, {"/var/tmp", 01777},
		{"/root", 0700}, {"/home", 0755}, {"/mnt", 0755}, {"/srv", 0755}};
	struct step *step = plan_add(plan, STEP_SKELETON);
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		add_entry(step, plan, directories[i].mode, directories[i].path)->kind =
			ENTRY_DIRECTORY;
	add_entry(step, plan, 0, "/var/run")->kind = ENTRY_LINK;
	((struct skeleton_entry *)step->skeleton.v)[step->skeleton.n - 1].text = "/run";
	add_entry(step, plan, 0, "/etc/mtab")->kind = ENTRY_LINK;
	((struct skeleton_entry *)step->skeleton.v)[step->skeleton.n - 1].text =
		"/proc/self/mounts";
	add_accounts(step, plan);
	add_file(step, plan, "/etc/nsswitch.conf",
		"passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\n");
	/* Targets for the container's own files. */
	static const char *const files[] = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"};
	for (size_t i = 0; i < 3; i++)
		add_file(step, plan, files[i], "");
}

bool plan_add_root(struct plan *plan, struct err *e)
{
	const struct root_spec *root = &plan->spec->root;
	if (root->kind == ROOT_HOST) {
		if (root->overlay != OVERLAY_NONE) {
			err_what(e, ERR_USAGE, "--overlay needs a directory or a tarball as root");
			return err_hint(e,
				"the root @host is in memory already, and its /usr is the "
				"host's");
		}
		plan_add(plan, STEP_ROOT_TMPFS);
		plan_add(plan, STEP_MIRROR_HOST)->paths = &mirrored_paths;
		add_host_skeleton(plan);
		return true;
	}
	const struct strv one = {.v = (char **)&root->path, .n = 1};
	const struct strv *lower = root->kind == ROOT_IMAGE ? &root->layers : &one;
	/* The layers of an image are everybody's: what is written goes elsewhere, always. */
	bool is_in_place = root->kind != ROOT_IMAGE && root->overlay == OVERLAY_NONE;
	for (size_t i = 0; i < lower->n; i++) {
		struct step *open = plan_add(plan, STEP_OPEN_ROOT);
		open->source.path = lower->v[i];
		open->source.slot = (int)plan->n_slots++;
		open->source.recursive = true;
		open->source.clone = is_in_place;
	}
	if (is_in_place) {
		plan_add(plan, STEP_ROOT_BIND);
		return true;
	}
	const char *directory = NULL;
	if (root->overlay == OVERLAY_KEPT) {
		bool is_path = strchr(root->overlay_name, '/');
		directory = is_path ? root->overlay_name
				    : arena_printf(plan->spec->arena, "%s/overlays/%s",
					      plan->host->data_dir, root->overlay_name);
		plan_add(plan, STEP_OVERLAY_DIRECTORY)->overlay.directory = directory;
	}
	struct step *step = plan_add(plan, STEP_ROOT_OVERLAY);
	step->overlay.directory = directory;
	step->overlay.n_lower = (int)lower->n;
	return true;
}
