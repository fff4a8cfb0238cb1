/* SPDX-License-Identifier: Apache-2.0 */
#include "image/auth.h"
#include "base/own.h"
#include "base/text.h"
#include "sys/files.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#define AUTH_FILE_MAX ((size_t)1 << 20)
#define DOCKER_HUB    "https://index.docker.io/v1/"

static void clean_json(json_t **j)
{
	json_decref(*j);
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *base64_decode(struct arena *arena, const char *text)
{
	char *out = arena_alloc(arena, strlen(text) + 4);
	size_t n = 0;
	unsigned bits = 0, value = 0;
	for (; *text && *text != '='; text++) {
		const char *at = strchr(alphabet, *text);
		if (!at)
			return NULL;
		value = value << 6 | (unsigned)(at - alphabet);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (char)(value >> bits & 0xff);
		}
	}
	return out;
}

static char *base64_encode(struct arena *arena, const char *text)
{
	size_t size = strlen(text), n = 0;
	char *out = arena_alloc(arena, 4 * (size / 3 + 2));
	for (size_t i = 0; i < size; i += 3) {
		unsigned value = (unsigned)(unsigned char)text[i] << 16;
		if (i + 1 < size)
			value |= (unsigned)(unsigned char)text[i + 1] << 8;
		if (i + 2 < size)
			value |= (unsigned char)text[i + 2];
		out[n++] = alphabet[value >> 18];
		out[n++] = alphabet[value >> 12 & 63];
		out[n++] = i + 1 < size ? alphabet[value >> 6 & 63] : '=';
		out[n++] = i + 2 < size ? alphabet[value & 63] : '=';
	}
	return out;
}

/* @is_named: the user said so; one of the usual places may be missing or closed to us. */
static json_t *read_file(const char *path, bool is_named, struct err *e)
{
	CLEAN(clean_free) char *text = NULL;
	size_t size;
	json_error_t where;
	if (!files_read(AT_FDCWD, path, AUTH_FILE_MAX, &text, &size, e)) {
		bool is_missing = e->sys == ENOENT || e->sys == EACCES || e->sys == ENOTDIR;
		if (is_named || !is_missing)
			return err_what(e, ERR_INPUT, "cannot read the credentials in '%s'", path),
			       NULL;
		*e = (struct err)ERR_INIT;
		return json_object();
	}
	json_t *document = json_loadb(text, size, 0, &where);
	if (json_is_object(document))
		return document;
	json_decref(document);
	err_msg(e, ERR_INPUT, "line %d: %s", where.line, where.text);
	err_what(e, ERR_INPUT, "cannot read '%s'", path);
	return NULL;
}

const char *auth_file(struct arena *arena, const char *file)
{
	const char *named = getenv("REGISTRY_AUTH_FILE"), *runtime = getenv("XDG_RUNTIME_DIR");
	const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
	if (file)
		return file;
	if (named && named[0])
		return named;
	if (runtime && runtime[0])
		return arena_printf(arena, "%s/containers/auth.json", runtime);
	if (config && config[0])
		return arena_printf(arena, "%s/containers/auth.json", config);
	return arena_printf(arena, "%s/.config/containers/auth.json", home ? home : "");
}

static bool from_entry(struct arena *arena, json_t *entry, struct credentials *ret)
{
	const char *packed = json_string_value(json_object_get(entry, "auth"));
	const char *token = json_string_value(json_object_get(entry, "identitytoken"));
	char *plain = packed ? base64_decode(arena, packed) : NULL;
	char *colon = plain ? strchr(plain, ':') : NULL;
	if (colon) {
		*colon = '\0';
		ret->user = plain;
		ret->password = colon + 1;
	}
	if (token && token[0])
		ret->identity_token = arena_strdup(arena, token);
	return ret->user || ret->identity_token;
}

