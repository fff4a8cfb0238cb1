/* SPDX-License-Identifier: Apache-2.0 */
/* life_create.c - a container that stays comes into being, and is read again */
#include "base/fault.h"
#include "base/own.h"
#include "base/text.h"
#include "cmd/create_command.h"
#include "cmd/image_root.h"
#include "cmd/life.h"
#include "cmd/secret.h"
#include "cmd/tarball.h"
#include "cmd/volume.h"
#include "image/flat.h"
#include "spec/document.h"
#include "state/event.h"
#include "state/foreground.h"
#include "wire/journal.h"

#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LABEL	"guscio.label."
#define STORAGE "guscio.storage"
#define DIGEST	"guscio.image-digest"
#define STORES	"guscio.additional-stores"

bool life_is_wanted(const struct invocation *to)
{
	const struct life_options *life = &to->life;
	return life->is_detached || life->is_created || (life->has_rm && !life->rm) ||
	       life->restart || life->log_driver || life->log_max_size || life->log_max_files ||
	       life->health_test || (life->sdnotify && !strcmp(life->sdnotify, "healthy"));
}

bool life_check_journal(const char *driver, struct err *e)
{
	if (strcmp(driver, "journald") || access(JOURNAL_SOCKET, W_OK) == 0)
		return true;
	err_sys(e, "write to '" JOURNAL_SOCKET "'");
	err_what(e, ERR_HOST, "there is no journal for --log-driver journald");
	return err_hint(e, "json-file keeps the log beside the container");
}

static bool check_log(const struct life_options *life, struct err *e)
{
	const char *driver = life->log_driver ? life->log_driver : "json-file";
	bool is_file = !strcmp(driver, "json-file"), is_journal = !strcmp(driver, "journald");
	if (!is_file && (life->log_max_size || life->log_max_files))
		return err_what(e, ERR_USAGE, "--log-opt max-size and max-file are of json-file");
	if (!is_journal && life->log_tag)
		return err_what(e, ERR_USAGE, "--log-opt tag is of journald");
	return life_check_journal(driver, e);
}

bool life_check(struct invocation *to, struct err *e)
{
	struct life_options *life = &to->life;
	if (life->has_rm && life->rm && life->restart && strcmp(life->restart, "no")) {
		err_what(e, ERR_USAGE, "--rm and --restart contradict each other");
		return err_hint(e, "what is removed at its end cannot come back");
	}
	if (life->sdnotify && !strcmp(life->sdnotify, "healthy") &&
		(!life->health_test || !life->health_test[0]))
		return err_what(e, ERR_USAGE, "--sdnotify=healthy needs a --health-cmd");
	if (!check_log(life, e))
		return false;
	if (life->is_detached && to->spec.process.preserve_fds)
		return err_what(e, ERR_USAGE, "--preserve-fds is for the foreground only");
	if (life_is_wanted(to) && to->spec.process.preserve_fds)
		return err_what(e, ERR_USAGE, "a container that stays cannot keep descriptors");
	for (size_t i = 0; life_is_wanted(to) && i < to->spec.n_ports; i++)
		if (to->spec.ports[i].fd >= 0) {
			err_what(e, ERR_USAGE, "a container that stays cannot keep descriptors");
			return err_hint(
				e, "--fd is for the foreground: let systemd keep guscio run");
		}
	return true;
}

static void annotate(struct invocation *to, const char *key, const char *value)
{
	strv_env_set(
		&to->arena, &to->spec.annotations, arena_printf(&to->arena, "%s=%s", key, value));
}

static const char *absolute(struct arena *arena, const char *path)
{
	if (path[0] == '/')
		return path;
	CLEAN(clean_free) char *cwd = getcwd(NULL, 0);
	return arena_printf(arena, "%s/%s", cwd ? cwd : "", path);
}

/* It will be started from anywhere. */
static void make_absolute(struct invocation *to)
{
	struct spec *spec = &to->spec;
	struct arena *arena = &to->arena;
	if (spec->root.kind == ROOT_DIR) {
		char *real = realpath(spec->root.path, NULL);
		spec->root.path =
			arena_strdup(arena, real ? real : absolute(arena, spec->root.path));
		free(real);
	}
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (!strcmp(spec->mounts[i].type, "bind"))
			spec->mounts[i].source = absolute(arena, spec->mounts[i].source);
	for (size_t i = 0; i < spec->n_devices; i++)
		spec->devices[i].source = absolute(arena, spec->devices[i].source);
	if (spec->root.overlay == OVERLAY_KEPT && strchr(spec->root.overlay_name, '/'))
		spec->root.overlay_name = absolute(arena, spec->root.overlay_name);
}

