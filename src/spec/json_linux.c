/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/json_limits.h"
#include "spec/json_reader.h"
#include "spec/namespaces.h"
#include "spec/options.h"

#include <stdlib.h>
#include <string.h>

static bool read_namespaces(struct reader *r, json_t *array)
{
	size_t i;
	json_t *value;
	for (int ns = 0; ns < NS_KINDS; ns++)
		r->spec->namespaces[ns].mode = NS_HOST;
	json_array_foreach(array, i, value)
	{
		const char *type = json_string_value(json_object_get(value, "type"));
		json_t *path = json_object_get(value, "path");
		int ns = 0;
		while (type && ns < NS_KINDS && strcmp(spec_ns_names[ns], type))
			ns++;
		if (!type || ns == NS_KINDS || (path && !json_is_string(path)))
			return reader_refuse(r, "holds something that is no namespace");
		r->spec->namespaces[ns].mode = path ? NS_JOIN_PATH : NS_PRIVATE;
		r->spec->namespaces[ns].from = path ? reader_copy(r, path) : NULL;
	}
	if (r->spec->namespaces[NS_USER].mode == NS_HOST ||
		r->spec->namespaces[NS_MOUNT].mode == NS_HOST) {
		/* Without root everything starts from these two. */
		r->spec->namespaces[NS_USER].mode = NS_PRIVATE;
		r->spec->namespaces[NS_MOUNT].mode = NS_PRIVATE;
	}
	return true;
}

static bool read_map(struct reader *r, json_t *array, struct id_map *map)
{
	size_t i;
	json_t *value;
	json_array_foreach(array, i, value)
	{
		struct id_range range;
		if (i >= ID_MAP_MAX ||
			!reader_id(json_object_get(value, "containerID"), &range.inside) ||
			!reader_id(json_object_get(value, "hostID"), &range.outside) ||
			!reader_id(json_object_get(value, "size"), &range.count))
			return reader_refuse(r, "holds something that is no id mapping");
		*ARENA_APPEND(r->spec->arena, map->v, map->n) = range;
	}
	if (map->n)
		r->spec->userns = USERNS_MANUAL;
	return true;
}

static bool read_uid_map(struct reader *r, json_t *value)
{
	return read_map(r, value, &r->spec->uid_map);
}

static bool read_gid_map(struct reader *r, json_t *value)
{
	return read_map(r, value, &r->spec->gid_map);
}

static bool read_sysctl(struct reader *r, json_t *object)
{
	const char *name;
	json_t *value;
	json_object_foreach(object, name, value)
	{
		if (!json_is_string(value))
			return reader_refuse(r, "holds something that is no string");
		const char *pair =
			arena_printf(r->spec->arena, "%s=%s", name, json_string_value(value));
		if (!spec_add_sysctl(r->spec, pair, r->e))
			return false;
	}
	return true;
}

static bool read_masked(struct reader *r, json_t *value)
{
	return reader_words(r, value, &r->spec->masked_paths);
}

static bool read_readonly(struct reader *r, json_t *value)
{
	return reader_words(r, value, &r->spec->readonly_paths);
}

static bool read_seccomp(struct reader *r, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);
	if (!text)
		return reader_refuse(r, "cannot be kept: no memory");
	r->spec->process.seccomp.kind = SECCOMP_PROFILE;
	r->spec->process.seccomp.path = "config.json";
	r->spec->process.seccomp.json = arena_strdup(r->spec->arena, text);
	free(text);
	return true;
}

static bool read_seconds(json_t *clock, int64_t *ret)
{
	json_t *secs = json_object_get(clock, "secs");
	if (!clock)
		return true;
	if (!json_is_object(clock) || (secs && !json_is_integer(secs)))
		return false;
	*ret = json_integer_value(secs);
	return *ret <= INT32_MAX && *ret >= -INT32_MAX;
}

static bool read_time_offsets(struct reader *r, json_t *object)
{
	if (!read_seconds(json_object_get(object, "monotonic"), &r->spec->monotonic_offset_s) ||
		!read_seconds(json_object_get(object, "boottime"), &r->spec->boottime_offset_s))
		return reader_refuse(r, "is no offset in seconds");
	r->spec->has_time_offsets = true;
	return true;
}

bool reader_linux(struct reader *r, json_t *object)
{
	static const struct key keys[] = {{"namespaces", JSON_ARRAY, read_namespaces},
		{"uidMappings", JSON_ARRAY, read_uid_map},
		{"gidMappings", JSON_ARRAY, read_gid_map}, {"sysctl", JSON_OBJECT, read_sysctl},
		{"maskedPaths", JSON_ARRAY, read_masked},
		{"readonlyPaths", JSON_ARRAY, read_readonly},
		{"seccomp", JSON_OBJECT, read_seccomp},
		{"timeOffsets", JSON_OBJECT, read_time_offsets},
		{"resources", JSON_OBJECT, reader_resources}, {"devices", JSON_ARRAY, NULL},
		{"cgroupsPath", JSON_STRING, reader_cgroups_path},
		{"rootfsPropagation", JSON_STRING, NULL}, {"mountLabel", JSON_STRING, NULL},
		{"intelRdt", JSON_OBJECT, NULL}, {"personality", JSON_OBJECT, NULL}, {0}};
	return reader_object(r, keys, object);
}
