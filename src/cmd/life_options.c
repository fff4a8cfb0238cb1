/* SPDX-License-Identifier: Apache-2.0 */
/* life_options.c - setters of containers that stay */
#include "base/text.h"
#include "cmd/run_options.h"

#include <fcntl.h>
#include <string.h>

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
#define TIME(function, option, field)                                                              \
	SETTER(function)                                                                           \
	{                                                                                          \
		return text_to_ms(value, &(field)) ||                                              \
		       err_what(e, ERR_USAGE, "--" option " '%s' is no time", value);              \
	}

SWITCH(set_detach, "detach", to->life.is_detached)
SWITCH(set_archive, "archive", to->life.keeps_owners)
SWITCH(set_replace, "replace", to->life.replaces)
SWITCH(set_attach, "attach", to->life.attaches)
SWITCH(set_no_stdin, "no-stdin", to->life.has_no_stdin)
SWITCH(set_timestamps, "timestamps", to->life.shows_times)
SWITCH(set_follow, "follow", to->life.follows)
SWITCH(set_latest, "latest", to->is_latest)
SWITCH(set_volumes, "volumes", to->life.with_volumes)
SWITCH(set_size, "size", to->life.shows_size)
SETTER(set_volumes_from)
{
	(void)e;
	strv_add(&to->arena, &to->life.volumes_from, value);
	return true;
}

TEXT(set_cidfile, to->life.cidfile)
TEXT(set_pidfile, to->life.pidfile)
TEXT(set_since, to->life.since)
TEXT(set_until, to->life.until)
TEXT(set_signal, to->life.signal)
TIME(set_health_interval, "health-interval", to->life.health_interval_ms)
TIME(set_health_timeout, "health-timeout", to->life.health_timeout_ms)
TIME(set_health_start_period, "health-start-period", to->life.health_start_ms)
TIME(set_wait_time, "time", to->life.wait_ms)

SETTER(set_rm)
{
	to->life.has_rm = true;
	return option_bool(value, "rm", &to->life.rm, e);
}

SETTER(set_sig_proxy)
{
	bool proxies;
	if (!option_bool(value, "sig-proxy", &proxies, e))
		return false;
	to->life.has_no_sig_proxy = !proxies;
	return true;
}

SETTER(set_privileged)
{
	bool wanted;
	(void)to;
	if (!option_bool(value, "privileged", &wanted, e))
		return false;
	if (!wanted)
		return true;
	err_what(e, ERR_USAGE, "--privileged is refused");
	return err_hint(e, "a program may do in a container what the container may, and no more");
}

SETTER(set_restart)
{
	uint64_t ignored;
	bool is_known = !strcmp(value, "no") || !strcmp(value, "always") ||
			!strcmp(value, "unless-stopped") || !strcmp(value, "on-failure") ||
			(text_starts(value, "on-failure:") &&
				text_to_u64(value + 11, UINT32_MAX, &ignored));
	if (!is_known) {
		err_what(e, ERR_USAGE, "--restart '%s' is not known", value);
		return err_hint(e, "no, on-failure[:N], always or unless-stopped");
	}
	to->life.restart = value;
	return true;
}

SETTER(set_sdnotify)
{
	static const char *const modes[] = {"container", "conmon", "healthy", "ignore", NULL};
	for (const char *const *mode = modes; *mode; mode++)
		if (!strcmp(value, *mode)) {
			to->life.sdnotify = *mode;
			return true;
		}
	err_what(e, ERR_USAGE, "--sdnotify '%s' is not known", value);
	return err_hint(e, "container, conmon, healthy or ignore");
}

static bool add_label(struct invocation *to, const char *value, struct err *e)
{
	if (!value[0] || value[0] == '=')
		return err_what(e, ERR_USAGE, "label '%s' is not KEY=VALUE", value);
	strv_env_set(&to->arena, &to->life.labels,
		strchr(value, '=') ? value : arena_printf(&to->arena, "%s=", value));
	return true;
}

