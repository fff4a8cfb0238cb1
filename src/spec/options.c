/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/options.h"
#include "base/capability_set.h"
#include "base/text.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static void remove_path(struct strv *list, const char *path)
{
	size_t n = 0;
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i], path))
			list->v[n++] = list->v[i];
	list->n = n;
	if (list->v)
		list->v[n] = NULL;
}

/* Calls @each for every path of "/a:/b", in a clean form. */
static bool each_path(struct spec *spec, const char *text, struct err *e,
	void (*each)(struct spec *, const char *))
{
	char clean[4096];
	while (*text) {
		size_t len = strcspn(text, ":");
		const char *path = arena_strndup(spec->arena, text, len);
		if (!text_path_clean(path, clean, sizeof(clean)))
			return err_what(e, ERR_USAGE, "path '%s' is not absolute", path);
		each(spec, arena_strdup(spec->arena, clean));
		text += len + (text[len] == ':');
	}
	return true;
}

static void unmask_one(struct spec *spec, const char *path)
{
	remove_path(&spec->masked_paths, path);
	remove_path(&spec->readonly_paths, path);
}

static void mask_one(struct spec *spec, const char *path)
{
	strv_add(spec->arena, &spec->masked_paths, path);
}

bool spec_unmask(struct spec *spec, const char *text, struct err *e)
{
	if (strcasecmp(text, "all"))
		return each_path(spec, text, e, unmask_one);
	spec->masked_paths.n = 0;
	spec->readonly_paths.n = 0;
	return true;
}

bool spec_mask(struct spec *spec, const char *text, struct err *e)
{
	return each_path(spec, text, e, mask_one);
}

void spec_set_nest(struct spec *spec)
{
	/* The kernel gives a new procfs or sysfs only to who sees one with nothing on top. */
	spec->masked_paths.n = 0;
	spec->readonly_paths.n = 0;
	spec->nest = true;
}

