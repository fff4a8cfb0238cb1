/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_read.c - a bundle's config.json into a spec
 *
 * One table an object: key, JSON type, handler. A key that is in no table gets a
 * note, a key that means something guscio cannot do is refused by name: they are
 * different things to the user.
 */
#include "base/capability_set.h"
#include "base/text.h"
#include "spec/document.h"
#include "spec/namespaces.h"
#include "spec/options.h"

#include <jansson.h>
#include <string.h>

#define ELEMENTS_MAX 4096

struct reader {
	struct spec *spec;
	const char *bundle_dir;
	struct notes *notes;
	char path[256]; /* where in the document */
	struct err *e;
};

typedef bool handler(struct reader *r, json_t *value);

struct key {
	const char *name;
	json_type type; /* JSON_TRUE stands for both booleans */
	handler *read;  /* NULL: it is refused unless it is empty */
};

static bool refuse(struct reader *r, const char *why)
{
	return err_what(r->e, ERR_INPUT, "config.json: %s %s", r->path, why);
}

static bool has_type(json_t *value, json_type type)
{
	if (type == JSON_TRUE)
		return json_is_boolean(value);
	return json_typeof(value) == type;
}

static bool is_empty(json_t *value)
{
	return json_is_null(value) || json_is_false(value) ||
		(json_is_object(value) && !json_object_size(value)) ||
		(json_is_array(value) && !json_array_size(value));
}

static const struct key *find_key(const struct key *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	return NULL;
}

static bool read_key(struct reader *r, const struct key *table, const char *name, json_t *value)
{
	size_t before = strlen(r->path);
	const struct key *key = find_key(table, name);
	bool ok = true;
	snprintf(r->path + before, sizeof(r->path) - before, "%s%s", before ? "." : "", name);
	if (!key)
		notes_add(r->notes, "config.json: %s is not known, and left out", r->path);
	else if (!key->read)
		ok = is_empty(value) || refuse(r, "is not supported");
	else if (!has_type(value, key->type))
		ok = refuse(r, "has the wrong type");
	else
		ok = key->read(r, value);
	if (ok)
		r->path[before] = '\0';
	return ok;
}

static bool read_object(struct reader *r, const struct key *table, json_t *object)
{
	const char *name;
	json_t *value;
	json_object_foreach(object, name, value)
	{
		if (!read_key(r, table, name, value))
			return false;
	}
	return true;
}

static const char *copy(struct reader *r, json_t *value)
{
	return arena_strdup(r->spec->arena, json_string_value(value));
}

static bool read_words(struct reader *r, json_t *array, struct strv *ret)
{
	struct strv list = {0};
	size_t i;
	json_t *value;
	if (json_array_size(array) > ELEMENTS_MAX)
		return refuse(r, "is too long");
	json_array_foreach(array, i, value)
	{
		if (!json_is_string(value))
			return refuse(r, "holds something that is no string");
		strv_add(r->spec->arena, &list, json_string_value(value));
	}
	*ret = list;
	return true;
}

