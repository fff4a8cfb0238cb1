/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - the keys of [Container], [Volume] and [Network], and the options they become */
#include "base/own.h"
#include "base/text.h"
#include "quadlet/translate.h"

#include <string.h>

#define NO_LABELS  "SELinux labels stay as they are"
#define NO_STARTUP "there is one check: HealthCmd=, and HealthStartPeriod= for the beginning"

/* lint: table */
static const struct key container_keys[] = {{"AddCapability", KEY_WORDS, "--cap-add"},
	{"AddDevice", KEY_EACH, "--device"}, {"AddHost", KEY_EACH, "--add-host"},
	{"Annotation", KEY_WORDS, "--annotation"},
	{"AutoUpdate", KEY_REFUSED,
		"no image is updated by itself: Pull=newer looks at each start"},
	{"CgroupsMode", KEY_OWN, NULL}, {"ContainerName", KEY_OWN, NULL},
	{"ContainersConfModule", KEY_REFUSED, "guscio has no containers.conf"},
	{"DNS", KEY_EACH, "--dns"}, {"DNSOption", KEY_EACH, "--dns-option"},
	{"DNSSearch", KEY_EACH, "--dns-search"}, {"DropCapability", KEY_WORDS, "--cap-drop"},
	{"Entrypoint", KEY_VALUE, "--entrypoint"}, {"Environment", KEY_WORDS, "--env"},
	{"EnvironmentFile", KEY_PATH, "--env-file"},
	{"EnvironmentHost", KEY_REFUSED, "name the variables: Environment=NAME hands one on"},
	{"Exec", KEY_OWN, NULL}, {"ExposeHostPort", KEY_EACH, "--expose"},
	{"GIDMap", KEY_EACH, "--gidmap"},
	{"GlobalArgs", KEY_REFUSED, "guscio has no options before its command: GuscioArgs="},
	{"Group", KEY_OWN, NULL}, {"GroupAdd", KEY_EACH, "--group-add"},
	{"GuscioArgs", KEY_OWN, NULL}, {"HealthCmd", KEY_VALUE, "--health-cmd"},
	{"HealthInterval", KEY_VALUE, "--health-interval"},
	{"HealthLogDestination", KEY_REFUSED, "checks leave no log"},
	{"HealthMaxLogCount", KEY_REFUSED, "checks leave no log"},
	{"HealthMaxLogSize", KEY_REFUSED, "checks leave no log"},
	{"HealthOnFailure", KEY_REFUSED, "a container that is unhealthy is shown so, and goes on"},
	{"HealthRetries", KEY_VALUE, "--health-retries"},
	{"HealthStartPeriod", KEY_VALUE, "--health-start-period"},
	{"HealthStartupCmd", KEY_REFUSED, NO_STARTUP},
	{"HealthStartupInterval", KEY_REFUSED, NO_STARTUP},
	{"HealthStartupRetries", KEY_REFUSED, NO_STARTUP},
	{"HealthStartupSuccess", KEY_REFUSED, NO_STARTUP},
	{"HealthStartupTimeout", KEY_REFUSED, NO_STARTUP},
	{"HealthTimeout", KEY_VALUE, "--health-timeout"}, {"HostName", KEY_VALUE, "--hostname"},
	{"IP", KEY_VALUE, "--ip"}, {"IP6", KEY_VALUE, "--ip6"}, {"Image", KEY_OWN, NULL},
	{"Label", KEY_WORDS, "--label"}, {"LogDriver", KEY_OWN, NULL},
	{"LogOpt", KEY_EACH, "--log-opt"}, {"Mask", KEY_PREFIX, "mask="},
	{"Memory", KEY_VALUE, "--memory"}, {"Mount", KEY_OWN, NULL}, {"Network", KEY_OWN, NULL},
	{"NetworkAlias", KEY_EACH, "--network-alias"}, {"NoNewPrivileges", KEY_OWN, NULL},
	{"Notify", KEY_OWN, NULL}, {"PidsLimit", KEY_VALUE, "--pids-limit"},
	{"Pod", KEY_REFUSED, "there are no pods: a .network joins containers"},
	{"PodmanArgs", KEY_REFUSED, "they are podman's: GuscioArgs= has options of guscio run"},
	{"PublishPort", KEY_EACH, "--publish"}, {"Pull", KEY_OWN, NULL},
	{"ReadOnly", KEY_SWITCH, "--read-only"},
	{"ReadOnlyTmpfs", KEY_REFUSED, "Tmpfs=/tmp names what is to be writable"},
	{"ReloadCmd", KEY_OWN, NULL}, {"ReloadSignal", KEY_OWN, NULL},
	{"Retry", KEY_REFUSED, "Restart= in [Service] starts it again"},
	{"RetryDelay", KEY_REFUSED, "RestartSec= in [Service] waits"}, {"Rootfs", KEY_OWN, NULL},
	{"RunInit", KEY_SWITCH, "--init"}, {"SeccompProfile", KEY_OWN, NULL},
	{"Secret", KEY_EACH, "--secret"}, {"SecurityLabelDisable", KEY_REFUSED, NO_LABELS},
	{"SecurityLabelFileType", KEY_REFUSED, NO_LABELS},
	{"SecurityLabelLevel", KEY_REFUSED, NO_LABELS},
	{"SecurityLabelNested", KEY_REFUSED, NO_LABELS},
	{"SecurityLabelType", KEY_REFUSED, NO_LABELS}, {"ShmSize", KEY_VALUE, "--shm-size"},
	{"StartWithPod", KEY_REFUSED, "there are no pods"},
	{"StopSignal", KEY_VALUE, "--stop-signal"}, {"StopTimeout", KEY_OWN, NULL},
	{"SubGIDMap", KEY_REFUSED, "the ranges are those of your own: UserNS=auto has all of them"},
	{"SubUIDMap", KEY_REFUSED, "the ranges are those of your own: UserNS=auto has all of them"},
	{"Sysctl", KEY_WORDS, "--sysctl"},
	{"Timezone", KEY_REFUSED, "Environment=TZ=Europe/Rome, or Volume=/etc/localtime:…:ro"},
	{"Tmpfs", KEY_EACH, "--tmpfs"}, {"UIDMap", KEY_EACH, "--uidmap"},
	{"Ulimit", KEY_EACH, "--ulimit"}, {"Unmask", KEY_PREFIX, "unmask="},
	{"User", KEY_OWN, NULL}, {"UserNS", KEY_VALUE, "--userns"}, {"Volume", KEY_OWN, NULL},
	{"WorkingDir", KEY_VALUE, "--workdir"}, {NULL, KEY_OWN, NULL}};

