/* SPDX-License-Identifier: Apache-2.0 */
#include "image/remote.h"
#include "base/own.h"
#include "base/text.h"
#include "image/registries.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>

#define RETRIES 3

struct certificates {
	const char *ca;		/* PEM texts, one after the other */
	const char *cert, *key; /* paths */
};

static void read_certificates(struct arena *arena, const char *path, struct certificates *ret)
{
	CLEAN(clean_dir) DIR *dir = opendir(path);
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		const char *file = arena_printf(arena, "%s/%s", path, entry->d_name);
		struct err ignored;
		if (text_ends(entry->d_name, ".crt")) {
			const char *text = arena_read_file(arena, AT_FDCWD, file, NULL, &ignored);
			if (text)
				ret->ca =
					arena_printf(arena, "%s%s\n", ret->ca ? ret->ca : "", text);
		} else if (text_ends(entry->d_name, ".cert")) {
			ret->cert = file;
		} else if (text_ends(entry->d_name, ".key")) {
			ret->key = file;
		}
	}
}

static void find_certificates(
	struct arena *arena, const char *host, const char *cert_dir, struct certificates *ret)
{
	const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
	const char *places[] = {cert_dir,
		config && config[0] ? arena_printf(arena, "%s/containers/certs.d/%s", config, host)
				    : arena_printf(arena, "%s/.config/containers/certs.d/%s",
					      home ? home : "", host),
		arena_printf(arena, "/etc/containers/certs.d/%s", host),
		arena_printf(arena, "/etc/docker/certs.d/%s", host)};
	*ret = (struct certificates){0};
	for (size_t i = 0; i < ARRAY_LEN(places) && !ret->ca && !ret->cert; i++)
		if (places[i])
			read_certificates(arena, places[i], ret);
}

/* The machine itself may be spoken to without TLS, as docker does. */
static bool is_local(const char *host)
{
	return text_starts(host, "localhost:") || !strcmp(host, "localhost") ||
	       text_starts(host, "127.") || text_starts(host, "[::1]");
}

static json_t *endpoint(struct arena *arena, const char *scheme, const char *location,
	const struct remote_options *options, bool is_insecure, bool is_mirror)
{
	const char *slash = strchr(location, '/');
	const char *host = arena_strndup(arena, location, (size_t)(slash - location));
	struct certificates found;
	find_certificates(arena, host, is_mirror ? NULL : options->cert_dir, &found);
	if (!strcmp(host, "docker.io"))
		host = "registry-1.docker.io";
	return json_pack("{s:s, s:s, s:b, s:b, s:s*, s:s*, s:s*}", "url",
		arena_printf(arena, "%s://%s", scheme, host), "repository", slash + 1, "insecure",
		is_insecure, "mirror", is_mirror, "ca", found.ca, "cert", found.cert, "key",
		found.key);
}

static void add_endpoints(struct arena *arena, json_t *list, const char *location,
	const struct remote_options *options, bool is_insecure, bool is_mirror)
{
	json_array_append_new(
		list, endpoint(arena, "https", location, options, is_insecure, is_mirror));
	bool wants_tls = options->is_verify_set && options->verify;
	if (is_insecure || (is_local(location) && !wants_tls))
		json_array_append_new(
			list, endpoint(arena, "http", location, options, is_insecure, is_mirror));
}

static bool find_endpoints(struct arena *arena, const struct reference *r,
	const struct remote_options *options, enum remote_action action, json_t *list,
	struct err *e)
{
	struct registries registries;
	const char *name = arena_printf(arena, "%s/%s", r->registry, r->repository);
	if (!registries_read(arena, &registries, e))
		return false;
	const struct registry_rule *rule = registries_find(&registries, name);
	if (rule && rule->is_blocked)
		return err_what(e, ERR_HOST, "registries.conf blocks '%s'", rule->prefix);
	for (size_t i = 0; rule && action == REMOTE_PULL && i < rule->n_mirrors; i++) {
		const struct registry_mirror *mirror = &rule->mirrors[i];
		const char *location = registries_replace(arena, rule, mirror->location, name);
		if ((!mirror->by_digest_only || r->digest) && strchr(location, '/'))
			add_endpoints(arena, list, location, options, mirror->is_insecure, true);
	}
	bool is_insecure = rule && rule->is_insecure;
	if (options->is_verify_set)
		is_insecure = !options->verify;
	if (rule && rule->location)
		name = registries_replace(arena, rule, rule->location, name);
	if (!strchr(name, '/'))
		return err_what(e, ERR_INPUT, "registries.conf makes '%s' of '%s'", name, r->name);
	add_endpoints(arena, list, name, options, is_insecure, false);
	return true;
}

static bool find_credentials(struct arena *arena, const struct reference *r,
	const struct remote_options *options, struct credentials *ret, struct err *e)
{
	if (!options->credentials)
		return auth_find(arena, options->auth_file,
			arena_printf(arena, "%s/%s", r->registry, r->repository), ret, e);
	char *user = arena_strdup(arena, options->credentials);
	char *colon = strchr(user, ':');
	if (!colon || colon == user)
		return err_what(e, ERR_USAGE, "--creds wants USER:PASSWORD");
	*colon = '\0';
	*ret = (struct credentials){.user = user, .password = colon + 1};
	return true;
}

bool remote_settings(struct arena *arena, const struct reference *reference,
	const struct remote_options *options, enum remote_action action, const char **ret,
	struct err *e)
{
	static const char *const actions[] = {"pull", "pull,push", "login"};
	struct credentials credentials;
	if (options->cert_dir && access(options->cert_dir, R_OK | X_OK) < 0) {
		err_sys(e, "open it");
		return err_what(e, ERR_USAGE, "cannot use --cert-dir '%s'", options->cert_dir);
	}
	json_t *list = json_array();
	bool ok = find_endpoints(arena, reference, options, action, list, e) &&
		  find_credentials(arena, reference, options, &credentials, e);
	if (!ok) {
		json_decref(list);
		return false;
	}
	json_t *settings = json_pack("{s:o, s:s*, s:s*, s:s*, s:s, s:i}", "endpoints", list, "user",
		credentials.user, "password", credentials.password, "identity_token",
		credentials.identity_token, "actions", actions[action], "retries", RETRIES);
	CLEAN(clean_free) char *text = json_dumps(settings, JSON_COMPACT);
	json_decref(settings);
	if (!text)
		return err_msg(e, ERR_INTERNAL, "no memory for the settings");
	*ret = arena_strdup(arena, text);
	return true;
}