/* docker-credential-NAME get: the server's name in, JSON out. */
static bool from_helper(struct arena *arena, const char *helper, const char *server,
	struct credentials *ret, struct err *e)
{
	char answer[16384];
	if (strchr(helper, '/'))
		return err_what(e, ERR_INPUT, "'%s' is no name of a credential helper", helper);
	char *argv[] = {arena_printf(arena, "docker-credential-%s", helper), (char *)"get", NULL};
	int status = spawn_filter(argv, server, answer, sizeof(answer), e);
	if (status < 0) {
		err_hint(e, "install it, or take it out of the auth file");
		return err_what(e, ERR_HOST, "cannot ask the credential helper '%s'", argv[0]);
	}
	CLEAN(clean_json) json_t *document = status == 0 ? json_loads(answer, 0, NULL) : NULL;
	const char *user = json_string_value(json_object_get(document, "Username"));
	const char *secret = json_string_value(json_object_get(document, "Secret"));
	explicit_bzero(answer, sizeof(answer));
	if (!user || !secret)
		return true; /* it knows nothing of this server */
	if (!strcmp(user, "<token>")) {
		ret->identity_token = arena_strdup(arena, secret);
	} else {
		ret->user = arena_strdup(arena, user);
		ret->password = arena_strdup(arena, secret);
	}
	return true;
}

static bool find_in(struct arena *arena, const char *path, bool is_named, const char *name,
	struct credentials *ret, struct err *e)
{
	CLEAN(clean_json) json_t *document = read_file(path, is_named, e);
	if (!document)
		return false;
	json_t *auths = json_object_get(document, "auths");
	char *key = arena_strdup(arena, name);
	bool is_hub = text_starts(name, "docker.io/");
	/* registry/team/image, then registry/team, then registry. */
	for (;;) {
		json_t *entry = json_object_get(auths, key);
		const char *helper = json_string_value(
			json_object_get(json_object_get(document, "credHelpers"), key));
		if (entry && from_entry(arena, entry, ret))
			return true;
		if (helper)
			return from_helper(arena, helper, key, ret, e);
		char *slash = strrchr(key, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
	const char *server = is_hub ? DOCKER_HUB : key;
	json_t *entry = json_object_get(auths, server);
	if (!entry)
		entry = json_object_get(auths, arena_printf(arena, "https://%s", key));
	if (entry && from_entry(arena, entry, ret))
		return true;
	const char *store = json_string_value(json_object_get(document, "credsStore"));
	return !store || from_helper(arena, store, server, ret, e);
}

bool auth_find(struct arena *arena, const char *file, const char *name, struct credentials *ret,
	struct err *e)
{
	const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
	const char *docker = getenv("DOCKER_CONFIG");
	const char *places[5] = {auth_file(arena, file)};
	size_t n = 1;
	*ret = (struct credentials){0};
	if (!file && !getenv("REGISTRY_AUTH_FILE")) {
		places[n++] = config && config[0]
				      ? arena_printf(arena, "%s/containers/auth.json", config)
				      : arena_printf(arena, "%s/.config/containers/auth.json",
						home ? home : "");
		places[n++] = docker && docker[0] ? arena_printf(arena, "%s/config.json", docker)
						  : arena_printf(arena, "%s/.docker/config.json",
							    home ? home : "");
	}
	for (size_t i = 0; i < n && !ret->user && !ret->identity_token; i++)
		if (!find_in(arena, places[i], file != NULL, name, ret, e))
			return false;
	return true;
}

bool auth_store(struct arena *arena, const char *file, const char *registry,
	const struct credentials *credentials, bool *ret_was_there, struct err *e)
{
	char *path = arena_strdup(arena, auth_file(arena, file));
	char *slash = strrchr(path, '/');
	/* A file that is there but cannot be read must not be replaced by one that looks empty. */
	CLEAN(clean_json) json_t *document = read_file(path, access(path, F_OK) == 0, e);
	if (!document)
		return false;
	if (!json_object_get(document, "auths"))
		json_object_set_new(document, "auths", json_object());
	json_t *auths = json_object_get(document, "auths");
	*ret_was_there = json_object_get(auths, registry) != NULL;
	if (credentials) {
		const char *both =
			arena_printf(arena, "%s:%s", credentials->user, credentials->password);
		json_object_set_new(
			auths, registry, json_pack("{s:s}", "auth", base64_encode(arena, both)));
	} else {
		json_object_del(auths, registry);
	}
	CLEAN(clean_free) char *text = json_dumps(document, JSON_INDENT(8));
	CLEAN(clean_fd) int dir_fd = -1;
	if (slash)
		*slash = '\0';
	if (slash && !files_make_path(path, 0700, e))
		return false;
	dir_fd = open(slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Nobody else may read it, not for a moment. */
	mode_t before = umask(077);
	bool ok = (dir_fd >= 0 || err_sys(e, "open '%s'", path)) && text &&
		  files_write(dir_fd, slash ? slash + 1 : path, text, strlen(text), e);
	umask(before);
	return ok;
}
