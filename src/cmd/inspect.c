/* SPDX-License-Identifier: Apache-2.0 */
/* inspect.c - everything about a container, as docker's inspect says it; images: images.c */
#include "base/own.h"
#include "base/text.h"
#include "cmd/container_command.h"
#include "cmd/container_text.h"
#include "cmd/inspect_host.h"
#include "cmd/table.h"
#include "cmd/volume.h"
#include "spec/document.h"
#include "spec/secret_text.h"

#include <signal.h>
#include <string.h>

static void clean_json(json_t **j)
{
	json_decref(*j);
}

static json_t *text(const char *s)
{
	json_t *value = json_string(s ? s : "");
	return value ? value : json_string("");
}

/* A member of a member, "" when there is none. */
static json_t *member(json_t *object, const char *a, const char *b)
{
	json_t *value = json_object_get(json_object_get(object, a), b);
	return value ? value : json_null();
}

static json_t *list(json_t *value)
{
	return json_is_array(value) ? json_incref(value) : json_array();
}

static json_t *state(struct container_command *c, const struct container *record)
{
	bool is_up = container_is_up(record);
	bool waits = is_up && record->phase == CONTAINER_RESTARTING;
	json_t *object = json_pack("{s:s, s:b, s:b, s:b, s:b, s:b, s:i, s:i, s:o, s:s, s:s}",
		"Status", container_state_word(record), "Running", is_up, "Paused",
		container_is_paused(record), "Restarting", waits, "OOMKilled",
		record->is_oom_killed, "Dead", 0, "Pid",
		is_up && !waits ? (int)record->first.pid : 0, "ExitCode", record->exit_code,
		"Error", text(record->error), "StartedAt",
		container_time(&c->to.arena, record->started_ns), "FinishedAt",
		container_time(&c->to.arena, record->finished_ns));
	if (record->health_test[0])
		json_object_set_new(object, "Health",
			json_pack("{s:s}", "Status",
				record->health[0] ? record->health : "starting"));
	return object;
}

static json_t *labels(const struct container *record, struct arena *arena)
{
	json_t *object = json_object();
	for (size_t i = 0; i < record->labels.n; i++) {
		const char *label = record->labels.v[i];
		size_t n = strcspn(label, "=");
		json_object_set_new(object, arena_strndup(arena, label, n),
			text(label[n] ? label + n + 1 : ""));
	}
	return object;
}

static json_t *mounts(struct container_command *c, json_t *document)
{
	json_t *rows = json_array(), *mount, *option;
	size_t i, k;
	json_array_foreach(json_object_get(document, "mounts"), i, mount)
	{
		const char *type = json_string_value(json_object_get(mount, "type"));
		bool is_writable = true;
		const char *propagation = "";
		if (!type || strcmp(type, "bind"))
			continue;
		json_array_foreach(json_object_get(mount, "options"), k, option)
		{
			const char *word = json_string_value(option);
			is_writable &= !word || strcmp(word, "ro");
			if (word && (text_ends(word, "private") || text_ends(word, "slave") ||
					    text_ends(word, "shared")))
				propagation = word;
		}
		const char *source = json_string_value(json_object_get(mount, "source"));
		const char *name = NULL;
		if (source)
			volume_of_path(&c->to.arena, &c->host, source, &name);
		json_t *row = json_pack("{s:s, s:O*, s:O*, s:b, s:s, s:s}", "Type",
			name ? "volume" : "bind", "Source", json_object_get(mount, "source"),
			"Destination", json_object_get(mount, "destination"), "RW", is_writable,
			"Mode", is_writable ? "" : "ro", "Propagation", name ? "" : propagation);
		if (name) {
			json_object_set_new(row, "Name", text(name));
			json_object_set_new(row, "Driver", text("local"));
		}
		json_array_append_new(rows, row);
	}
	return rows;
}

static json_t *binds(json_t *rows, struct arena *arena)
{
	json_t *array = json_array(), *row;
	size_t i;
	json_array_foreach(rows, i, row)
	{
		const char *name = json_string_value(json_object_get(row, "Name"));
		const char *source =
			name ? name : json_string_value(json_object_get(row, "Source"));
		const char *target = json_string_value(json_object_get(row, "Destination"));
		bool is_writable = json_is_true(json_object_get(row, "RW"));
		bool is_anonymous = name && strlen(name) == 64;
		if (source && target && !is_anonymous)
			json_array_append_new(array, text(arena_printf(arena, "%s:%s%s", source,
							     target, is_writable ? "" : ":ro")));
	}
	return array;
}

