/* SPDX-License-Identifier: Apache-2.0 */
#include "base/capability_set.h"
#include "base/text.h"
#include "spec/document.h"
#include "spec/json_limits.h"
#include "spec/json_reader.h"
#include "spec/namespaces.h"
#include "spec/port_text.h"

#include <jansson.h>
#include <string.h>

/* Strings of a command line may be no UTF-8, which JSON cannot hold: those become null. */
static json_t *text(const char *s)
{
	json_t *value = json_string(s);
	return value ? value : json_null();
}

static json_t *words(const struct strv *list)
{
	json_t *array = json_array();
	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array, text(list->v[i]));
	return array;
}

static json_t *capabilities(uint64_t set)
{
	json_t *array = json_array();
	for (int cap = 0; cap < CAPS_KNOWN; cap++)
		if (set & CAPS_BIT(cap))
			json_array_append_new(array, text(capability_name(cap)));
	return array;
}

static json_t *user(const struct spec *spec, json_t *annotations)
{
	uint32_t uid = 0, gid = 0;
	const char *who = spec->process.user;
	json_t *object = json_object(), *groups = json_array();
	size_t len = strcspn(who, ":");
	const char *name = arena_strndup(spec->arena, who, len);
	bool is_number = !len || text_to_id(name, &uid);
	if (who[len] && !text_to_id(who + len + 1, &gid))
		is_number = false;
	/* Only the container knows names: they travel beside. */
	if (!is_number || who[0])
		json_object_set_new(annotations, "guscio.user", text(who));
	json_object_set_new(object, "uid", json_integer(uid));
	json_object_set_new(object, "gid", json_integer(gid));
	json_object_set_new(object, "umask", json_integer(spec->process.umask));
	for (size_t i = 0; i < spec->process.extra_groups.n; i++) {
		uint32_t id;
		if (text_to_id(spec->process.extra_groups.v[i], &id))
			json_array_append_new(groups, json_integer(id));
	}
	if (json_array_size(groups))
		json_object_set_new(object, "additionalGids", groups);
	else
		json_decref(groups);
	return object;
}

static json_t *rlimits(const struct process_spec *process)
{
	json_t *array = json_array();
	for (size_t i = 0; i < process->n_rlimits; i++) {
		const struct rlimit_spec *r = &process->rlimits[i];
		json_array_append_new(
			array, json_pack("{s:s, s:I, s:I}", "type", spec_rlimit_name(r->resource),
				       "soft", (json_int_t)r->limit.rlim_cur, "hard",
				       (json_int_t)r->limit.rlim_max));
	}
	return array;
}

static json_t *process(const struct spec *spec, json_t *annotations)
{
	const struct process_spec *p = &spec->process;
	json_t *object = json_object(), *caps = json_object();
	static const char *const sets[] = {"bounding", "effective", "permitted"};
	for (size_t i = 0; i < 3; i++)
		json_object_set_new(caps, sets[i], capabilities(p->caps.bounding));
	json_object_set_new(caps, "ambient", capabilities(p->caps.ambient));
	json_object_set_new(object, "terminal", json_boolean(p->terminal));
	json_object_set_new(object, "user", user(spec, annotations));
	json_object_set_new(object, "args", words(&p->args));
	json_object_set_new(object, "env", words(&p->env));
	json_object_set_new(object, "cwd", text(p->cwd));
	json_object_set_new(object, "capabilities", caps);
	if (p->n_rlimits)
		json_object_set_new(object, "rlimits", rlimits(p));
	if (spec->limits.has_oom_score_adj)
		json_object_set_new(
			object, "oomScoreAdj", json_integer(spec->limits.oom_score_adj));
	json_object_set_new(object, "noNewPrivileges", json_boolean(p->no_new_privileges));
	return object;
}