SETTER(set_label)
{
	return add_label(to, value, e);
}

SETTER(set_label_file)
{
	char *text = arena_read_file(&to->arena, AT_FDCWD, value, NULL, e), *line;
	if (!text)
		return err_what(e, ERR_USAGE, "cannot read label file '%s'", value);
	while ((line = strsep(&text, "\n"))) {
		line += strspn(line, " \t");
		if (line[0] && line[0] != '#' && !add_label(to, line, e))
			return false;
	}
	return true;
}

SETTER(set_log_driver)
{
	if (strcmp(value, "json-file") && strcmp(value, "journald") && strcmp(value, "none") &&
		strcmp(value, "passthrough")) {
		err_what(e, ERR_USAGE, "--log-driver '%s' is not known", value);
		return err_hint(e, "json-file, journald, none or passthrough");
	}
	to->life.log_driver = value;
	return true;
}

SETTER(set_log_opt)
{
	struct life_options *life = &to->life;
	if (text_starts(value, "max-size=")) {
		if (!strcmp(value + 9, "-1"))
			return true;
		return (text_to_bytes(value + 9, &life->log_max_size) && life->log_max_size) ||
		       err_what(e, ERR_USAGE, "--log-opt '%s' holds no size", value);
	}
	if (text_starts(value, "max-file="))
		return (text_to_u64(value + 9, 1000, &life->log_max_files) &&
			       life->log_max_files) ||
		       err_what(e, ERR_USAGE, "--log-opt '%s' holds no count", value);
	if (text_starts(value, "tag=") && value[4]) {
		life->log_tag = value + 4;
		return true;
	}
	err_what(e, ERR_USAGE, "--log-opt '%s' is not known", value);
	return err_hint(e, "max-size=SIZE, max-file=N or tag=TEXT");
}

SETTER(set_health_cmd)
{
	(void)e;
	to->life.health_test = !strcmp(value, "none") ? "" : value;
	return true;
}

SETTER(set_no_healthcheck)
{
	bool none;
	if (!option_bool(value, "no-healthcheck", &none, e))
		return false;
	if (none)
		to->life.health_test = NULL;
	return true;
}

SETTER(set_health_retries)
{
	return (text_to_u64(value, 1000, &to->life.health_retries) && to->life.health_retries) ||
	       err_what(e, ERR_USAGE, "--health-retries '%s' is no count", value);
}

SETTER(set_tail)
{
	uint64_t ignored;
	if (strcmp(value, "all") && strcmp(value, "-1") &&
		!text_to_u64(value, UINT32_MAX, &ignored))
		return err_what(e, ERR_USAGE, "--tail '%s' is no count of lines", value);
	to->life.tail = value;
	return true;
}

SETTER(set_last)
{
	if (!strcmp(value, "-1"))
		return true;
	return text_to_u64(value, UINT32_MAX, &to->life.last) ||
	       err_what(e, ERR_USAGE, "--last '%s' is no count", value);
}

/* docker's words: ctrl-X, or a letter, by commas. */
SETTER(set_detach_keys)
{
	char *keys = arena_alloc(&to->arena, strlen(value) + 1), *copy, *word;
	size_t n = 0;
	copy = arena_strdup(&to->arena, value);
	while ((word = strsep(&copy, ","))) {
		if (!word[0])
			continue;
		bool is_control = text_starts(word, "ctrl-") && strlen(word) == 6;
		char c = is_control ? word[5] : word[0];
		if (is_control && ((c >= 'a' && c <= 'z') || (c >= '@' && c <= '_')))
			keys[n++] = (char)(c & 0x1f);
		else if (!is_control && !word[1])
			keys[n++] = c;
		else
			return err_what(
				e, ERR_USAGE, "--detach-keys '%s' is not understood", value);
	}
	to->life.detach_keys = keys;
	return true;
}
