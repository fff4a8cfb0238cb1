/* SPDX-License-Identifier: Apache-2.0 */
/* json_read.c - a bundle's config.json into a spec */
#include "base/capability_set.h"
#include "base/text.h"
#include "spec/document.h"
#include "spec/json_limits.h"
#include "spec/json_reader.h"
#include "spec/namespaces.h"
#include "spec/options.h"
#include "spec/port_text.h"

#include <string.h>

/* process.user */
static bool read_uid(struct reader *r, json_t *value)
{
	uint32_t id;
	struct process_spec *p = &r->spec->process;
	if (!reader_id(value, &id))
		return reader_refuse(r, "is no id");
	const char *group = strchr(p->user, ':');
	p->user = arena_printf(r->spec->arena, "%u%s", id, group ? group : "");
	return true;
}

static bool read_gid(struct reader *r, json_t *value)
{
	uint32_t id;
	struct process_spec *p = &r->spec->process;
	if (!reader_id(value, &id))
		return reader_refuse(r, "is no id");
	size_t len = strcspn(p->user, ":");
	p->user = arena_printf(r->spec->arena, "%.*s:%u", (int)len, p->user, id);
	return true;
}

static bool read_umask(struct reader *r, json_t *value)
{
	json_int_t bits = json_integer_value(value);
	if (bits < 0 || bits > 0777)
		return reader_refuse(r, "is no file mode mask");
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
		if (i >= 64 || !reader_id(value, &id))
			return reader_refuse(r, "holds something that is no id");
		spec_add_group(r->spec, arena_printf(r->spec->arena, "%u", id));
	}
	return true;
}

static bool read_user(struct reader *r, json_t *object)
{
	static const struct key keys[] = {{"uid", JSON_INTEGER, read_uid},
		{"gid", JSON_INTEGER, read_gid}, {"umask", JSON_INTEGER, read_umask},
		{"additionalGids", JSON_ARRAY, read_gids}, {0}};
	if (!reader_object(r, keys, object))
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
	return reader_words(r, value, &r->spec->process.args);
}

static bool read_env(struct reader *r, json_t *value)
{
	return reader_words(r, value, &r->spec->process.env);
}

static bool read_cwd(struct reader *r, json_t *value)
{
	if (json_string_value(value)[0] != '/')
		return reader_refuse(r, "is not absolute");
	r->spec->process.cwd = reader_copy(r, value);
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
	if (!reader_words(r, array, &names))
		return false;
	for (size_t i = 0; i < names.n; i++) {
		int cap;
		if (!capability_find(names.v[i], &cap))
			return reader_refuse(r, "names a capability that is not known");
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
	return reader_object(r, keys, object);
}

static bool read_rlimits(struct reader *r, json_t *array)
{
	struct process_spec *p = &r->spec->process;
	size_t i;
	json_t *value;
	json_array_foreach(array, i, value)
	{
		const char *name = json_string_value(json_object_get(value, "type"));
		json_t *soft = json_object_get(value, "soft"),
		       *hard = json_object_get(value, "hard");
		int resource;
		if (i >= 64 || !name || !json_is_integer(soft) || !json_is_integer(hard) ||
			!spec_rlimit_find(name, &resource))
			return reader_refuse(r, "holds something that is no resource limit");
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
		{"rlimits", JSON_ARRAY, read_rlimits}, {"noNewPrivileges", JSON_TRUE, read_nnp},
		{"consoleSize", JSON_OBJECT, NULL}, {"apparmorProfile", JSON_STRING, NULL},
		{"selinuxLabel", JSON_STRING, NULL},
		{"oomScoreAdj", JSON_INTEGER, reader_oom_score}, {"scheduler", JSON_OBJECT, NULL},
		{"ioPriority", JSON_OBJECT, NULL}, {"execCPUAffinity", JSON_OBJECT, NULL}, {0}};
	return reader_object(r, keys, object);
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
	root->path = path[0] == '/' ? reader_copy(r, value)
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
	return reader_object(r, keys, object);
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
		return reader_refuse(r, "holds something that is no mount");
	if (options && !reader_words(r, options, &m.options))
		return false;
	m.destination = reader_copy(r, destination);
	if (source)
		m.source = reader_copy(r, source);
	if (type)
		m.type = reader_copy(r, type);
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
	if (json_array_size(array) > READER_ELEMENTS_MAX)
		return reader_refuse(r, "is too long");
	json_array_foreach(array, i, value)
	{
		if (!json_is_object(value) || !read_mount(r, value))
			return json_is_object(value) ? false : reader_refuse(r, "holds no object");
	}
	return true;
}

static bool read_ports(struct reader *r, const char *text)
{
	struct spec *spec = r->spec;
	while (*text) {
		size_t len = strcspn(text, ",");
		if (!spec_add_port(spec, arena_strndup(spec->arena, text, len), r->e))
			return false;
		text += len + (text[len] == ',');
	}
	return true;
}

/* annotations: what guscio adds to the OCI document */
static bool read_list(
	struct reader *r, const char *list, bool (*add)(struct spec *, const char *, struct err *))
{
	while (*list) {
		size_t len = strcspn(list, " ");
		if (len && !add(r->spec, arena_strndup(r->spec->arena, list, len), r->e))
			return false;
		list += len + (list[len] == ' ');
	}
	return true;
}

static bool read_network(struct reader *r, const char *value)
{
	/* The document's namespaces say whether it has one of its own at all; options win. */
	if (r->spec->namespaces[NS_NET].mode != NS_PRIVATE || r->spec->net.is_wanted)
		return true;
	return spec_set_network(r->spec, value, r->e);
}

/* Lists of options that have a reader of their own already. */
static bool read_options(struct reader *r, const char *name, const char *value, bool *ret_known)
{
	static const struct {
		const char *name;
		bool (*add)(struct spec *, const char *, struct err *);
	} lists[] = {{"guscio.dns", spec_add_dns}, {"guscio.dns-search", spec_add_dns_search},
		{"guscio.dns-option", spec_add_dns_option}, {"guscio.add-host", spec_add_host}};
	*ret_known = true;
	if (!strcmp(name, "guscio.network"))
		return read_network(r, value);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (!strcmp(name, lists[i].name))
			return read_list(r, value, lists[i].add);
	*ret_known = false;
	return true;
}

static bool read_annotation(struct reader *r, const char *name, const char *value)
{
	static const struct name_value modes[] = {{"auto", USERNS_AUTO},
		{"keep-id", USERNS_KEEP_ID}, {"single", USERNS_SINGLE}, {"manual", USERNS_MANUAL},
		{"join", USERNS_JOIN}, {NULL, 0}};
	struct spec *spec = r->spec;
	bool is_known;
	bool ok = spec_stay_read(r, name, value, &is_known);
	if (is_known)
		return ok;
	if (!strcmp(name, "guscio.userns")) {
		const struct name_value *mode = name_find(modes, value);
		if (mode)
			spec->userns = (enum userns_mode)mode->value;
		return mode || reader_refuse(r, "guscio.userns is not known");
	}
	ok = reader_limit_annotation(r, name, value, &is_known) &&
	     (is_known || read_options(r, name, value, &is_known));
	if (is_known || !ok)
		return ok;
	if (!strcmp(name, "guscio.user"))
		spec->process.user = value;
	else if (!strcmp(name, "guscio.init"))
		spec->init = strcmp(value, "false");
	else if (!strcmp(name, "guscio.systemd"))
		spec->system = !strcmp(value, "false") ? SYSTEM_NEVER : SYSTEM_ALWAYS;
	else if (!strcmp(name, "guscio.nest"))
		spec->nest = !strcmp(value, "true");
	else if (!strcmp(name, "guscio.ports"))
		return read_ports(r, value);
	else if (!strcmp(name, "guscio.interactive"))
		spec->process.interactive = !strcmp(value, "true");
	else if (!strcmp(name, "guscio.name"))
		spec->name = value;
	else if (!strcmp(name, "guscio.seccomp") && !strcmp(value, "unconfined"))
		spec->process.seccomp.kind = SECCOMP_UNCONFINED;
	else if (!strcmp(name, "guscio.image")) {
		spec->root.kind = ROOT_IMAGE;
		spec->root.path = value;
	} else if (!strcmp(name, "guscio.overlay")) {
		spec->root.overlay = value[0] ? OVERLAY_KEPT : OVERLAY_THROWAWAY;
		spec->root.overlay_name = value[0] ? value : NULL;
	} else if (!strcmp(name, "guscio.timeout-ms"))
		return text_to_u64(value, UINT32_MAX, &spec->timeout_ms) ||
		       reader_refuse(r, "guscio.timeout-ms is no number");
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
			return reader_refuse(r, "holds something that is no string");
		if (!read_annotation(r, name, reader_copy(r, value)))
			return false;
	}
	return true;
}