#define NO_DRIVER "a volume is a directory of its own: Volume=/path:/inside binds another one"

static const struct key volume_keys[] = {{"Copy", KEY_REFUSED, NO_DRIVER},
	{"Device", KEY_REFUSED, NO_DRIVER}, {"Driver", KEY_REFUSED, NO_DRIVER},
	{"Group", KEY_REFUSED, NO_DRIVER}, {"Image", KEY_REFUSED, NO_DRIVER},
	{"Label", KEY_WORDS, "--label"}, {"Options", KEY_REFUSED, NO_DRIVER},
	{"Type", KEY_REFUSED, NO_DRIVER}, {"User", KEY_REFUSED, NO_DRIVER},
	{"VolumeName", KEY_OWN, NULL}, {NULL, KEY_OWN, NULL}};

static const struct key network_keys[] = {
	{"DNS", KEY_REFUSED, "DNS= of a container says whom it asks"},
	{"DisableDNS", KEY_REFUSED, "DNS= of a container says whom it asks"},
	{"Driver", KEY_VALUE, "--driver"}, {"Gateway", KEY_EACH, "--gateway"},
	{"IPAMDriver", KEY_REFUSED, "guscio gives the addresses itself"},
	{"IPRange", KEY_REFUSED, "all of Subnet= is given; IP= of a container chooses one"},
	{"IPv6", KEY_SWITCH, "--ipv6"}, {"Internal", KEY_SWITCH, "--internal"},
	{"Label", KEY_WORDS, "--label"}, {"NetworkName", KEY_OWN, NULL},
	{"Options", KEY_WORDS, "--opt"}, {"Subnet", KEY_EACH, "--subnet"}, {NULL, KEY_OWN, NULL}};

const struct key *const quadlet_keys[QUADLET_KINDS] = {container_keys, volume_keys, network_keys};