static bool to_id(json_t *value, uint32_t *ret)
{
	json_int_t n = json_integer_value(value);
	if (!json_is_integer(value) || n < 0 || n >= UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

/* process.user */
static bool read_uid(struct reader *r, json_t *value)
{
	uint32_t id;
	struct process_spec *p = &r->spec->process;
	if (!to_id(value, &id))
		return refuse(r, "is no id");
	const char *group = strchr(p->user, ':');
	p->user = arena_printf(r->spec->arena, "%u%s", id, group ? group : "");
	return true;
}

static bool read_gid(struct reader *r, json_t *value)
{
	uint32_t id;
	struct process_spec *p = &r->spec->process;
	if (!to_id(value, &id))
		return refuse(r, "is no id");
	size_t len = strcspn(p->user, ":");
	p->user = arena_printf(r->spec->arena, "%.*s:%u", (int)len, p->user, id);
	return true;
}

static bool read_umask(struct reader *r, json_t *value)
{
	json_int_t bits = json_integer_value(value);
	if (bits < 0 || bits > 0777)
		return refuse(r, "is no file mode mask");
	r->spec->process.umask = (mode_t)bits;
	return true;
}

static bool read_gids(struct reader *r, json_t *array)
{
	size_t i;
	json_t *value;
	json_array_foreach(array, i, value)
	{
		uint32_t id;
		if (i >= 64 || !to_id(value, &id))
			return refuse(r, "holds something that is no id");
		spec_add_group(r->spec, arena_printf(r->spec->arena, "%u", id));
	}
	return true;
}

static bool read_user(struct reader *r, json_t *object)
{
	static const struct key keys[] = {{"uid", JSON_INTEGER, read_uid},
		{"gid", JSON_INTEGER, read_gid}, {"umask", JSON_INTEGER, read_umask},
		{"additionalGids", JSON_ARRAY, read_gids}, {0}};
	if (!read_object(r, keys, object))
		return false;
	/* "0:0" is what every document says for the default user. */
	if (!strcmp(r->spec->process.user, "0:0"))
		r->spec->process.user = "";
	return true;
}

/* process */
static bool read_terminal(struct reader *r, json_t *value)
{
	r->spec->process.terminal = json_is_true(value);
	return true;
}

static bool read_args(struct reader *r, json_t *value)
{
	return read_words(r, value, &r->spec->process.args);
}

static bool read_env(struct reader *r, json_t *value)
{
	return read_words(r, value, &r->spec->process.env);
}

static bool read_cwd(struct reader *r, json_t *value)
{
	if (json_string_value(value)[0] != '/')
		return refuse(r, "is not absolute");
	r->spec->process.cwd = copy(r, value);
	return true;
}

static bool read_nnp(struct reader *r, json_t *value)
{
	r->spec->process.no_new_privileges = json_is_true(value);
	return true;
}

static bool read_cap_set(struct reader *r, json_t *array, uint64_t *ret)
{
	struct strv names;
	uint64_t set = 0;
	if (!read_words(r, array, &names))
		return false;
	for (size_t i = 0; i < names.n; i++) {
		int cap;
		if (!capability_find(names.v[i], &cap))
			return refuse(r, "names a capability that is not known");
		set |= CAPS_BIT(cap);
	}
	*ret = set;
	return true;
}

static bool read_bounding(struct reader *r, json_t *value)
{
	return read_cap_set(r, value, &r->spec->process.caps.bounding);
}

static bool read_ambient(struct reader *r, json_t *value)
{
	return read_cap_set(r, value, &r->spec->process.caps.ambient);
}

/* For root the kernel derives these from the bounding set at exec; they must not say otherwise. */
static bool read_derived(struct reader *r, json_t *value)
{
	uint64_t ignored;
	return read_cap_set(r, value, &ignored);
}

static bool read_capabilities(struct reader *r, json_t *object)
{
	static const struct key keys[] = {{"bounding", JSON_ARRAY, read_bounding},
		{"ambient", JSON_ARRAY, read_ambient}, {"effective", JSON_ARRAY, read_derived},
		{"permitted", JSON_ARRAY, read_derived}, {"inheritable", JSON_ARRAY, read_derived},
		{0}};
	r->spec->process.caps.bounding = 0;
	return read_object(r, keys, object);
}

static bool read_rlimits(struct reader *r, json_t *array)
{
	struct process_spec *p = &r->spec->process;
	size_t i;
	json_t *value;
	json_array_foreach(array, i, value)
	{
		const char *name = json_string_value(json_object_get(value, "type"));
		json_t *soft = json_object_get(value, "soft"), *hard = json_object_get(value, "hard");
		int resource;
		if (i >= 64 || !name || !json_is_integer(soft) || !json_is_integer(hard) ||
			!spec_rlimit_find(name, &resource))
			return refuse(r, "holds something that is no resource limit");
		struct rlimit_spec *slot = ARENA_APPEND(r->spec->arena, p->rlimits, p->n_rlimits);
		slot->resource = resource;
		slot->limit.rlim_cur = (rlim_t)json_integer_value(soft);
		slot->limit.rlim_max = (rlim_t)json_integer_value(hard);
	}
	return true;
}

static bool read_process(struct reader *r, json_t *object)
{
	static const struct key keys[] = {{"terminal", JSON_TRUE, read_terminal},
		{"user", JSON_OBJECT, read_user}, {"args", JSON_ARRAY, read_args},
		{"env", JSON_ARRAY, read_env}, {"cwd", JSON_STRING, read_cwd},
		{"capabilities", JSON_OBJECT, read_capabilities},
		{"rlimits", JSON_ARRAY, read_rlimits},
		{"noNewPrivileges", JSON_TRUE, read_nnp}, {"consoleSize", JSON_OBJECT, NULL},
		{"apparmorProfile", JSON_STRING, NULL}, {"selinuxLabel", JSON_STRING, NULL},
		{"oomScoreAdj", JSON_INTEGER, NULL}, {"scheduler", JSON_OBJECT, NULL},
		{"ioPriority", JSON_OBJECT, NULL}, {"execCPUAffinity", JSON_OBJECT, NULL}, {0}};
	return read_object(r, keys, object);
}

/* root */
static bool read_root_path(struct reader *r, json_t *value)
{
	const char *path = json_string_value(value);
	struct root_spec *root = &r->spec->root;
	if (!strcmp(path, "@host")) {
		root->kind = ROOT_HOST;
		return true;
	}
	root->kind = ROOT_DIR;
	root->path = path[0] == '/'
		? copy(r, value)
		: arena_printf(r->spec->arena, "%s/%s", r->bundle_dir, path);
	return true;
}

static bool read_root_readonly(struct reader *r, json_t *value)
{
	r->spec->root.readonly = json_is_true(value);
	return true;
}

static bool read_root(struct reader *r, json_t *object)
{
	static const struct key keys[] = {{"path", JSON_STRING, read_root_path},
		{"readonly", JSON_TRUE, read_root_readonly}, {0}};
	return read_object(r, keys, object);
}

/* mounts */
static bool read_mount(struct reader *r, json_t *object)
{
	json_t *destination = json_object_get(object, "destination");
	json_t *type = json_object_get(object, "type");
	json_t *source = json_object_get(object, "source");
	json_t *options = json_object_get(object, "options");
	struct mount_spec m = {.type = "bind", .source = "none"};
	if (!json_is_string(destination) || (type && !json_is_string(type)) ||
		(source && !json_is_string(source)) || (options && !json_is_array(options)))
		return refuse(r, "holds something that is no mount");
	if (options && !read_words(r, options, &m.options))
		return false;
	m.destination = copy(r, destination);
	if (source)
		m.source = copy(r, source);
	if (type)
		m.type = copy(r, type);
	/* "none" with bind or rbind is how many documents write a bind. */
	if (!strcmp(m.type, "none") || strv_has(&m.options, "bind") ||
		strv_has(&m.options, "rbind"))
		m.type = "bind";
	if (!strcmp(m.type, "bind") && m.source[0] != '/')
		m.source = arena_printf(r->spec->arena, "%s/%s", r->bundle_dir, m.source);
	*ARENA_APPEND(r->spec->arena, r->spec->mounts, r->spec->n_mounts) = m;
	return true;
}

static bool read_mounts(struct reader *r, json_t *array)
{
	size_t i;
	json_t *value;
	r->spec->n_mounts = 0;
	r->spec->mounts = NULL;
	if (json_array_size(array) > ELEMENTS_MAX)
		return refuse(r, "is too long");
	json_array_foreach(array, i, value)
	{
		if (!json_is_object(value) || !read_mount(r, value))
			return json_is_object(value) ? false : refuse(r, "holds no object");
	}
	return true;
}

/* linux */
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
			return refuse(r, "holds something that is no namespace");
		r->spec->namespaces[ns].mode = path ? NS_JOIN_PATH : NS_PRIVATE;
		r->spec->namespaces[ns].from = path ? copy(r, path) : NULL;
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
		if (i >= ID_MAP_MAX || !to_id(json_object_get(value, "containerID"), &range.inside) ||
			!to_id(json_object_get(value, "hostID"), &range.outside) ||
			!to_id(json_object_get(value, "size"), &range.count))
			return refuse(r, "holds something that is no id mapping");
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
			return refuse(r, "holds something that is no string");
		const char *pair = arena_printf(
			r->spec->arena, "%s=%s", name, json_string_value(value));
		if (!spec_add_sysctl(r->spec, pair, r->e))
			return false;
	}
	return true;
}

