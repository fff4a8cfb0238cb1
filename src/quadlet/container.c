/* SPDX-License-Identifier: Apache-2.0 */
/* container.c - [Container] as a command line of guscio run */
#include "base/own.h"
#include "base/text.h"
#include "quadlet/translate.h"

#include <string.h>

static bool refuse(const struct unit_entry *entry, struct err *e, const char *why)
{
	err_msg(e, ERR_INPUT, "%s", why);
	return unit_entry_refuse(entry, e);
}

static bool each(struct translation *t, const char *key,
	bool (*take)(struct translation *, const struct unit_entry *, struct err *), struct err *e)
{
	const struct unit_entry **found;
	size_t n = unit_file_find(&t->from->file, t->section, key, t->arena, &found);
	for (size_t i = 0; i < n; i++)
		if (!take(t, found[i], e))
			return false;
	return true;
}

/* data.volume:/inside, ./beside:/inside, and what -v takes. */
static bool take_volume(struct translation *t, const struct unit_entry *entry, struct err *e)
{
	const char *value = entry->value, *source = value;
	size_t len = strcspn(value, ":");
	const char *first = arena_strndup(t->arena, value, len);
	if (text_ends(first, ".volume")) {
		if (!translation_resource(t, entry, first, &source, e))
			return false;
	} else {
		source = first[0] == '.' ? translation_path(t, first) : first;
	}
	translation_add(t, "--volume", arena_printf(t->arena, "%s%s", source, value + len));
	return true;
}

static bool take_mount(struct translation *t, const struct unit_entry *entry, struct err *e)
{
	char *rest = arena_strdup(t->arena, entry->value), *word;
	struct lines mount = {.arena = t->arena};
	while ((word = strsep(&rest, ","))) {
		size_t len = strcspn(word, "=");
		const char *value = word[len] ? word + len + 1 : "";
		bool is_source = (len == 6 && !memcmp(word, "source", 6)) ||
				 (len == 3 && !memcmp(word, "src", 3));
		if (is_source && text_ends(value, ".volume") &&
			!translation_resource(t, entry, value, &value, e))
			return false;
		if (is_source && text_starts(value, "./"))
			value = translation_path(t, value);
		lines_add(&mount, mount.n ? "," : "", NULL);
		lines_add_bytes(&mount, word, len);
		lines_add(&mount, word[len] ? "=" : "", value, NULL);
	}
	translation_add(t, "--mount", lines_text(&mount));
	return true;
}

static bool take_network(struct translation *t, const struct unit_entry *entry, struct err *e)
{
	const char *name = entry->value;
	if (strv_has(&t->command, "--network"))
		return refuse(entry, e, "a container is in one network");
	if (text_ends(name, ".network") && !translation_resource(t, entry, name, &name, e))
		return false;
	translation_add(t, "--network", name);
	return true;
}

static bool take_arguments(struct translation *t, const struct unit_entry *entry, struct err *e)
{
	return words_split(t->arena, entry->value, &t->command, e) || unit_entry_refuse(entry, e);
}

static bool add_user(struct translation *t, struct err *e)
{
	const struct unit_entry *user = translation_last(t, "User");
	const struct unit_entry *group = translation_last(t, "Group");
	if (group && !user)
		return refuse(group, e, "Group= without User=");
	if (user)
		translation_add(t, "--user",
			arena_printf(t->arena, "%s%s%s", user->value, group ? ":" : "",
				group ? group->value : ""));
	return true;
}

static bool add_security(struct translation *t, struct err *e)
{
	const struct unit_entry *no_new = translation_last(t, "NoNewPrivileges");
	const struct unit_entry *profile = translation_last(t, "SeccompProfile");
	bool is_on = false;
	if (no_new && !keys_bool(no_new, &is_on, e))
		return false;
	if (no_new)
		translation_add(t, "--security-opt",
			is_on ? "no-new-privileges" : "no-new-privileges=false");
	if (profile)
		translation_add(t, "--security-opt",
			arena_printf(t->arena, "seccomp=%s",
				strcmp(profile->value, "unconfined")
					? translation_path(t, profile->value)
					: profile->value));
	return true;
}

static bool add_cgroups(struct translation *t, struct err *e)
{
	const struct unit_entry *mode = translation_last(t, "CgroupsMode");
	/* The unit is delegated, and older systemds do not mark that for a user's own units. */
	if (!mode) {
		translation_add(t, "--cgroups", "split");
		return true;
	}
	if (strcmp(mode->value, "enabled") && strcmp(mode->value, "disabled") &&
		strcmp(mode->value, "auto") && strcmp(mode->value, "split"))
		return refuse(mode, e, "CgroupsMode= is auto, enabled, disabled or split");
	translation_add(t, "--cgroups", mode->value);
	return true;
}

