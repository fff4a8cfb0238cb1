/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "spec/document.h"
#include "spec/mount_options.h"
#include "spec/port_text.h"

#include <string.h>

/* A sysctl belongs to a namespace; without one of its own a container would set the host's. */
static const struct {
	const char *prefix;
	enum ns_kind ns;
} sysctl_namespaces[] = {{"net.", NS_NET}, {"net/", NS_NET}, {"kernel.msgmax", NS_IPC},
	{"kernel.msgmnb", NS_IPC}, {"kernel.msgmni", NS_IPC}, {"kernel.sem", NS_IPC},
	{"kernel.shmall", NS_IPC}, {"kernel.shmmax", NS_IPC}, {"kernel.shmmni", NS_IPC},
	{"kernel.shm_rmid_forced", NS_IPC}, {"fs.mqueue.", NS_IPC}};

static bool check_sysctl(const struct spec *spec, const char *name, struct err *e)
{
	if (!strcmp(name, "kernel.hostname") || !strcmp(name, "kernel.domainname")) {
		err_what(e, ERR_USAGE, "sysctl '%s' has an option of its own", name);
		return err_hint(e, "use --hostname or --domainname");
	}
	for (size_t i = 0; i < sizeof(sysctl_namespaces) / sizeof(sysctl_namespaces[0]); i++) {
		const char *prefix = sysctl_namespaces[i].prefix;
		bool is_whole = strchr("./", prefix[strlen(prefix) - 1]) == NULL;
		if (is_whole ? strcmp(name, prefix) : !text_starts(name, prefix))
			continue;
		if (spec->namespaces[sysctl_namespaces[i].ns].mode != NS_HOST)
			return true;
		err_what(e, ERR_USAGE, "sysctl '%s' would be the host's", name);
		return err_hint(e, "it needs a namespace of its own: not host");
	}
	err_what(e, ERR_USAGE, "sysctl '%s' is not per container", name);
	return err_hint(e, "net.*, fs.mqueue.*, kernel.msg*, kernel.sem and kernel.shm* are");
}

static bool check_names(const struct spec *spec, struct err *e)
{
	bool has_uts = spec->namespaces[NS_UTS].mode == NS_PRIVATE;
	if (!has_uts && (spec->hostname || spec->domainname)) {
		err_what(e, ERR_USAGE, "a host name needs a UTS namespace of its own");
		return err_hint(e, "leave --hostname or --uts out");
	}
	return true;
}

static bool check_time(const struct spec *spec, struct err *e)
{
	if (spec->has_time_offsets && spec->namespaces[NS_TIME].mode != NS_PRIVATE) {
		err_what(e, ERR_USAGE, "clock offsets need a time namespace of its own");
		return err_hint(e, "use --time=private");
	}
	return true;
}

static bool joins(const struct ns_spec *ns)
{
	return ns->mode == NS_JOIN_PATH || ns->mode == NS_JOIN_CONTAINER;
}

/*
 * Who joins a container's namespace joins its user namespace too: only members may enter
 * what it owns. The ids are then that container's.
 */
static bool settle_user_namespace(struct spec *spec, struct err *e)
{
	const struct ns_spec *first = NULL;
	for (int ns = 0; ns < NS_KINDS; ns++)
		if (joins(&spec->namespaces[ns]) && ns != NS_USER && !first)
			first = &spec->namespaces[ns];
	if (spec->userns != USERNS_JOIN && !first)
		return true;
	if (spec->userns == USERNS_KEEP_ID || spec->userns == USERNS_MANUAL) {
		err_what(e, ERR_USAGE, "a joined namespace brings its own ids");
		return err_hint(e, "leave --userns, --uidmap and --gidmap out");
	}
	spec->userns = USERNS_JOIN;
	if (joins(&spec->namespaces[NS_USER]))
		return true;
	if (first->mode == NS_JOIN_CONTAINER)
		spec->namespaces[NS_USER] = *first;
	else
		/* A path: the namespace tells its owner when it is opened. */
		spec->namespaces[NS_USER].mode = NS_HOST;
	return true;
}

static bool check_mounts(struct spec *spec, struct err *e)
{
	char clean[4096];
	struct mount_flags ignored;
	for (size_t i = 0; i < spec->n_mounts; i++) {
		struct mount_spec *m = &spec->mounts[i];
		if (!text_path_clean(m->destination, clean, sizeof(clean)))
			return err_what(
				e, ERR_USAGE, "mount target '%s' is not absolute", m->destination);
		if (strcmp(clean, m->destination))
			m->destination = arena_strdup(spec->arena, clean);
		if (!mount_options_parse(m, spec->arena, &ignored, e))
			return false;
	}
	return true;
}

bool spec_freeze(struct spec *spec, struct notes *notes, struct err *e)
{
	*e = (struct err)ERR_INIT;
	if (!settle_user_namespace(spec, e) || !check_names(spec, e) || !check_time(spec, e) ||
		!limits_freeze(&spec->limits, e) || !check_mounts(spec, e) ||
		!spec_check_network(spec, e))
		return false;
	if (!ports_settle(spec, notes, e))
		return false;
	for (size_t i = 0; i < spec->n_sysctls; i++)
		if (!check_sysctl(spec, spec->sysctls[i].name, e))
			return false;
	if (!spec->hostname && spec->namespaces[NS_UTS].mode == NS_PRIVATE)
		spec->hostname = spec->name && strlen(spec->name) <= 64
					 ? spec->name
					 : arena_strndup(spec->arena, spec->id, 12);
	if (spec->hostname)
		strv_env_set(spec->arena, &spec->process.env,
			arena_printf(spec->arena, "HOSTNAME=%s", spec->hostname));
	return true;
}