/* Names and places; what is in them is shown by nobody. */
static json_t *secrets(struct arena *arena, json_t *annotations)
{
	struct spec spec = {.arena = arena};
	json_t *rows = json_array();
	struct err ignored;
	for (size_t i = 0;; i++) {
		const char *value = json_string_value(
			json_object_get(annotations, arena_printf(arena, "guscio.secret.%zu", i)));
		if (!value || !spec_add_secret(&spec, value, &ignored))
			return rows;
		const struct secret_spec *s = &spec.secrets[spec.n_secrets - 1];
		json_array_append_new(
			rows, json_pack("{s:s, s:s, s:o, s:I, s:I, s:i}", "Name", s->name, "Type",
				      s->is_env ? "env" : "mount", "Target", text(s->target), "UID",
				      (json_int_t)s->uid, "GID", (json_int_t)s->gid, "Mode",
				      (int)s->mode));
	}
}

static json_t *config(struct container_command *c, const struct container *record, json_t *document)
{
	json_t *annotations = json_object_get(document, "annotations");
	const char *user = json_string_value(json_object_get(annotations, "guscio.user"));
	return json_pack("{s:O, s:s, s:b, s:b, s:o, s:o, s:s, s:O, s:o, s:n, s:s, s:i, s:o}",
		"Hostname",
		json_object_get(document, "hostname") ? json_object_get(document, "hostname")
						      : json_null(),
		"User", user ? user : "", "Tty", record->has_terminal, "OpenStdin",
		record->has_input, "Env", list(member(document, "process", "env")), "Cmd",
		list(member(document, "process", "args")), "Image", record->image, "WorkingDir",
		member(document, "process", "cwd"), "Labels", labels(record, &c->to.arena),
		"Entrypoint", "StopSignal",
		arena_printf(&c->to.arena, "SIG%s",
			sigabbrev_np(record->stop_signal) ? sigabbrev_np(record->stop_signal)
							  : "TERM"),
		"StopTimeout", (int)(record->stop_timeout_ms / 1000), "Secrets",
		secrets(&c->to.arena, annotations));
}

static json_t *host_config(
	struct container_command *c, const struct container *record, json_t *document, json_t *rows)
{
	size_t n = strcspn(record->restart, ":");
	uint64_t most = 0;
	if (record->restart[n])
		text_to_u64(record->restart + n + 1, UINT32_MAX, &most);
	json_t *log = json_object();
	if (record->log_max_size)
		json_object_set_new(log, "max-size",
			text(arena_printf(
				&c->to.arena, "%llu", (unsigned long long)record->log_max_size)));
	if (record->log_max_files > 1)
		json_object_set_new(log, "max-file",
			text(arena_printf(
				&c->to.arena, "%llu", (unsigned long long)record->log_max_files)));
	return json_pack("{s:o, s:s, s:{s:s, s:I}, s:b, s:{s:s, s:o}, s:O, s:b}", "Binds",
		binds(rows, &c->to.arena), "NetworkMode", record->network, "RestartPolicy", "Name",
		arena_strndup(&c->to.arena, record->restart, n), "MaximumRetryCount",
		(json_int_t)most, "AutoRemove", record->is_auto_removed, "LogConfig", "Type",
		record->log_driver, "Config", log, "ReadonlyRootfs",
		member(document, "root", "readonly"), "Privileged", 0);
}

static json_t *read_document(struct container_command *c, const struct container *record)
{
	struct err ignored = ERR_INIT;
	size_t size;
	const char *json = life_document(&c->host, record, &c->to.arena, &size, &ignored);
	json_t *document = json ? json_loadb(json, size, 0, NULL) : NULL;
	return document ? document : json_object();
}

/* What a spoilt document does not say is as it is by default. */
static const struct spec *read_spec(struct container_command *c, const struct container *record)
{
	struct err ignored = ERR_INIT;
	if (!life_load(&c->to, &c->host, record, &ignored))
		spec_init(&c->to.spec, &c->to.arena);
	return &c->to.spec;
}

/* As the document has them, and by which means they are kept. */
static json_t *limits(const struct container *record, json_t *document)
{
	json_t *resources = json_object_get(json_object_get(document, "linux"), "resources");
	json_t *object =
		json_pack("{s:s, s:s}", "KeptBy", record->limits_by, "Cgroup", record->cgroup);
	json_object_set_new(
		object, "Resources", resources ? json_deep_copy(resources) : json_object());
	return object;
}