/* A unit that is started once and waited for keeps its container in the foreground. */
static bool add_life(struct translation *t, struct err *e)
{
	const struct unit_entry *type = unit_file_last(&t->from->file, "Service", "Type");
	const struct unit_entry *notify = translation_last(t, "Notify");
	const struct unit_entry *driver = translation_last(t, "LogDriver");
	const char *mode = "conmon";
	bool is_on;
	if (type && strcmp(type->value, "oneshot") && strcmp(type->value, "notify"))
		return refuse(type, e, "Type= is notify (the default) or oneshot");
	t->is_oneshot = type && !strcmp(type->value, "oneshot");
	if (t->is_oneshot && (notify || driver))
		return refuse(notify ? notify : driver, e,
			"with Type=oneshot there is nobody to say it to");
	if (notify && !strcmp(notify->value, "healthy"))
		mode = "healthy";
	else if (notify && !keys_bool(notify, &is_on, e))
		return false;
	else if (notify && is_on)
		mode = "container";
	if (t->is_oneshot)
		return true;
	translation_add(t, "--sdnotify", mode);
	strv_add(t->arena, &t->command, "-d");
	strv_add(t->arena, &t->command, "--replace");
	strv_add(t->arena, &t->command, "--rm");
	translation_add(t, "--log-driver", driver ? driver->value : "passthrough");
	return true;
}

static bool add_root(struct translation *t, struct err *e)
{
	const struct unit_entry *image = translation_last(t, "Image");
	const struct unit_entry *root = translation_last(t, "Rootfs");
	const struct unit_entry *pull = translation_last(t, "Pull");
	if (!image == !root) {
		const struct unit_entry top = {.path = t->from->path, .line = 1};
		return refuse(image ? root : &top, e, "one of Image= and Rootfs= is needed");
	}
	if (root) {
		bool is_host = !strcmp(root->value, "@host");
		if (pull)
			return refuse(pull, e, "Pull= is for an Image=");
		strv_add(t->arena, &t->command,
			is_host ? root->value : translation_path(t, root->value));
		return true;
	}
	if (strchr("-@./~", image->value[0]) || text_ends(image->value, ".image") ||
		text_ends(image->value, ".build"))
		return refuse(image, e, "Image= is a name or id of an image; Rootfs= a directory");
	/* Said even where it is the default: then no directory of that name is meant. */
	translation_add(t, "--pull", pull ? pull->value : "missing");
	strv_add(t->arena, &t->command, image->value);
	return true;
}

static bool add_program(struct translation *t, struct err *e)
{
	const struct unit_entry *exec = translation_last(t, "Exec");
	return !exec || words_split(t->arena, exec->value, &t->command, e) ||
	       unit_entry_refuse(exec, e);
}

static void add_line(struct translation *t, const char *key, const struct strv *words)
{
	lines_add(&t->service, key, NULL);
	words_add(&t->service, words, 0);
	lines_add(&t->service, "\n", NULL);
}

static void command(struct translation *t, struct strv *words, const char *first, ...)
{
	va_list more;
	strv_add(t->arena, words, t->guscio);
	va_start(more, first);
	for (const char *word = first; word; word = va_arg(more, const char *))
		strv_add(t->arena, words, word);
	va_end(more);
}

static bool add_reload(struct translation *t, struct err *e)
{
	const struct unit_entry *reload = translation_last(t, "ReloadCmd");
	const struct unit_entry *signal = translation_last(t, "ReloadSignal");
	struct strv words = {0};
	if (reload && signal)
		return refuse(signal, e, "ReloadCmd= and ReloadSignal= exclude each other");
	if (reload) {
		command(t, &words, "exec", t->resource, NULL);
		if (!words_split(t->arena, reload->value, &words, e))
			return unit_entry_refuse(reload, e);
	} else if (signal) {
		command(t, &words, "kill", "--signal", signal->value, t->resource, NULL);
	}
	if (words.n)
		add_line(t, "ExecReload=", &words);
	return true;
}

/* systemd's own patience must be longer than guscio's. */
static bool add_stop(struct translation *t, struct err *e)
{
	const struct unit_entry *timeout = translation_last(t, "StopTimeout");
	struct strv stop = {0}, remove = {0};
	uint64_t ms = 0;
	if (timeout && !text_to_ms(timeout->value, &ms))
		return refuse(timeout, e, "StopTimeout= is a time: 20, 90s, 2m");
	if (timeout)
		translation_add(t, "--stop-timeout", timeout->value);
	if (t->is_oneshot)
		return true;
	command(t, &stop, "stop", t->resource, NULL);
	command(t, &remove, "rm", "-f", "-v", t->resource, NULL);
	add_line(t, "ExecStop=", &stop);
	add_line(t, "ExecStopPost=-", &remove);
	if (ms > 60000 && !unit_file_last(&t->from->file, "Service", "TimeoutStopSec"))
		lines_add(&t->service, "TimeoutStopSec=",
			arena_printf(t->arena, "%llu\n", (unsigned long long)(ms / 1000 + 30)),
			NULL);
	return true;
}

bool container_translate(struct translation *t, struct err *e)
{
	command(t, &t->command, "run", "--name", t->resource, NULL);
	return add_life(t, e) && add_stop(t, e) && add_reload(t, e) && keys_translate(t, e) &&
	       add_user(t, e) && add_security(t, e) && add_cgroups(t, e) &&
	       each(t, "Volume", take_volume, e) && each(t, "Mount", take_mount, e) &&
	       each(t, "Network", take_network, e) && each(t, "GuscioArgs", take_arguments, e) &&
	       add_root(t, e) && add_program(t, e);
}