static const struct name_value limits[] = {{"as", RLIMIT_AS}, {"core", RLIMIT_CORE},
	{"cpu", RLIMIT_CPU}, {"data", RLIMIT_DATA}, {"fsize", RLIMIT_FSIZE},
	{"locks", RLIMIT_LOCKS}, {"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE},
	{"nice", RLIMIT_NICE}, {"nofile", RLIMIT_NOFILE}, {"nproc", RLIMIT_NPROC},
	{"rss", RLIMIT_RSS}, {"rtprio", RLIMIT_RTPRIO}, {"rttime", RLIMIT_RTTIME},
	{"sigpending", RLIMIT_SIGPENDING}, {"stack", RLIMIT_STACK}, {NULL, 0}};

static bool to_limit(const char *text, rlim_t *ret)
{
	uint64_t value;
	if (!strcmp(text, "-1") || !strcmp(text, "unlimited")) {
		*ret = RLIM_INFINITY;
		return true;
	}
	if (!text_to_u64(text, UINT64_MAX - 1, &value))
		return false;
	*ret = value;
	return true;
}

bool spec_add_ulimit(struct spec *spec, const char *text, struct err *e)
{
	struct arena *a = spec->arena;
	size_t len = strcspn(text, "=");
	const char *name = arena_strndup(a, text, len);
	const struct name_value *found = name_find(limits, name);
	struct rlimit limit;
	if (!found) {
		const char *names[sizeof(limits) / sizeof(limits[0])];
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			names[i] = limits[i].name;
		const char *nearest = text_nearest(name, names);
		err_what(e, ERR_USAGE, "resource limit '%s' is not known", name);
		if (nearest)
			err_hint(e, "did you mean '%s'?", nearest);
		return false;
	}
	const char *soft = text[len] ? text + len + 1 : "";
	size_t soft_len = strcspn(soft, ":");
	const char *hard = soft[soft_len] ? soft + soft_len + 1 : NULL;
	bool ok = to_limit(arena_strndup(a, soft, soft_len), &limit.rlim_cur);
	limit.rlim_max = limit.rlim_cur;
	if (!ok || (hard && !to_limit(hard, &limit.rlim_max)))
		return err_what(e, ERR_USAGE, "--ulimit '%s' is not NAME=SOFT[:HARD]", text);
	if (limit.rlim_cur > limit.rlim_max)
		return err_what(
			e, ERR_USAGE, "--ulimit '%s': the soft limit is above the hard one", text);
	struct rlimit_spec *slot = ARENA_APPEND(a, spec->process.rlimits, spec->process.n_rlimits);
	slot->resource = (int)found->value;
	slot->limit = limit;
	return true;
}

bool spec_add_sysctl(struct spec *spec, const char *text, struct err *e)
{
	size_t len = strcspn(text, "=");
	const char *name = arena_strndup(spec->arena, text, len);
	if (!len || !text[len] || strstr(name, "..") || strlen(name) > 200 || name[0] == '.' ||
		name[0] == '/')
		return err_what(e, ERR_USAGE, "--sysctl '%s' is not NAME=VALUE", text);
	struct sysctl_spec *slot = ARENA_APPEND(spec->arena, spec->sysctls, spec->n_sysctls);
	slot->name = name;
	slot->value = text + len + 1;
	return true;
}

bool spec_add_env(struct spec *spec, const char *text, char *const *environment, struct err *e)
{
	size_t len = strcspn(text, "=");
	if (!len)
		return err_what(e, ERR_USAGE, "variable '%s' has no name", text);
	if (text[len]) {
		strv_env_set(spec->arena, &spec->process.env, text);
		return true;
	}
	for (char *const *entry = environment; *entry; entry++)
		if (!strncmp(*entry, text, len) && (*entry)[len] == '=')
			strv_env_set(spec->arena, &spec->process.env, *entry);
	return true;
}

bool spec_add_env_file(struct spec *spec, const char *text, const char *name,
	char *const *environment, struct err *e)
{
	for (size_t line = 1; *text; line++) {
		size_t len = strcspn(text, "\n");
		const char *entry = arena_strndup(spec->arena, text, len);
		text += len + (text[len] == '\n');
		while (isblank((unsigned char)*entry))
			entry++;
		if (!*entry || *entry == '#')
			continue;
		size_t name_len = strcspn(entry, "=");
		if (memchr(entry, ' ', name_len) || memchr(entry, '\t', name_len))
			return err_what(e, ERR_USAGE,
				"'%s' line %zu: a variable's name has a space", name, line);
		if (!spec_add_env(spec, entry, environment, e))
			return err_what(
				e, ERR_USAGE, "'%s' line %zu: no variable's name", name, line);
	}
	return true;
}

static bool is_permissions(const char *text)
{
	return text[0] && strspn(text, "rwm") == strlen(text);
}

bool spec_add_device(struct spec *spec, const char *text, struct err *e)
{
	struct arena *a = spec->arena;
	size_t len = strcspn(text, ":");
	const char *source = arena_strndup(a, text, len);
	const char *destination = source;
	const char *rest = text[len] ? text + len + 1 : "";
	char clean[4096];
	if (rest[0] && !is_permissions(rest)) {
		len = strcspn(rest, ":");
		destination = arena_strndup(a, rest, len);
		rest = rest[len] ? rest + len + 1 : "";
	}
	if (rest[0] && (strlen(rest) != 3 || !strchr(rest, 'r') || !strchr(rest, 'w') ||
			       !strchr(rest, 'm'))) {
		err_what(e, ERR_USAGE, "--device '%s' asks for fewer permissions", text);
		return err_hint(
			e, "they need a device cgroup, which only root has: leave '%s' out", rest);
	}
	if (source[0] != '/' || !text_path_clean(destination, clean, sizeof(clean)) ||
		!text_starts(clean, "/dev/")) {
		err_what(e, ERR_USAGE, "--device '%s' is not /dev/NAME[:/dev/NAME]", text);
		return err_hint(e, "for other files use --volume");
	}
	struct device_spec *slot = ARENA_APPEND(a, spec->devices, spec->n_devices);
	slot->source = source;
	slot->destination = arena_strdup(a, clean);
	return true;
}

bool spec_change_caps(struct spec *spec, bool add, const char *text, struct err *e)
{
	struct caps_spec *caps = &spec->process.caps;
	uint64_t change = CAPS_ALL;
	int cap;
	if (strcasecmp(text, "all")) {
		if (!capability_find(text, &cap)) {
			char upper[64] = "CAP_";
			size_t n = strncasecmp(text, "cap_", 4) ? 4 : 0;
			for (const char *p = text; *p && n < 63; p++)
				upper[n++] = (char)toupper((unsigned char)*p);
			upper[n] = '\0';
			const char *nearest = text_nearest(upper, capability_names());
			err_what(e, ERR_USAGE, "capability '%s' is not known", text);
			if (nearest)
				err_hint(e, "did you mean %s?", nearest);
			else
				err_hint(e, "see capabilities(7)");
			return false;
		}
		change = CAPS_BIT(cap);
	}
	if (add) {
		caps->bounding |= change;
		/* A program that is not root gets what was asked for by name, as in podman. */
		caps->ambient |= change;
	} else {
		caps->bounding &= ~change;
		caps->ambient &= ~change;
	}
	return true;
}

bool spec_add_id_range(struct spec *spec, struct id_map *map, const char *text, struct err *e)
{
	char part[3][16] = {"", "", "1"};
	struct id_range range;
	const char *p = text;
	int n = 0;
	bool ok = true;
	for (; ok && n < 3; n++) {
		size_t len = strcspn(p, ":");
		ok = len > 0 && len < sizeof(part[0]);
		if (!ok)
			break;
		/* podman's mark for an id of the host: here all are. */
		size_t skip = n == 1 && p[0] == '@';
		memcpy(part[n], p + skip, len - skip);
		part[n][len - skip] = '\0';
		p += len;
		if (!*p)
			break;
		p++;
	}
	if (!ok || n < 1 || n > 2 || *p || !text_to_id(part[0], &range.inside) ||
		!text_to_id(part[1], &range.outside) || !text_to_id(part[2], &range.count) ||
		!range.count) {
		err_what(e, ERR_USAGE, "id map '%s' is not INSIDE:OUTSIDE[:COUNT]", text);
		return err_hint(e, "OUTSIDE is an id of the host: your own or a subordinate one");
	}
	if (map->n == ID_MAP_MAX)
		return err_what(e, ERR_USAGE, "more than %d ranges in an id map", ID_MAP_MAX);
	*ARENA_APPEND(spec->arena, map->v, map->n) = range;
	return true;
}

bool spec_set_stop_signal(struct spec *spec, const char *text, struct err *e)
{
	uint32_t number;
	const char *name = strncasecmp(text, "SIG", 3) ? text : text + 3;
	if (text_to_u32(text, &number) && number > 0 && number < NSIG) {
		spec->stop_signal = (int)number;
		return true;
	}
	for (int sig = 1; sig < NSIG; sig++) {
		const char *known = sigabbrev_np(sig);
		if (!known || strcasecmp(known, name))
			continue;
		spec->stop_signal = sig;
		return true;
	}
	/* systemd's stop signal and its neighbours: RTMIN+3 */
	if (!strncasecmp(name, "RTMIN+", 6) && text_to_u32(name + 6, &number) &&
		SIGRTMIN + (int)number <= SIGRTMAX) {
		spec->stop_signal = SIGRTMIN + (int)number;
		return true;
	}
	err_what(e, ERR_USAGE, "signal '%s' is not known", text);
	return err_hint(e, "TERM, INT, RTMIN+3 … or a number: see signal(7)");
}

void spec_add_group(struct spec *spec, const char *text)
{
	if (!strcmp(text, "keep-groups"))
		spec->process.keep_groups = true;
	else
		strv_add(spec->arena, &spec->process.extra_groups, text);
}

bool spec_add_host(struct spec *spec, const char *text, struct err *e)
{
	size_t len = strcspn(text, ":");
	const char *address = text[len] ? text + len + 1 : "";
	/* Both go into a file whose lines and blanks mean something. */
	if (!len || !address[0] || strpbrk(text, " \t\n#") ||
		(strcmp(address, "host-gateway") &&
			strspn(address, "0123456789abcdefABCDEF.:") != strlen(address)))
		return err_what(e, ERR_USAGE, "--add-host '%s' is not NAME:ADDRESS", text);
	strv_add(spec->arena, &spec->extra_hosts, text);
	return true;
}

bool spec_set_namespace(
	struct spec *spec, enum ns_kind ns, const char *option, const char *text, struct err *e)
{
	struct ns_spec *to = &spec->namespaces[ns];
	if (!strcmp(text, "private")) {
		to->mode = NS_PRIVATE;
		return true;
	}
	if (!strcmp(text, "host") && ns != NS_USER) {
		to->mode = NS_HOST;
		return true;
	}
	if (text_starts(text, "container:") && text[10]) {
		to->mode = NS_JOIN_CONTAINER;
		to->from = text + 10;
		return true;
	}
	if (text_starts(text, "ns:/")) {
		to->mode = NS_JOIN_PATH;
		to->from = text + 3;
		return true;
	}
	err_what(e, ERR_USAGE, "--%s '%s' is not known", option, text);
	return err_hint(e, "private, host, container:NAME or ns:/PATH");
}