static bool read_masked(struct reader *r, json_t *value)
{
	return read_words(r, value, &r->spec->masked_paths);
}

static bool read_readonly(struct reader *r, json_t *value)
{
	return read_words(r, value, &r->spec->readonly_paths);
}

static bool read_seccomp(struct reader *r, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);
	if (!text)
		return refuse(r, "cannot be kept: no memory");
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
		return refuse(r, "is no offset in seconds");
	r->spec->has_time_offsets = true;
	return true;
}

/* A device that every container has is no wish; a rule for the device cgroup is root's. */
static bool read_resources(struct reader *r, json_t *object)
{
	const char *name;
	json_t *value;
	json_object_foreach(object, name, value)
	{
		if (!is_empty(value) && strcmp(name, "devices")) {
			refuse(r, "cannot be had: there are no limits yet");
			return err_hint(r->e, "remove '%s' from it", name);
		}
	}
	return true;
}

static bool read_linux(struct reader *r, json_t *object)
{
	static const struct key keys[] = {{"namespaces", JSON_ARRAY, read_namespaces},
		{"uidMappings", JSON_ARRAY, read_uid_map},
		{"gidMappings", JSON_ARRAY, read_gid_map}, {"sysctl", JSON_OBJECT, read_sysctl},
		{"maskedPaths", JSON_ARRAY, read_masked},
		{"readonlyPaths", JSON_ARRAY, read_readonly},
		{"seccomp", JSON_OBJECT, read_seccomp},
		{"timeOffsets", JSON_OBJECT, read_time_offsets},
		{"resources", JSON_OBJECT, read_resources}, {"devices", JSON_ARRAY, NULL},
		{"cgroupsPath", JSON_STRING, NULL}, {"rootfsPropagation", JSON_STRING, NULL},
		{"mountLabel", JSON_STRING, NULL}, {"intelRdt", JSON_OBJECT, NULL},
		{"personality", JSON_OBJECT, NULL}, {0}};
	return read_object(r, keys, object);
}