static bool read_hostname(struct reader *r, json_t *value)
{
	if (json_string_length(value) > 64)
		return reader_refuse(r, "is longer than 64");
	r->spec->hostname = json_string_length(value) ? reader_copy(r, value) : NULL;
	return true;
}

static bool read_domainname(struct reader *r, json_t *value)
{
	if (json_string_length(value) > 64)
		return reader_refuse(r, "is longer than 64");
	r->spec->domainname = json_string_length(value) ? reader_copy(r, value) : NULL;
	return true;
}

static bool read_version(struct reader *r, json_t *value)
{
	return text_starts(json_string_value(value), "1.") ||
	       reader_refuse(r, "is not 1.x, the version guscio knows");
}

bool spec_from_json(struct spec *spec, const char *text, size_t size, const char *bundle_dir,
	struct notes *notes, struct err *e)
{
	static const struct key keys[] = {{"ociVersion", JSON_STRING, read_version},
		{"process", JSON_OBJECT, read_process}, {"root", JSON_OBJECT, read_root},
		{"hostname", JSON_STRING, read_hostname},
		{"domainname", JSON_STRING, read_domainname}, {"mounts", JSON_ARRAY, read_mounts},
		{"linux", JSON_OBJECT, reader_linux}, {"hooks", JSON_OBJECT, NULL},
		{"vm", JSON_OBJECT, NULL}, {"windows", JSON_OBJECT, NULL},
		{"solaris", JSON_OBJECT, NULL}, {"zos", JSON_OBJECT, NULL}, {0}};
	static const struct key last[] = {{"annotations", JSON_OBJECT, read_annotations}, {0}};
	struct reader r = {.spec = spec, .bundle_dir = bundle_dir, .notes = notes, .e = e};
	json_error_t where;
	*e = (struct err)ERR_INIT;
	/* To other runtimes a network namespace is an empty one. */
	if (!spec->net.is_wanted)
		spec->net.kind = NET_NONE;
	json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
	if (!document)
		return err_what(e, ERR_INPUT, "config.json line %d: %s", where.line, where.text);
	bool ok = json_is_object(document) || reader_refuse(&r, "is no object");
	json_t *annotations = ok ? json_object_get(document, "annotations") : NULL;
	json_incref(annotations);
	if (ok)
		json_object_del(document, "annotations");
	/* Annotations last: they say what the document has no words for. */
	ok = ok && reader_object(&r, keys, document) &&
	     (!annotations || reader_key(&r, last, "annotations", annotations));
	json_decref(annotations);
	json_decref(document);
	return ok;
}