static void annotate_all(struct invocation *to)
{
	struct life_options *life = &to->life;
	const char *storage = to->source.storage ? to->source.storage : getenv("GUSCIO_STORAGE");
	const char *stores = "";
	for (size_t i = 0; i < life->labels.n; i++) {
		const char *label = life->labels.v[i];
		size_t n = strcspn(label, "=");
		annotate(to, arena_printf(&to->arena, LABEL "%.*s", (int)n, label),
			label[n] ? label + n + 1 : "");
	}
	if (storage && storage[0])
		annotate(to, STORAGE, absolute(&to->arena, storage));
	for (size_t i = 0; i < to->source.additional.n; i++)
		stores = arena_printf(&to->arena, "%s%s%s", stores, i ? ":" : "",
			absolute(&to->arena, to->source.additional.v[i]));
	if (stores[0])
		annotate(to, STORES, stores);
	if (to->image_digest)
		annotate(to, DIGEST, to->image_digest);
	create_command_note(to);
}

/* The user's labels, and those of the image that they do not replace. */
static void add_labels(struct invocation *to, struct container *c)
{
	static const char *const facts[] = {
		"os=", "architecture=", "author=", "created=", "exposedPorts="};
	for (size_t i = 0; i < to->life.labels.n; i++)
		strv_env_set(&to->arena, &c->labels, to->life.labels.v[i]);
	for (size_t i = 0; i < to->spec.annotations.n; i++) {
		const char *entry = to->spec.annotations.v[i];
		const char *image = "org.opencontainers.image.";
		bool is_fact = text_starts(entry, "guscio.");
		for (size_t k = 0; text_starts(entry, image) && k < ARRAY_LEN(facts); k++)
			is_fact |= text_starts(entry + strlen(image), facts[k]);
		char *key = arena_strndup(&to->arena, entry, strcspn(entry, "="));
		if (!is_fact && !strv_env(&c->labels, key))
			strv_add(&to->arena, &c->labels, entry);
	}
}

const char *life_command_line(struct arena *arena, const struct strv *args)
{
	char text[1024];
	size_t n = 0;
	text[0] = '\0';
	for (size_t i = 0; i < args->n && n < sizeof(text) - 1; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? " " : "", args->v[i]);
	return arena_strdup(arena, text);
}

static const char *mount_list(struct invocation *to, const struct host *host)
{
	const char *text = "";
	for (size_t i = 0; i < to->spec.n_mounts; i++) {
		const struct mount_spec *m = &to->spec.mounts[i];
		const char *name = m->source;
		if (strcmp(m->type, "bind") || strlen(text) >= 16384)
			continue;
		volume_of_path(&to->arena, host, m->source, &name);
		text = arena_printf(&to->arena, "%s%s%s", text, text[0] ? "," : "", name);
	}
	return text;
}

static const char *network_name(const struct spec *spec)
{
	const struct ns_spec *net = &spec->namespaces[NS_NET];
	if (net->mode != NS_PRIVATE)
		return net->mode == NS_HOST ? "host" : "container";
	return spec->net.kind == NET_NONE    ? "none"
	       : spec->net.kind == NET_NAMED ? spec->net.name
					     : "slirp";
}

/* docker's templates for a tag, as far as they name what there is. */
static const char *log_tag(struct invocation *to, const struct container *c)
{
	struct arena *a = &to->arena;
	const char *rest = to->life.log_tag ? to->life.log_tag : "", *tag = "", *at;
	const char *const words[][2] = {{"{{.Name}}", c->name}, {"{{.FullID}}", c->id},
		{"{{.ID}}", arena_strndup(a, c->id, 12)}, {"{{.ImageName}}", c->image}};
	while ((at = strstr(rest, "{{"))) {
		size_t i = 0;
		while (i < ARRAY_LEN(words) && !text_starts(at, words[i][0]))
			i++;
		bool is_word = i < ARRAY_LEN(words);
		tag = arena_printf(
			a, "%s%.*s%s", tag, (int)(at - rest), rest, is_word ? words[i][1] : "{{");
		rest = at + (is_word ? strlen(words[i][0]) : 2);
	}
	return arena_printf(a, "%s%s", tag, rest);
}