/* annotations: what guscio adds to the OCI document */
static bool read_annotation(struct reader *r, const char *name, const char *value)
{
	static const struct name_value modes[] = {{"auto", USERNS_AUTO},
		{"keep-id", USERNS_KEEP_ID}, {"single", USERNS_SINGLE},
		{"manual", USERNS_MANUAL}, {"join", USERNS_JOIN}, {NULL, 0}};
	struct spec *spec = r->spec;
	if (!strcmp(name, "guscio.userns")) {
		const struct name_value *mode = name_find(modes, value);
		if (mode)
			spec->userns = (enum userns_mode)mode->value;
		return mode || refuse(r, "guscio.userns is not known");
	}
	if (!strcmp(name, "guscio.user"))
		spec->process.user = value;
	else if (!strcmp(name, "guscio.init"))
		spec->init = strcmp(value, "false");
	else if (!strcmp(name, "guscio.nest"))
		spec->nest = !strcmp(value, "true");
	else if (!strcmp(name, "guscio.interactive"))
		spec->process.interactive = !strcmp(value, "true");
	else if (!strcmp(name, "guscio.name"))
		spec->name = value;
	else if (!strcmp(name, "guscio.seccomp") && !strcmp(value, "unconfined"))
		spec->process.seccomp.kind = SECCOMP_UNCONFINED;
	else if (!strcmp(name, "guscio.overlay")) {
		spec->root.overlay = value[0] ? OVERLAY_KEPT : OVERLAY_THROWAWAY;
		spec->root.overlay_name = value[0] ? value : NULL;
	} else if (!strcmp(name, "guscio.timeout-ms"))
		return text_to_u64(value, UINT32_MAX, &spec->timeout_ms) ||
			refuse(r, "guscio.timeout-ms is no number");
	else if (!strcmp(name, "guscio.stop-signal"))
		return spec_set_stop_signal(spec, value, r->e);
	else if (text_starts(name, "guscio.join.")) {
		for (int ns = 0; ns < NS_KINDS; ns++)
			if (!strcmp(name + 12, spec_ns_names[ns]))
				spec->namespaces[ns] = (struct ns_spec){NS_JOIN_CONTAINER, value};
	} else
		strv_env_set(spec->arena, &spec->annotations,
			arena_printf(spec->arena, "%s=%s", name, value));
	return true;
}

