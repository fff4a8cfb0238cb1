/* SPDX-License-Identifier: Apache-2.0 */
/* import.c - an image of one layer from a root file system tarball */
#include "base/own.h"
#include "image/archive_input.h"
#include "sys/files.h"
#include "store/sum.h"
#include "image/archive.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static void clean_json(json_t **j)
{
	json_decref(*j);
}

/* CMD, ENTRYPOINT, ENV, … of a Dockerfile, as docker import takes them. */
static bool apply_change(json_t *config, const char *change, struct err *e)
{
	size_t n = strcspn(change, " =");
	const char *value = change + n + (change[n] != '\0');
	static const struct {
		const char *word, *key;
		enum { CHANGE_WORDS, CHANGE_TEXT, CHANGE_LIST, CHANGE_KEY, CHANGE_LABEL } kind;
	} known[] = {{"CMD", "Cmd", CHANGE_WORDS}, {"ENTRYPOINT", "Entrypoint", CHANGE_WORDS},
		{"ENV", "Env", CHANGE_LIST}, {"EXPOSE", "ExposedPorts", CHANGE_KEY},
		{"LABEL", "Labels", CHANGE_LABEL}, {"STOPSIGNAL", "StopSignal", CHANGE_TEXT},
		{"USER", "User", CHANGE_TEXT}, {"VOLUME", "Volumes", CHANGE_KEY},
		{"WORKDIR", "WorkingDir", CHANGE_TEXT}};
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		const char *key = known[i].key;
		if (strlen(known[i].word) != n || strncasecmp(known[i].word, change, n) ||
			!value[0])
			continue;
		json_t *list = json_object_get(config, key);
		const char *equals = strchr(value, '=');
		switch (known[i].kind) {
		case CHANGE_WORDS:
			list = value[0] == '[' ? json_loads(value, 0, NULL)
					       : json_pack("[s, s, s]", "/bin/sh", "-c", value);
			json_object_set_new(config, key, list ? list : json_array());
			return list || err_what(e, ERR_USAGE, "'%s' is no JSON list", value);
		case CHANGE_TEXT:
			json_object_set_new(config, key, json_string(value));
			return true;
		case CHANGE_LIST:
			if (!equals)
				return err_what(e, ERR_USAGE, "'%s' is not NAME=VALUE", value);
			if (!list)
				json_object_set_new(config, key, list = json_array());
			json_array_append_new(list, json_string(value));
			return true;
		case CHANGE_KEY:
		case CHANGE_LABEL:
			if (!list)
				json_object_set_new(config, key, list = json_object());
			if (known[i].kind == CHANGE_KEY)
				json_object_set_new(list, value, json_object());
			else if (equals)
				json_object_setn_new(list, value, (size_t)(equals - value),
					json_string(equals + 1));
			return equals || known[i].kind == CHANGE_KEY ||
			       err_what(e, ERR_USAGE, "'%s' is not NAME=VALUE", value);
		}
	}
	err_what(e, ERR_USAGE, "the change '%s' is not understood", change);
	return err_hint(
		e, "CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR");
}

static json_t *import_config(
	const char *diff_id, const char *message, const struct strv *changes, struct err *e)
{
	char created[32];
	time_t now = time(NULL);
	struct tm tm;
	struct platform own;
	struct arena arena = {0};
	if (!arena_init(&arena, e))
		return NULL;
	platform_parse(&arena, "", &own, e);
	strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	json_t *run = json_object();
	bool ok = true;
	for (size_t i = 0; ok && i < changes->n; i++)
		ok = apply_change(run, changes->v[i], e);
	json_t *config = json_pack("{s:s, s:s, s:s, s:o, s:{s:s, s:[s]}, s:[{s:s, s:s, s:s}]}",
		"created", created, "architecture", own.architecture, "os", "linux", "config", run,
		"rootfs", "type", "layers", "diff_ids", diff_id, "history", "created", created,
		"created_by", "guscio import", "comment", message ? message : "");
	arena_done(&arena);
	if (ok)
		return config;
	json_decref(config);
	return NULL;
}

/* From a pipe too: the layer has to be a file that can be read twice. */
static bool spool(struct archive_input *i, int in_fd, int *ret_fd, struct err *e)
{
	if (!input_make_scratch(i, e))
		return false;
	*ret_fd = openat(i->dir_fd, "layer", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return (*ret_fd >= 0 || err_sys(e, "make a file")) && input_copy(in_fd, *ret_fd, e);
}

struct request {
	int in_fd;
	const char *name, *message;
	const struct strv *changes;
	struct store_image *ret;
};

static bool import_layer(struct archive_input *i, void *data, struct err *e)
{
	const struct request *request = data;
	CLEAN(clean_json) json_t *layers = json_array();
	CLEAN(clean_fd) int fd = -1;
	char plain[SUM_SIZE], sum[SUM_SIZE];
	if (!spool(i, request->in_fd, &fd, e))
		return false;
	if (!input_layer_type(fd)) {
		err_msg(e, ERR_INPUT, "layers are plain, gzip or zstd");
		return err_hint(e, "unpack it on the way: xz -dc FILE | guscio import -");
	}
	if (!input_add_layer(i, "layer", layers, plain, e))
		return false;
	CLEAN(clean_json)
	json_t *config = import_config(plain, request->message, request->changes, e);
	CLEAN(clean_free) char *text = config ? json_dumps(config, JSON_COMPACT) : NULL;
	if (!text)
		return false;
	sum_of(text, strlen(text), sum);
	if (!files_write(i->dir_fd, "config", text, strlen(text), e))
		return false;
	strv_add(i->store->arena, &i->digests, sum);
	strv_add(i->store->arena, &i->paths, "config");
	return input_keep_built(i, sum, strlen(text), layers, request->name, request->ret, e);
}

bool archive_import(struct store *store, const struct inside *in, const char *map, int in_fd,
	const char *name, const char *message, const struct strv *changes, struct store_image *ret,
	struct err *e)
{
	struct archive_input i = {.store = store, .in = in, .map = map};
	struct request request = {in_fd, name, message, changes, ret};
	return archive_input_run(&i, import_layer, &request, e);
}