static json_t *row_of(struct container_command *c, const struct container *record)
{
	struct arena *arena = &c->to.arena;
	const char *bundle = record->is_foreground ? ""
						   : arena_printf(arena, "%s/containers/%s",
							     c->host.data_dir, record->id);
	const char *files = arena_printf(arena, "%s/%s", c->host.runtime_dir, record->id);
	CLEAN(clean_json)
	json_t *document = read_document(c, record);
	json_t *args = member(document, "process", "args"), *rest = json_array(), *rows;
	for (size_t i = 1; i < json_array_size(args); i++)
		json_array_append(rest, json_array_get(args, i));
	rows = mounts(c, document);
	json_t *row = json_pack("{s:s, s:s, s:o, s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s}",
		"Id", record->id, "Created", container_time(arena, record->created_ns), "Path",
		text(json_string_value(json_array_get(args, 0))), "Args", rest, "State",
		state(c, record), "Image", record->image_id, "ResolvConfPath",
		arena_printf(arena, "%s/resolv.conf", files), "HostnamePath",
		arena_printf(arena, "%s/hostname", files), "HostsPath",
		arena_printf(arena, "%s/hosts", files), "LogPath",
		strcmp(record->log_driver, "json-file")
			? ""
			: arena_printf(arena, "%s/container.log", bundle),
		"Name", arena_printf(arena, "/%s", record->name), "RestartCount",
		(json_int_t)record->restart_count, "Driver", "overlay");
	json_t *host = host_config(c, record, document, rows);
	const struct spec *spec = read_spec(c, record);
	inspect_add_host_config(c, spec, host);
	json_object_set_new(row, "HostConfig", host);
	json_object_set_new(row, "Limits", limits(record, document));
	json_object_set_new(row, "Mounts", rows);
	json_object_set_new(row, "NetworkSettings", inspect_network_settings(c, record, spec));
	json_t *own = config(c, record, document);
	json_object_set_new(own, "ExposedPorts", inspect_exposed(arena, spec));
	json_object_set_new(row, "Config", own);
	json_object_set_new(row, "BundlePath", text(bundle));
	if (c->to.life.shows_size)
		json_object_set_new(
			row, "SizeRw", text(container_size(arena, c->host.data_dir, record->id)));
	return row;
}

static bool inspect(struct container_command *c, struct err *e)
{
	CLEAN(clean_json) json_t *rows = json_array();
	for (int i = 0; i < c->argc; i++) {
		struct container record;
		if (!container_get(c, c->argv[i], &record, e))
			return false;
		json_array_append_new(rows, row_of(c, &record));
	}
	return table_print(
		rows, NULL, c->to.format ? c->to.format : "json", false, &c->to.arena, e);
}

static int run_container_inspect(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	return container_command_run(self, argc, argv, notes, 1, -1, ARGUMENTS_MIXED, inspect, e);
}

static bool set_type(struct invocation *to, const char *value, struct err *e)
{
	(void)to;
	if (!strcmp(value, "container") || !strcmp(value, "image"))
		return true;
	err_what(e, ERR_USAGE, "--type '%s' is not known", value);
	return err_hint(e, "container or image");
}

/* --type may stand anywhere; it is taken out, since only this command knows it. */
static const char *take_type(int *argc, char **argv)
{
	const char *type = NULL;
	int kept = 0;
	for (int i = 0; i < *argc; i++) {
		if (text_starts(argv[i], "--type="))
			type = argv[i] + 7;
		else if (!strcmp(argv[i], "--type") && i + 1 < *argc)
			type = argv[++i];
		else
			argv[kept++] = argv[i];
	}
	*argc = kept;
	return type;
}

static int run_inspect(
	const struct command *self, int argc, char **argv, struct notes *notes, struct err *e)
{
	const char *type = take_type(&argc, argv);
	bool wants_help = argc > 0 && !strcmp(argv[argc - 1], "--help");
	if (type && !set_type(NULL, type, e))
		return -1;
	bool is_container =
		type ? !strcmp(type, "container") : argc > 0 && container_is_named(argv[argc - 1]);
	const struct command *chosen = wants_help     ? self
				       : is_container ? &command_container_inspect
						      : &command_image_inspect;
	return chosen == self ? run_container_inspect(self, argc, argv, notes, e)
			      : chosen->run(chosen, argc, argv, notes, e);
}

#define OPTIONS_INSPECT                                                                            \
	{"format", 'f', "FORMAT", "json (the default), or a template as {{.Config.Env}}",          \
		set_format},                                                                       \
	{                                                                                          \
		"size", 's', NULL, "how much a container has changed", set_size                    \
	}

static const struct option_def container_inspect_options[] = {OPTIONS_INSPECT, {0}};

const struct command command_container_inspect = {.name = "inspect",
	.arguments = "[OPTIONS] CONTAINER...",
	.summary = "Show everything about containers",
	.details = "",
	.options = container_inspect_options,
	.run = run_container_inspect};

static const struct option_def inspect_options[] = {OPTIONS_STORE, OPTIONS_INSPECT,
	{"type", 0, "WHAT", "container or image, where a name could be both", set_type}, {0}};

const struct command command_inspect = {.name = "inspect",
	.arguments = "[OPTIONS] NAME...",
	.summary = "Show everything about containers or images",
	.details = "",
	.options = inspect_options,
	.run = run_inspect};