static bool read_annotations(struct reader *r, json_t *object)
{
	const char *name;
	json_t *value;
	json_object_foreach(object, name, value)
	{
		if (!json_is_string(value))
			return refuse(r, "holds something that is no string");
		if (!read_annotation(r, name, copy(r, value)))
			return false;
	}
	return true;
}

static bool read_hostname(struct reader *r, json_t *value)
{
	if (json_string_length(value) > 64)
		return refuse(r, "is longer than 64");
	r->spec->hostname = json_string_length(value) ? copy(r, value) : NULL;
	return true;
}

static bool read_domainname(struct reader *r, json_t *value)
{
	if (json_string_length(value) > 64)
		return refuse(r, "is longer than 64");
	r->spec->domainname = json_string_length(value) ? copy(r, value) : NULL;
	return true;
}

static bool read_version(struct reader *r, json_t *value)
{
	return text_starts(json_string_value(value), "1.") ||
		refuse(r, "is not 1.x, the version guscio knows");
}

bool spec_from_json(struct spec *spec, const char *text, size_t size, const char *bundle_dir,
	struct notes *notes, struct err *e)
{
	static const struct key keys[] = {{"ociVersion", JSON_STRING, read_version},
		{"process", JSON_OBJECT, read_process}, {"root", JSON_OBJECT, read_root},
		{"hostname", JSON_STRING, read_hostname},
		{"domainname", JSON_STRING, read_domainname}, {"mounts", JSON_ARRAY, read_mounts},
		{"linux", JSON_OBJECT, read_linux}, {"hooks", JSON_OBJECT, NULL},
		{"vm", JSON_OBJECT, NULL}, {"windows", JSON_OBJECT, NULL},
		{"solaris", JSON_OBJECT, NULL}, {"zos", JSON_OBJECT, NULL}, {0}};
	static const struct key last[] = {{"annotations", JSON_OBJECT, read_annotations}, {0}};
	struct reader r = {.spec = spec, .bundle_dir = bundle_dir, .notes = notes, .e = e};
	json_error_t where;
	*e = (struct err)ERR_INIT;
	json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
	if (!document)
		return err_what(e, ERR_INPUT, "config.json line %d: %s", where.line, where.text);
	bool ok = json_is_object(document) || refuse(&r, "is no object");
	json_t *annotations = ok ? json_object_get(document, "annotations") : NULL;
	json_incref(annotations);
	if (ok)
		json_object_del(document, "annotations");
	/* Annotations last: they say what the document has no words for. */
	ok = ok && read_object(&r, keys, document) &&
		(!annotations || read_key(&r, last, "annotations", annotations));
	json_decref(annotations);
	json_decref(document);
	return ok;
}