static const struct key *find(const struct key *keys, const char *name)
{
	for (const struct key *key = keys; key->name; key++)
		if (!strcmp(key->name, name))
			return key;
	return NULL;
}

static bool refuse_unknown(const struct key *keys, const struct unit_entry *entry, struct err *e)
{
	const char *names[128];
	size_t n = 0;
	for (const struct key *key = keys; key->name && n < ARRAY_LEN(names) - 1; key++)
		names[n++] = key->name;
	names[n] = NULL;
	const char *nearest = text_nearest(entry->key, names);
	err_msg(e, ERR_INPUT, "unknown key '%s' in [%s]", entry->key, entry->section);
	if (nearest)
		err_hint(e, "did you mean %s=?", nearest);
	return unit_entry_refuse(entry, e);
}

bool keys_check(struct translation *t, struct err *e)
{
	const struct key *keys = quadlet_keys[t->from->kind];
	for (size_t i = 0; i < t->from->file.n; i++) {
		const struct unit_entry *entry = &t->from->file.entries[i];
		bool is_systemds =
			!strcmp(entry->section, "Unit") || !strcmp(entry->section, "Service") ||
			!strcmp(entry->section, "Install") || text_starts(entry->section, "X-");
		if (is_systemds)
			continue;
		if (strcmp(entry->section, t->section)) {
			err_msg(e, ERR_INPUT, "unknown section [%s]", entry->section);
			err_hint(e, "[%s], [Unit], [Service] and [Install] are known here",
				t->section);
			return unit_entry_refuse(entry, e);
		}
		const struct key *key = find(keys, entry->key);
		if (!key)
			return refuse_unknown(keys, entry, e);
		if (key->kind == KEY_REFUSED) {
			err_msg(e, ERR_INPUT, "%s= is refused", key->name);
			err_hint(e, "%s", key->option);
			return unit_entry_refuse(entry, e);
		}
	}
	return true;
}

bool keys_bool(const struct unit_entry *entry, bool *ret, struct err *e)
{
	static const struct name_value words[] = {{"1", 1}, {"yes", 1}, {"y", 1}, {"true", 1},
		{"t", 1}, {"on", 1}, {"0", 0}, {"no", 0}, {"n", 0}, {"false", 0}, {"f", 0},
		{"off", 0}, {NULL, 0}};
	const struct name_value *found = name_find(words, entry->value);
	if (!found) {
		err_msg(e, ERR_INPUT, "%s= is true or false, not '%s'", entry->key, entry->value);
		return unit_entry_refuse(entry, e);
	}
	*ret = found->value;
	return true;
}

static bool add_words(
	struct translation *t, const struct key *key, const struct unit_entry *entry, struct err *e)
{
	struct strv words = {0};
	if (!words_split(t->arena, entry->value, &words, e))
		return unit_entry_refuse(entry, e);
	for (size_t i = 0; i < words.n; i++)
		translation_add(t, key->option, words.v[i]);
	return true;
}

static bool add(
	struct translation *t, const struct key *key, const struct unit_entry *entry, struct err *e)
{
	bool is_on;
	switch (key->kind) {
	case KEY_WORDS:
		return add_words(t, key, entry, e);
	case KEY_PATH:
		translation_add(t, key->option, translation_path(t, entry->value));
		return true;
	case KEY_PREFIX:
		translation_add(t, "--security-opt",
			arena_printf(t->arena, "%s%s", key->option, entry->value));
		return true;
	case KEY_SWITCH:
		if (!keys_bool(entry, &is_on, e))
			return false;
		strv_add(t->arena, &t->command,
			arena_printf(t->arena, "%s%s", key->option, is_on ? "" : "=false"));
		return true;
	default:
		translation_add(t, key->option, entry->value);
		return true;
	}
}

bool keys_translate(struct translation *t, struct err *e)
{
	for (const struct key *key = quadlet_keys[t->from->kind]; key->name; key++) {
		const struct unit_entry **found;
		if (key->kind == KEY_OWN || key->kind == KEY_REFUSED)
			continue;
		size_t n = unit_file_find(&t->from->file, t->section, key->name, t->arena, &found);
		bool is_last_only = key->kind == KEY_VALUE || key->kind == KEY_SWITCH;
		for (size_t i = is_last_only && n ? n - 1 : 0; i < n; i++)
			if (!add(t, key, found[i], e))
				return false;
	}
	return true;
}
