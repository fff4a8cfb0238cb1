/* SPDX-License-Identifier: Apache-2.0 */
/* source_options.c - setters that several commands have, and the store that they name */
#include "base/text.h"
#include "cmd/run_options.h"
#include "cmd/source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETTER(name) bool name(struct invocation *to, const char *value, struct err *e)
#define TEXT(function, field)                                                                      \
	SETTER(function)                                                                           \
	{                                                                                          \
		(void)e;                                                                           \
		(field) = value;                                                                   \
		return true;                                                                       \
	}
#define SWITCH(function, option, field)                                                            \
	SETTER(function)                                                                           \
	{                                                                                          \
		return option_bool(value, option, &(field), e);                                    \
	}
#define LIST(function, field)                                                                      \
	SETTER(function)                                                                           \
	{                                                                                          \
		(void)e;                                                                           \
		strv_add(&to->arena, &(field), value);                                             \
		return true;                                                                       \
	}

TEXT(set_storage, to->source.storage)
TEXT(set_platform, to->source.platform)
TEXT(set_authfile, to->source.remote.auth_file)
TEXT(set_creds, to->source.remote.credentials)
TEXT(set_cert_dir, to->source.remote.cert_dir)
TEXT(set_format, to->format)
TEXT(set_output, to->output)
TEXT(set_input, to->input)
TEXT(set_message, to->message)
LIST(set_additional_store, to->source.additional)
LIST(set_filter, to->filters)
LIST(set_change, to->changes)
SWITCH(set_quiet, "quiet", to->source.is_quiet)
SWITCH(set_all, "all", to->all)
SWITCH(set_force, "force", to->force)
SWITCH(set_no_trunc, "no-trunc", to->is_whole)
SWITCH(set_digests, "digests", to->has_digests)
SWITCH(set_noheading, "noheading", to->has_no_header)

SETTER(set_tls_verify)
{
	to->source.remote.is_verify_set = true;
	return option_bool(value, "tls-verify", &to->source.remote.verify, e);
}

SETTER(set_pull)
{
	static const char *const whens[] = {"always", "missing", "never", "newer", NULL};
	for (const char *const *when = whens; *when; when++)
		if (!strcmp(*when, value)) {
			to->source.pull = *when;
			return true;
		}
	err_what(e, ERR_USAGE, "--pull '%s' is not known", value);
	return err_hint(e, "always, missing, newer or never");
}

bool source_open(struct invocation *to, const struct host *host, bool may_create, struct store *ret,
	struct err *e)
{
	struct arena *arena = &to->arena;
	struct image_source *source = &to->source;
	const char *variable = getenv("GUSCIO_STORAGE");
	const char *more = getenv("GUSCIO_ADDITIONAL_STORES");
	const char *path = source->storage	     ? source->storage
			   : variable && variable[0] ? variable
						     : host->data_dir;
	/* As in PATH. */
	for (char *at = more ? arena_strdup(arena, more) : NULL, *word;
		at && (word = strsep(&at, ":"));)
		if (word[0])
			strv_add(arena, &source->additional, word);
	if (path[0] != '/') {
		char *cwd = getcwd(NULL, 0);
		path = arena_printf(arena, "%s/%s", cwd ? cwd : "", path);
		free(cwd);
	}
	if (!store_open(ret, path, &source->additional, may_create, arena, e))
		return false;
	if (ret->is_local_new)
		notes_add(to->notes,
			"'%s' is on a network file system: layers are unpacked in '%s'", path,
			ret->layers_path);
	return true;
}