static json_t *mounts(const struct spec *spec)
{
	json_t *array = json_array();
	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct mount_spec *m = &spec->mounts[i];
		json_t *object = json_object();
		json_object_set_new(object, "destination", text(m->destination));
		json_object_set_new(object, "type", text(m->type));
		json_object_set_new(object, "source", text(m->source));
		json_object_set_new(object, "options", words(&m->options));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *mappings(const struct id_map *map)
{
	json_t *array = json_array();
	for (size_t i = 0; i < map->n; i++)
		json_array_append_new(array,
			json_pack("{s:I, s:I, s:I}", "containerID", (json_int_t)map->v[i].inside,
				"hostID", (json_int_t)map->v[i].outside, "size",
				(json_int_t)map->v[i].count));
	return array;
}

static json_t *namespaces(const struct spec *spec, json_t *annotations)
{
	json_t *array = json_array();
	for (int ns = 0; ns < NS_KINDS; ns++) {
		const struct ns_spec *from = &spec->namespaces[ns];
		if (from->mode == NS_HOST)
			continue;
		json_t *object = json_pack("{s:s}", "type", spec_ns_names[ns]);
		if (from->mode == NS_JOIN_PATH)
			json_object_set_new(object, "path", text(from->from));
		json_array_append_new(array, object);
		if (from->mode == NS_JOIN_CONTAINER) {
			char key[32] = "guscio.join.";
			strcat(key, spec_ns_names[ns]);
			json_object_set_new(annotations, key, text(from->from));
		}
	}
	return array;
}

static json_t *pairs(const struct spec *spec)
{
	json_t *object = json_object();
	for (size_t i = 0; i < spec->n_sysctls; i++)
		json_object_set_new(object, spec->sysctls[i].name, text(spec->sysctls[i].value));
	return object;
}

static json_t *linux_part(const struct spec *spec, json_t *annotations)
{
	json_t *object = json_object();
	json_object_set_new(object, "namespaces", namespaces(spec, annotations));
	if (spec->uid_map.n)
		json_object_set_new(object, "uidMappings", mappings(&spec->uid_map));
	if (spec->gid_map.n)
		json_object_set_new(object, "gidMappings", mappings(&spec->gid_map));
	if (spec->n_sysctls)
		json_object_set_new(object, "sysctl", pairs(spec));
	json_object_set_new(object, "maskedPaths", words(&spec->masked_paths));
	json_object_set_new(object, "readonlyPaths", words(&spec->readonly_paths));
	json_t *resources = limits_to_json(&spec->limits, spec->arena, annotations);
	if (json_object_size(resources))
		json_object_set_new(object, "resources", resources);
	else
		json_decref(resources);
	if (spec->limits.cgroups_path)
		json_object_set_new(object, "cgroupsPath", json_string(spec->limits.cgroups_path));
	if (spec->has_time_offsets)
		json_object_set_new(object, "timeOffsets",
			json_pack("{s:{s:I}, s:{s:I}}", "monotonic", "secs",
				(json_int_t)spec->monotonic_offset_s, "boottime", "secs",
				(json_int_t)spec->boottime_offset_s));
	if (spec->process.seccomp.kind == SECCOMP_PROFILE) {
		json_t *profile = json_loads(spec->process.seccomp.json, 0, NULL);
		if (profile)
			json_object_set_new(object, "seccomp", profile);
	}
	return object;
}

static void add_flag(json_t *annotations, const char *key, bool is_set, const char *value)
{
	if (is_set)
		json_object_set_new(annotations, key, text(value));
}

/* Words without blanks, with one between them. */
static void add_list(
	const struct spec *spec, json_t *annotations, const char *key, const struct strv *list)
{
	const char *joined = list->n ? list->v[0] : "";
	for (size_t i = 1; i < list->n; i++)
		joined = arena_printf(spec->arena, "%s %s", joined, list->v[i]);
	add_flag(annotations, key, list->n > 0, joined);
}

static void add_annotations(const struct spec *spec, json_t *annotations)
{
	static const char *const modes[] = {"auto", "keep-id", "single", "manual", "join"};
	char number[32];
	for (size_t i = 0; i < spec->annotations.n; i++) {
		const char *entry = spec->annotations.v[i];
		size_t len = strcspn(entry, "=");
		json_object_set_new(
			annotations, arena_strndup(spec->arena, entry, len), text(entry + len + 1));
	}
	spec_stay_annotate(spec, annotations);
	add_flag(annotations, "guscio.userns", spec->userns != USERNS_AUTO, modes[spec->userns]);
	add_flag(annotations, "guscio.network", spec->namespaces[NS_NET].mode == NS_PRIVATE,
		spec_network_text(spec));
	add_list(spec, annotations, "guscio.dns", &spec->net.dns);
	add_list(spec, annotations, "guscio.dns-search", &spec->net.dns_search);
	add_list(spec, annotations, "guscio.dns-option", &spec->net.dns_options);
	add_list(spec, annotations, "guscio.add-host", &spec->extra_hosts);
	add_flag(annotations, "guscio.init", !spec->init, "false");
	add_flag(annotations, "guscio.systemd", spec->system != SYSTEM_AUTO,
		spec->system == SYSTEM_NEVER ? "false" : "always");
	add_flag(annotations, "guscio.nest", spec->nest, "true");
	add_flag(annotations, "guscio.interactive", spec->process.interactive, "true");
	add_flag(annotations, "guscio.name", spec->name != NULL, spec->name);
	add_flag(annotations, "guscio.seccomp", spec->process.seccomp.kind == SECCOMP_UNCONFINED,
		"unconfined");
	add_flag(annotations, "guscio.image", spec->root.kind == ROOT_IMAGE, spec->root.path);
	add_flag(annotations, "guscio.overlay", spec->root.overlay != OVERLAY_NONE,
		spec->root.overlay == OVERLAY_KEPT ? spec->root.overlay_name : "");
	snprintf(number, sizeof(number), "%llu", (unsigned long long)spec->timeout_ms);
	add_flag(annotations, "guscio.timeout-ms", spec->timeout_ms != 0, number);
	snprintf(number, sizeof(number), "%d", spec->stop_signal);
	add_flag(annotations, "guscio.stop-signal", spec->stop_signal != SIGTERM, number);
}

/* Descriptors of the caller mean nothing in a document. */
static void add_ports(const struct spec *spec, json_t *annotations)
{
	const char *ports = "";
	for (size_t i = 0; i < spec->n_ports; i++)
		if (spec->ports[i].fd < 0)
			ports = arena_printf(spec->arena, "%s%s%s", ports, ports[0] ? "," : "",
				port_to_text(&spec->ports[i], spec->arena));
	add_flag(annotations, "guscio.ports", ports[0] != 0, ports);
}

char *spec_to_json(const struct spec *spec)
{
	json_t *document = json_object(), *annotations = json_object();
	json_object_set_new(document, "ociVersion", json_string("1.1.0"));
	json_object_set_new(document, "process", process(spec, annotations));
	json_object_set_new(document, "root",
		json_pack("{s:o, s:b}", "path",
			text(spec->root.kind == ROOT_HOST	? "@host"
				: spec->root.kind == ROOT_IMAGE ? "rootfs"
								: spec->root.path),
			"readonly", spec->root.readonly));
	if (spec->hostname)
		json_object_set_new(document, "hostname", text(spec->hostname));
	if (spec->domainname)
		json_object_set_new(document, "domainname", text(spec->domainname));
	json_object_set_new(document, "mounts", mounts(spec));
	json_object_set_new(document, "linux", linux_part(spec, annotations));
	add_annotations(spec, annotations);
	add_ports(spec, annotations);
	json_object_set_new(document, "annotations", annotations);
	char *printed = json_dumps(document, JSON_INDENT(2));
	json_decref(document);
	if (!printed)
		return NULL;
	size_t len = strlen(printed);
	char *line = realloc(printed, len + 2);
	if (!line) {
		free(printed);
		return NULL;
	}
	strcpy(line + len, "\n");
	return line;
}