static void fill_record(struct invocation *to, const struct host *host, struct container *c)
{
	const struct spec *spec = &to->spec;
	const struct life_options *life = &to->life;
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	c->id = spec->id;
	c->name = spec->name ? spec->name : "";
	c->image = spec->root.path;
	c->image_id = to->image_digest ? to->image_digest : "";
	c->command = life_command_line(&to->arena, &spec->process.args);
	c->network = network_name(spec);
	c->mounts = mount_list(to, host);
	c->created_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	c->is_auto_removed = life->has_rm
				     ? life->rm
				     : !life->is_detached && !life->is_created &&
					       (!life->restart || !strcmp(life->restart, "no"));
	c->has_terminal = spec->process.terminal;
	c->has_input = spec->process.interactive;
	c->restart = life->restart ? life->restart : "no";
	c->stop_signal = spec->stop_signal;
	c->stop_timeout_ms = spec->stop_timeout_ms;
	c->log_driver = life->log_driver ? life->log_driver : "json-file";
	c->log_tag = log_tag(to, c);
	c->log_max_size = life->log_max_size;
	c->log_max_files = life->log_max_files ? life->log_max_files : 1;
	c->health_test = life->health_test ? life->health_test : "";
	c->health_interval_ms = life->health_interval_ms ? life->health_interval_ms : 30000;
	c->health_timeout_ms = life->health_timeout_ms ? life->health_timeout_ms : 30000;
	c->health_start_ms = life->health_start_ms;
	c->health_retries = life->health_retries ? life->health_retries : 3;
	c->sdnotify = life->sdnotify ? life->sdnotify : "";
	add_labels(to, c);
}

/* JSON holds no other text, and a start that lacks an argument would be a different one. */
static bool is_utf8(const char *s)
{
	json_t *value = json_string(s);
	json_decref(value);
	return value != NULL;
}

static bool check_text(const struct strv *list, struct err *e)
{
	for (size_t i = 0; i < list->n; i++)
		if (!is_utf8(list->v[i])) {
			err_msg(e, ERR_USAGE, "'%s' is no UTF-8", list->v[i]);
			return err_what(e, ERR_USAGE, "cannot write down the container");
		}
	return true;
}

static bool check_texts(const struct spec *spec, struct arena *arena, struct err *e)
{
	struct strv targets = {0};
	for (size_t i = 0; i < spec->n_secrets; i++)
		strv_add(arena, &targets, spec->secrets[i].target);
	return check_text(&spec->process.args, e) && check_text(&spec->process.env, e) &&
	       check_text(&spec->annotations, e) && check_text(&targets, e);
}

/* docker gives every container a name; this one can be typed, and is found nowhere else. */
static const char *make_name(struct arena *arena, const char *id)
{
	static const char *const first[] = {"alba", "alta", "antica", "bella", "blu", "calma",
		"chiara", "dolce", "dorata", "fresca", "gentile", "gialla", "lenta", "lieve",
		"limpida", "lunga", "mite", "nuova", "quieta", "rara", "rossa", "saggia", "serena",
		"snella", "solida", "sottile", "tonda", "vasta", "verde", "vivace", "viva",
		"zitta"};
	static const char *const second[] = {"aquila", "ape", "barca", "bottega", "brezza", "casa",
		"chiocciola", "collina", "conchiglia", "fonte", "foglia", "isola", "lanterna",
		"lepre", "luna", "mela", "noce", "nuvola", "onda", "perla", "pietra", "piuma",
		"quercia", "rana", "riva", "rondine", "sabbia", "stella", "tela", "torre", "valle",
		"volpe"};
	char digits[9] = {0};
	memcpy(digits, id, 8);
	unsigned long n = strtoul(digits, NULL, 16);
	return arena_printf(
		arena, "%s_%s_%03lu", first[n & 31], second[n >> 5 & 31], (n >> 10) % 1000);
}

static bool write_bundle(struct invocation *to, int dir_fd, struct container *c, struct err *e)
{
	CLEAN(clean_free) char *text = spec_to_json(&to->spec);
	if (!text)
		return err_what(e, ERR_INTERNAL, "cannot write the document: no memory");
	fault_point("create", "directory");
	/* It may be made now and started next year; else its monitor sees to the disk. */
	bool is_durable = to->life.is_created;
	if (!container_write_file(dir_fd, "config.json", text, is_durable, e))
		return false;
	fault_point("create", "document");
	if (!secrets_keep(to, dir_fd, e))
		return false;
	/* One that is about to start has its first record when there is a process to write down. */
	if (!to->life.is_created)
		return true;
	bool ok = container_write(dir_fd, c, is_durable, e);
	fault_point("create", "record");
	return ok;
}

static void take_back(int all_fd, const struct container *c, int dir_fd)
{
	unlinkat(dir_fd, "config.json", 0);
	secrets_forget(dir_fd);
	container_leave_name(all_fd, c->id, c->name);
	unlinkat(all_fd, c->id, AT_REMOVEDIR);
}

void life_discard(const struct host *host, const struct container *c, int take_lock_fd)
{
	CLEAN(clean_fd) int all_fd = -1;
	CLEAN(clean_fd) int lock_fd = take_lock_fd;
	struct err ignored;
	if (!containers_open(host->data_dir, false, &all_fd, &ignored))
		return;
	unlinkat(lock_fd, "state", 0);
	take_back(all_fd, c, lock_fd);
	event_of_container(all_fd, c, "destroy", NULL);
}

