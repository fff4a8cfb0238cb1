/* SPDX-License-Identifier: Apache-2.0 */
/* service.c - the unit around a command line: what the file says for systemd, and our own */
#include "base/own.h"
#include "base/text.h"
#include "quadlet/translate.h"

#include <string.h>

/* Keys whose words are units: they may be called by the names of our files. */
static const char *const unit_lists[] = {"Wants", "Requires", "Requisite", "BindsTo", "PartOf",
	"Upholds", "Conflicts", "Before", "After", NULL};

static bool is_one_of(const char *const *words, const char *word)
{
	for (; *words; words++)
		if (!strcmp(*words, word))
			return true;
	return false;
}

static const char *unit_names(struct translation *t, const char *value)
{
	char *rest = arena_strdup(t->arena, value), *word;
	struct lines list = {.arena = t->arena};
	while ((word = strsep(&rest, " \t")))
		if (word[0])
			lines_add(&list, list.n ? " " : "", quadlet_service_name(word, t->arena),
				NULL);
	return lines_text(&list);
}

/* As they are, in their order, an empty one too: it takes back what a drop-in has said before. */
static void pass_on(struct translation *t, struct lines *to, const char *section)
{
	const struct unit_file *file = &t->from->file;
	for (size_t i = 0; i < file->n; i++) {
		const struct unit_entry *entry = &file->entries[i];
		if (strcmp(entry->section, section))
			continue;
		bool is_list = !strcmp(section, "Unit") && is_one_of(unit_lists, entry->key);
		lines_add(to, entry->key, "=", is_list ? unit_names(t, entry->value) : entry->value,
			"\n", NULL);
	}
}

static void add_default(struct translation *t, struct lines *to, const char *key, const char *value)
{
	if (!unit_file_last(&t->from->file, "Service", key))
		lines_add(to, key, "=", value, "\n", NULL);
}

static bool check_service(struct translation *t, struct err *e)
{
	static const char *const ours[] = {
		"ExecStart", "ExecStop", "ExecReload", "PIDFile", "BusName", NULL};
	for (size_t i = 0; i < t->from->file.n; i++) {
		const struct unit_entry *entry = &t->from->file.entries[i];
		if (strcmp(entry->section, "Service"))
			continue;
		if (is_one_of(ours, entry->key)) {
			err_msg(e, ERR_INPUT, "%s= is made from [%s]", entry->key, t->section);
			return unit_entry_refuse(entry, e);
		}
		if (!strcmp(entry->key, "KillMode") && strcmp(entry->value, "mixed") &&
			strcmp(entry->value, "control-group")) {
			err_msg(e, ERR_INPUT, "KillMode=%s would leave processes behind",
				entry->value);
			return unit_entry_refuse(entry, e);
		}
	}
	return true;
}

static const char *write_text(struct translation *t)
{
	struct lines text = {.arena = t->arena};
	lines_add(&text, QUADLET_HEAD, t->from->path, "\n[Unit]\n", NULL);
	pass_on(t, &text, "Unit");
	lines_add(&text, "SourcePath=", t->from->path, "\n", NULL);
	for (size_t i = 0; i < t->wanted.n; i++)
		lines_add(
			&text, "Requires=", t->wanted.v[i], "\nAfter=", t->wanted.v[i], "\n", NULL);
	lines_add(&text, "\n[Service]\n", NULL);
	pass_on(t, &text, "Service");
	add_default(t, &text, "Type", t->is_oneshot ? "oneshot" : "notify");
	if (!t->is_oneshot)
		add_default(t, &text, "NotifyAccess", "all");
	if (t->from->kind == QUADLET_CONTAINER) {
		/* The monitor first, in order; what is left at the end by SIGKILL. */
		add_default(t, &text, "KillMode", "mixed");
		/* The container's limits need cgroups of its own below the unit's. */
		add_default(t, &text, "Delegate", "yes");
	}
	add_default(t, &text, "SyslogIdentifier", "%N");
	lines_add(&text, "ExecStart=", NULL);
	words_add(&text, &t->command, WORDS_WRAPPED);
	lines_add(&text, "\n", lines_text(&t->service), "\n[Install]\n", NULL);
	pass_on(t, &text, "Install");
	return lines_text(&text);
}

static bool is_file_name(const char *name)
{
	return name[0] && !strchr(name, '/') && strlen(name) < 200 && strcmp(name, ".") &&
	       strcmp(name, "..");
}

static void add_link(
	struct translation *t, struct quadlet_unit *ret, const char *path, const char *target)
{
	*ARENA_APPEND(t->arena, ret->links, ret->n_links) =
		(struct quadlet_link){.path = path, .target = target};
}

/* What the links of a template point from: an instance; NULL when none is said. */
static const char *instance_of(struct translation *t, const char *name)
{
	const char *at = strchr(name, '@');
	const struct unit_entry *said =
		unit_file_last(&t->from->file, "Install", "DefaultInstance");
	if (!at || at[1] != '.')
		return name;
	return said && is_file_name(said->value)
		       ? arena_printf(
				 t->arena, "%.*s@%s%s", (int)(at - name), name, said->value, at + 1)
		       : NULL;
}

static bool links_for(struct translation *t, struct quadlet_unit *ret, const char *key,
	const char *suffix, struct err *e)
{
	const struct unit_entry **found;
	const char *instance = instance_of(t, ret->name);
	size_t n = unit_file_find(&t->from->file, "Install", key, t->arena, &found);
	for (size_t i = 0; i < n; i++) {
		struct strv words = {0};
		if (!words_split(t->arena, found[i]->value, &words, e))
			return unit_entry_refuse(found[i], e);
		for (size_t k = 0; k < words.n; k++) {
			const char *unit = words.v[k];
			if (!is_file_name(unit)) {
				err_msg(e, ERR_INPUT, "'%s' is no name of a unit", unit);
				return unit_entry_refuse(found[i], e);
			}
			if (!suffix)
				add_link(t, ret, unit, ret->name);
			else if (instance)
				add_link(t, ret,
					arena_printf(t->arena, "%s%s/%s", unit, suffix, instance),
					arena_printf(t->arena, "../%s", ret->name));
		}
	}
	return true;
}

bool service_write(struct translation *t, struct quadlet_unit *ret, struct err *e)
{
	if (!check_service(t, e) || !links_for(t, ret, "WantedBy", ".wants", e) ||
		!links_for(t, ret, "RequiredBy", ".requires", e) ||
		!links_for(t, ret, "UpheldBy", ".upholds", e) ||
		!links_for(t, ret, "Alias", NULL, e))
		return false;
	ret->text = write_text(t);
	return true;
}