/* One that is only made claims no name where those in the foreground have theirs. */
static bool check_foreground(struct invocation *to, const struct host *host, struct err *e)
{
	struct container other;
	struct err unknown = ERR_INIT;
	if (!to->life.is_created || !to->spec.name ||
		!foreground_find(host->runtime_dir, to->spec.name, &to->arena, &other, &unknown) ||
		strcmp(other.name, to->spec.name))
		return true;
	err_msg(e, ERR_STATE, "container %.12s has it, in somebody's foreground", other.id);
	return err_what(e, ERR_STATE, "the name '%s' is in use", to->spec.name);
}

bool life_create(struct invocation *to, const struct host *host, struct container *ret, int *ret_fd,
	struct err *e)
{
	CLEAN(clean_fd) int all_fd = -1;
	CLEAN(clean_fd) int dir_fd = -1;
	struct spec *spec = &to->spec;
	spec->stays = true;
	make_absolute(to);
	if (!check_foreground(to, host, e))
		return false;
	if (!spec->name)
		spec->name = make_name(&to->arena, spec->id);
	container_init(ret);
	fill_record(to, host, ret);
	annotate_all(to);
	if (!check_texts(spec, &to->arena, e) ||
		!containers_open(host->data_dir, true, &all_fd, e) ||
		!container_begin(all_fd, spec->id, spec->name, &dir_fd, e))
		return false;
	if (!write_bundle(to, dir_fd, ret, e)) {
		take_back(all_fd, ret, dir_fd);
		return false;
	}
	event_of_container(all_fd, ret, "create", NULL);
	*ret_fd = TAKE_FD(dir_fd);
	return true;
}

const struct container *life_show(struct invocation *to, const struct host *host)
{
	struct container *c = arena_alloc(&to->arena, sizeof(*c));
	/* Who looks at it is somewhere else. */
	for (size_t i = 0; i < to->spec.n_mounts; i++)
		if (!strcmp(to->spec.mounts[i].type, "bind"))
			to->spec.mounts[i].source = absolute(&to->arena, to->spec.mounts[i].source);
	container_init(c);
	fill_record(to, host, c);
	annotate_all(to);
	c->is_auto_removed = true;
	c->log_driver = "passthrough";
	return c;
}

static void take_annotations(struct invocation *to)
{
	const struct strv *annotations = &to->spec.annotations;
	const char *stores = strv_env(annotations, STORES);
	to->source.storage = strv_env(annotations, STORAGE);
	to->image_digest = strv_env(annotations, DIGEST);
	for (char *at = stores ? arena_strdup(&to->arena, stores) : NULL, *word;
		at && (word = strsep(&at, ":"));)
		strv_add(&to->arena, &to->source.additional, word);
}

const char *life_document(const struct host *host, const struct container *c, struct arena *arena,
	size_t *ret_size, struct err *e)
{
	if (!c->is_foreground)
		return arena_read_file(arena, AT_FDCWD,
			arena_printf(arena, "%s/containers/%s/config.json", host->data_dir, c->id),
			ret_size, e);
	const char *text = foreground_document(host->runtime_dir, c->id, arena, e);
	*ret_size = text ? strlen(text) : 0;
	return text;
}

bool life_load(
	struct invocation *to, const struct host *host, const struct container *c, struct err *e)
{
	size_t size;
	struct notes ignored = {0};
	const char *text = life_document(host, c, &to->arena, &size, e);
	if (!text)
		return err_what(e, ERR_INPUT, "cannot read the document of container %.12s", c->id);
	to->bundle = arena_printf(&to->arena, "%s/containers/%s", host->data_dir, c->id);
	spec_init(&to->spec, &to->arena);
	if (!spec_from_json(&to->spec, text, size, to->bundle, &ignored, e))
		return false;
	to->spec.id = c->id;
	to->spec.name = c->name[0] ? c->name : NULL;
	to->spec.stays = true;
	take_annotations(to);
	return true;
}

bool life_settle_root(struct invocation *to, const struct host *host, struct err *e)
{
	struct root_spec *root = &to->spec.root;
	if (root->kind == ROOT_IMAGE && flat_is_needed(host)) {
		err_what(e, ERR_HOST, "a container of an image that stays needs overlays");
		return err_hint(e, "this machine has none: run it in the foreground");
	}
	bool is_changed_elsewhere = (root->kind == ROOT_IMAGE && root->overlay == OVERLAY_NONE) ||
				    root->overlay == OVERLAY_THROWAWAY;
	if (is_changed_elsewhere && root->kind != ROOT_HOST) {
		/* What it changes is there again at its next start. */
		root->overlay = OVERLAY_KEPT;
		root->overlay_name = arena_printf(
			&to->arena, "%s/containers/%s/overlay", host->data_dir, to->spec.id);
	}
	return root->kind != ROOT_IMAGE || image_layers(to, host, e);
}
