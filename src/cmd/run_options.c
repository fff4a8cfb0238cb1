/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run_options.h"
#include "base/own.h"
#include "base/text.h"
#include "spec/document.h"
#include "spec/mount_options.h"
#include "spec/options.h"
#include "spec/port_text.h"
#include "spec/secret_text.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SETTER(name) static bool name(struct invocation *to, const char *value, struct err *e)

/* Switches. */
#define SWITCH(function, option, field)                                                            \
	SETTER(function)                                                                           \
	{                                                                                          \
		return option_bool(value, option, &(field), e);                                    \
	}

SWITCH(set_read_only, "read-only", to->spec.root.readonly)
SWITCH(set_init, "init", to->spec.init)
SWITCH(set_explain, "explain", to->explain)
SWITCH(set_trace, "trace-start", to->trace)

bool set_interactive(struct invocation *to, const char *value, struct err *e)
{
	return option_bool(value, "interactive", &to->spec.process.interactive, e);
}

bool set_tty(struct invocation *to, const char *value, struct err *e)
{
	to->wants_tty_set = true;
	return option_bool(value, "tty", &to->spec.process.terminal, e);
}

SETTER(set_no_init)
{
	bool no_init;
	if (!option_bool(value, "no-init", &no_init, e))
		return false;
	to->spec.init = !no_init;
	return true;
}

SETTER(set_nest)
{
	bool nest;
	if (!option_bool(value, "nest", &nest, e))
		return false;
	if (nest)
		spec_set_nest(&to->spec);
	return true;
}

/* Root and mounts. */
SETTER(set_bundle)
{
	(void)e;
	to->bundle = value;
	return true;
}

SETTER(set_overlay)
{
	struct root_spec *root = &to->spec.root;
	if (!value[0]) {
		root->overlay = OVERLAY_THROWAWAY;
		return true;
	}
	if (!strcmp(value, ".") || !strcmp(value, ".."))
		return err_what(e, ERR_USAGE, "'%s' is no name for an overlay", value);
	root->overlay = OVERLAY_KEPT;
	root->overlay_name = value;
	return true;
}

static bool add_mount(struct invocation *to, const char *value, struct err *e,
	bool (*read)(const char *, struct arena *, struct mount_spec *, struct err *))
{
	struct mount_spec mount = {0};
	if (!read(value, &to->arena, &mount, e))
		return false;
	*ARENA_APPEND(&to->arena, to->spec.mounts, to->spec.n_mounts) = mount;
	return true;
}

SETTER(set_volume)
{
	return add_mount(to, value, e, mount_from_volume);
}

SETTER(set_mount)
{
	return add_mount(to, value, e, mount_from_mount);
}

SETTER(set_tmpfs)
{
	return add_mount(to, value, e, mount_from_tmpfs);
}

SETTER(set_shm_size)
{
	uint64_t bytes;
	if (!text_to_bytes(value, &bytes) || !bytes)
		return err_what(e, ERR_USAGE, "--shm-size '%s' is no size", value);
	for (size_t i = 0; i < to->spec.n_mounts; i++) {
		struct mount_spec *m = &to->spec.mounts[i];
		if (!strcmp(m->destination, "/dev/shm"))
			strv_env_set(&to->arena, &m->options,
				arena_printf(&to->arena, "size=%llu", (unsigned long long)bytes));
	}
	return true;
}

SETTER(set_device)
{
	return spec_add_device(&to->spec, value, e);
}

/* Ids and namespaces. */
bool set_userns(struct invocation *to, const char *value, struct err *e)
{
	static const struct name_value modes[] = {{"auto", USERNS_AUTO},
		{"keep-id", USERNS_KEEP_ID}, {"single", USERNS_SINGLE}, {NULL, 0}};
	const struct name_value *mode = name_find(modes, value);
	if (mode) {
		to->spec.userns = (enum userns_mode)mode->value;
		to->spec.namespaces[NS_USER].mode = NS_PRIVATE;
		return true;
	}
	if (!text_starts(value, "container:") && !text_starts(value, "ns:")) {
		err_what(e, ERR_USAGE, "--userns '%s' is not known", value);
		return err_hint(e, "auto, keep-id, single, container:NAME or ns:PATH");
	}
	to->spec.userns = USERNS_JOIN;
	return spec_set_namespace(&to->spec, NS_USER, "userns", value, e);
}

SETTER(set_uidmap)
{
	to->spec.userns = USERNS_MANUAL;
	return spec_add_id_range(&to->spec, &to->spec.uid_map, value, e);
}

SETTER(set_gidmap)
{
	to->spec.userns = USERNS_MANUAL;
	return spec_add_id_range(&to->spec, &to->spec.gid_map, value, e);
}

#define NAMESPACE(function, option, kind)                                                          \
	SETTER(function)                                                                           \
	{                                                                                          \
		return spec_set_namespace(&to->spec, kind, option, value, e);                      \
	}

NAMESPACE(set_pid, "pid", NS_PID)
NAMESPACE(set_ipc, "ipc", NS_IPC)
NAMESPACE(set_uts, "uts", NS_UTS)
NAMESPACE(set_cgroupns, "cgroupns", NS_CGROUP)
NAMESPACE(set_time, "time", NS_TIME)

#define NETWORK(function, reader)                                                                  \
	SETTER(function)                                                                           \
	{                                                                                          \
		return reader(&to->spec, value, e);                                                \
	}

NETWORK(set_network, spec_set_network)
NETWORK(set_dns, spec_add_dns)
NETWORK(set_dns_search, spec_add_dns_search)
NETWORK(set_dns_option, spec_add_dns_option)
NETWORK(set_ip, spec_set_ip)
NETWORK(set_ip6, spec_set_ip6)
NETWORK(set_mac, spec_set_mac)
NETWORK(set_network_alias, spec_add_network_alias)

static bool set_offset(
	struct invocation *to, const char *option, const char *value, int64_t *ret, struct err *e)
{
	uint64_t seconds;
	bool is_negative = value[0] == '-';
	if (!text_to_u64(value + is_negative, (uint64_t)INT32_MAX, &seconds))
		return err_what(e, ERR_USAGE, "--%s '%s' is no number of seconds", option, value);
	*ret = is_negative ? -(int64_t)seconds : (int64_t)seconds;
	to->spec.has_time_offsets = true;
	to->spec.namespaces[NS_TIME].mode = NS_PRIVATE;
	return true;
}

SETTER(set_monotonic)
{
	return set_offset(to, "monotonic", value, &to->spec.monotonic_offset_s, e);
}

SETTER(set_boottime)
{
	return set_offset(to, "boottime", value, &to->spec.boottime_offset_s, e);
}

/* The process. */
bool set_env(struct invocation *to, const char *value, struct err *e)
{
	return spec_add_env(&to->spec, value, to->environment, e);
}

bool set_env_file(struct invocation *to, const char *value, struct err *e)
{
	const char *text = arena_read_file(&to->arena, AT_FDCWD, value, NULL, e);
	if (!text)
		return err_what(e, ERR_USAGE, "cannot read environment file '%s'", value);
	return spec_add_env_file(&to->spec, text, value, to->environment, e);
}

bool set_workdir(struct invocation *to, const char *value, struct err *e)
{
	if (value[0] != '/')
		return err_what(e, ERR_USAGE, "working directory '%s' is not absolute", value);
	to->spec.process.cwd = value;
	to->has_workdir = true;
	return true;
}

bool set_user(struct invocation *to, const char *value, struct err *e)
{
	(void)e;
	to->spec.process.user = value;
	return true;
}

SETTER(set_group_add)
{
	(void)e;
	spec_add_group(&to->spec, value);
	return true;
}

SETTER(set_entrypoint)
{
	(void)e;
	to->entrypoint = value;
	return true;
}

SETTER(set_hostname)
{
	if (!value[0] || strlen(value) > 64)
		return err_what(e, ERR_USAGE, "host name '%s' is empty or longer than 64", value);
	to->spec.hostname = value;
	return true;
}

SETTER(set_domainname)
{
	if (!value[0] || strlen(value) > 64)
		return err_what(e, ERR_USAGE, "domain name '%s' is empty or longer than 64", value);
	to->spec.domainname = value;
	return true;
}

SETTER(set_add_host)
{
	return spec_add_host(&to->spec, value, e);
}

SETTER(set_name)
{
	if (!spec_is_name(value)) {
		err_what(e, ERR_USAGE, "'%s' is no name for a container", value);
		return err_hint(e, "letters, digits, and after the first also _ . -");
	}
	to->spec.name = value;
	return true;
}

SETTER(set_cap_add)
{
	return spec_change_caps(&to->spec, true, value, e);
}

SETTER(set_cap_drop)
{
	return spec_change_caps(&to->spec, false, value, e);
}

static bool set_seccomp(struct invocation *to, const char *value, struct err *e)
{
	struct seccomp_spec *seccomp = &to->spec.process.seccomp;
	if (!strcmp(value, "unconfined")) {
		seccomp->kind = SECCOMP_UNCONFINED;
		return true;
	}
	seccomp->json = arena_read_file(&to->arena, AT_FDCWD, value, NULL, e);
	if (!seccomp->json)
		return err_what(e, ERR_USAGE, "cannot read system call profile '%s'", value);
	seccomp->kind = SECCOMP_PROFILE;
	seccomp->path = value;
	return true;
}

SETTER(set_security_opt)
{
	bool *no_new_privs = &to->spec.process.no_new_privileges;
	/* docker took ':' before it took '=' */
	const char *rest = value + strcspn(value, "=:");
	const char *argument = *rest ? rest + 1 : "";
	size_t len = (size_t)(rest - value);
	const char *key = arena_strndup(&to->arena, value, len);
	to->has_no_new_privs |= !strcmp(key, "no-new-privileges");
	if (!strcmp(key, "no-new-privileges"))
		return option_bool(
			argument[0] ? argument : "true", "security-opt", no_new_privs, e);
	if (!strcmp(key, "seccomp") && argument[0])
		return set_seccomp(to, argument, e);
	if (!strcmp(key, "unmask") && argument[0])
		return spec_unmask(&to->spec, argument, e);
	if (!strcmp(key, "mask") && argument[0])
		return spec_mask(&to->spec, argument, e);
	err_what(e, ERR_USAGE, "--security-opt '%s' is not known", value);
	return err_hint(
		e, "seccomp=FILE|unconfined, no-new-privileges, unmask=PATH|ALL, mask=PATH");
}

SETTER(set_systemd)
{
	static const struct name_value wishes[] = {{"auto", SYSTEM_AUTO}, {"true", SYSTEM_AUTO},
		{"always", SYSTEM_ALWAYS}, {"false", SYSTEM_NEVER}, {NULL, 0}};
	const struct name_value *wish = name_find(wishes, value);
	if (!wish) {
		err_what(e, ERR_USAGE, "--systemd '%s' is not known", value);
		return err_hint(e, "auto, always or false");
	}
	to->spec.system = (enum system_wish)wish->value;
	return true;
}

SETTER(set_ulimit)
{
	return spec_add_ulimit(&to->spec, value, e);
}

SETTER(set_sysctl)
{
	return spec_add_sysctl(&to->spec, value, e);
}

SETTER(set_stop_signal)
{
	to->has_stop_signal = true;
	return spec_set_stop_signal(&to->spec, value, e);
}

SETTER(set_stop_timeout)
{
	return text_to_ms(value, &to->spec.stop_timeout_ms) ||
	       err_what(e, ERR_USAGE, "--stop-timeout '%s' is no time", value);
}

SETTER(set_timeout)
{
	return text_to_ms(value, &to->spec.timeout_ms) ||
	       err_what(e, ERR_USAGE, "--timeout '%s' is no time", value);
}

SETTER(set_preserve_fds)
{
	uint64_t n;
	if (!text_to_u64(value, 1024, &n))
		return err_what(e, ERR_USAGE, "--preserve-fds '%s' is no count", value);
	to->spec.process.preserve_fds = (uint32_t)n;
	return true;
}

SETTER(set_annotation)
{
	if (!strchr(value, '=') || value[0] == '=')
		return err_what(e, ERR_USAGE, "annotation '%s' is not KEY=VALUE", value);
	strv_env_set(&to->arena, &to->spec.annotations, value);
	return true;
}

SETTER(set_publish)
{
	return spec_add_port(&to->spec, value, e);
}

SWITCH(set_publish_all, "publish-all", to->spec.publish_all)

SETTER(set_expose)
{
	return spec_add_exposed(&to->spec, value, e);
}

SETTER(set_fd)
{
	return spec_add_port_fd(&to->spec, value, e);
}

SETTER(set_secret)
{
	return spec_add_secret(&to->spec, value, e);
}

SETTER(set_umask)
{
	uint32_t bits;
	if (!text_to_octal(value, 0777, &bits))
		return err_what(e, ERR_USAGE, "--umask '%s' is not octal", value);
	to->spec.process.umask = bits;
	return true;
}

/* lint: table */
const struct option_def run_options[] = {
	{"additional-store", 0, "DIR", "look for images in DIR too, which is only read",
		set_additional_store},
	{"add-host", 0, "NAME:ADDRESS", "a line in the container's /etc/hosts", set_add_host},
	{"annotation", 0, "KEY=VALUE", "an annotation for the OCI document", set_annotation},
	{"authfile", 0, "FILE", "read credentials from FILE", set_authfile},
	{"boottime", 0, "SECONDS", "shift the boot clock (a time namespace)", set_boottime},
	{"bundle", 'b', "DIR", "run the OCI bundle in DIR (its config.json)", set_bundle},
	{"cap-add", 0, "NAME", "add a capability, or all", set_cap_add},
	{"cap-drop", 0, "NAME", "drop a capability, or all", set_cap_drop},
	{"cert-dir", 0, "DIR", "CA (*.crt), certificate and key for the registry", set_cert_dir},
	{"cgroup-conf", 0, "FILE=VALUE", "write a file of the container's cgroup", set_cgroup_conf},
	{"cgroup-parent", 0, "SLICE", "in this slice of your systemd", set_cgroup_parent},
	{"cgroupns", 0, "MODE", "cgroup namespace: private, host, container:NAME, ns:PATH",
		set_cgroupns},
	{"cgroups", 0, "WHEN", "a cgroup: auto (for limits), enabled, disabled, split (the unit's)",
		set_cgroups},
	{"cidfile", 0, "FILE", "write the container's id to FILE", set_cidfile},
	{"cpu-shares", 0, "N", "the same on docker's scale (2 to 262144, 1024)", set_cpu_shares},
	{"cpu-weight", 0, "N", "share of the processors when they are scarce (1 to 10000, 100)",
		set_cpu_weight},
	{"cpus", 0, "N", "processor time of N processors, such as 1.5", set_cpus},
	{"cpuset-cpus", 0, "LIST", "only these processors: 0-2,4", set_cpuset_cpus},
	{"cpuset-mems", 0, "LIST", "only memory of these nodes", set_cpuset_mems},
	{"creds", 0, "USER:PASSWORD", "log in to the registry as USER", set_creds},
	{"detach", 'd', NULL, "run it in the background, and print its id", set_detach},
	{"detach-keys", 0, "KEYS", "what leaves a container that stays (ctrl-p,ctrl-q)",
		set_detach_keys},
	{"device", 0, "SRC[:DST]", "show a device of the host inside", set_device},
	{"device-read-bps", 0, "DEV:RATE", "read no more bytes a second: /dev/sda:10mb",
		set_device_read_bps},
	{"device-read-iops", 0, "DEV:N", "no more reads a second", set_device_read_iops},
	{"device-write-bps", 0, "DEV:RATE", "write no more bytes a second", set_device_write_bps},
	{"device-write-iops", 0, "DEV:N", "no more writes a second", set_device_write_iops},
	{"dns", 0, "ADDRESS", "ask this resolver instead of the host's; none for none", set_dns},
	{"dns-option", 0, "OPTION", "an option line for resolv.conf", set_dns_option},
	{"dns-search", 0, "DOMAIN", "where to look for short names; . for nowhere", set_dns_search},
	{"domainname", 0, "NAME", "NIS domain name inside", set_domainname},
	{"entrypoint", 0, "PROGRAM", "run PROGRAM, with COMMAND as its arguments", set_entrypoint},
	{"env", 'e', "NAME[=VALUE]", "set a variable; without value, the caller's", set_env},
	{"env-file", 0, "FILE", "read variables from FILE", set_env_file},
	{"explain", 0, NULL, "print the plan of the start, and start nothing", set_explain},
	{"expose", 0, "PORT[/PROTOCOL]", "a port that --publish-all publishes", set_expose},
	{"fd", 0, "PORT[/PROTOCOL]=N",
		"serve the port with the socket that is open as descriptor N", set_fd},
	{"gidmap", 0, "IN:OUT[:N]", "map group ids by hand", set_gidmap},
	{"group-add", 0, "GROUP", "one more group; keep-groups keeps the caller's", set_group_add},
	{"health-cmd", 0, "COMMAND", "a shell command that tells whether it is well",
		set_health_cmd},
	{"health-interval", 0, "TIME", "time between checks (30s)", set_health_interval},
	{"health-retries", 0, "N", "failures in a row that make it unhealthy (3)",
		set_health_retries},
	{"health-start-period", 0, "TIME", "failures do not count so long (0s)",
		set_health_start_period},
	{"health-timeout", 0, "TIME", "a check may take so long (30s)", set_health_timeout},
	{"hostname", 'h', "NAME", "host name inside", set_hostname},
	{"init", 0, NULL, "a small init as pid 1 (the default)", set_init},
	{"interactive", 'i', NULL, "keep standard input open", set_interactive},
	{"io-weight", 0, "N", "share of the disks when they are busy (1 to 10000, 100)",
		set_io_weight},
	{"ip", 0, "ADDRESS", "the container's IPv4 address", set_ip},
	{"ip6", 0, "ADDRESS", "the container's IPv6 address", set_ip6},
	{"ipc", 0, "MODE", "IPC namespace: private, host, container:NAME, ns:PATH", set_ipc},
	{"label", 'l', "KEY=VALUE", "a label, for filters and for inspect", set_label},
	{"label-file", 0, "FILE", "read labels from FILE, one a line", set_label_file},
	{"limit-mode", 0, "MODE", "best (the default): by other means without a cgroup; hard: fail",
		set_limit_mode},
	{"log-driver", 0, "DRIVER", "json-file (the default), journald, none or passthrough",
		set_log_driver},
	{"log-opt", 0, "KEY=VALUE", "max-size=SIZE, max-file=N; of journald tag=TEXT", set_log_opt},
	{"mac-address", 0, "ADDRESS", "the network device's address", set_mac},
	{"memory", 'm', "SIZE", "no more memory than this; past it the kernel kills", set_memory},
	{"memory-high", 0, "SIZE", "past this much memory the container is slowed down",
		set_memory_high},
	{"memory-reservation", 0, "SIZE", "memory that is taken from others first",
		set_memory_reservation},
	{"memory-swap", 0, "SIZE", "no more memory and swap together; -1: any swap",
		set_memory_swap},
	{"monotonic", 0, "SECONDS", "shift the monotonic clock (a time namespace)", set_monotonic},
	{"mount", 0, "KEY=VALUE,...", "mount: type=bind|tmpfs|overlay|mqueue|devpts", set_mount},
	{"name", 0, "NAME", "a name that other commands can use", set_name},
	{"nest", 0, NULL, "let containers run inside: unmasked /proc, namespaces", set_nest},
	{"network", 0, "MODE", "slirp (the default), none, host, NAME, container:NAME, ns:PATH",
		set_network},
	{"network-alias", 0, "NAME", "one more name in a named network", set_network_alias},
	{"net", 0, "MODE", "the same as --network", set_network},
	{"no-healthcheck", 0, NULL, "no health check", set_no_healthcheck},
	{"no-init", 0, NULL, "the program itself is pid 1", set_no_init},
	{"oom-group", 0, NULL, "out of memory ends all processes, not one", set_oom_group},
	{"oom-score-adj", 0, "N",
		"who is killed first when the machine has no memory (-1000 to 1000)",
		set_oom_score_adj},
	{"overlay", 0, "[NAME]", "leave ROOT as it is: changes are lost, or kept as NAME",
		set_overlay},
	{"pid", 0, "MODE", "PID namespace: private, host, container:NAME, ns:PATH", set_pid},
	{"pidfile", 0, "FILE", "write the process id of pid 1 to FILE", set_pidfile},
	{"pids-limit", 0, "N", "no more processes and threads than N", set_pids_limit},
	{"platform", 0, "OS/ARCH[/VARIANT]", "the image for this platform", set_platform},
	{"preserve-fds", 0, "N", "pass N descriptors from 3 on", set_preserve_fds},
	{"publish", 'p', "HOST:PORT", "publish a port of the container on the host", set_publish},
	{"publish-all", 'P', NULL, "publish every port that the image or --expose names",
		set_publish_all},
	{"pull", 0, "WHEN", "pull the image always, missing (the default), newer or never",
		set_pull},
	{"quiet", 'q', NULL, "no progress while an image is pulled", set_quiet},
	{"read-only", 0, NULL, "mount ROOT read-only", set_read_only},
	{"rm", 0, NULL, "remove the container at its end (the default in the foreground)", set_rm},
	{"replace", 0, NULL, "remove the container that has the name, if there is one",
		set_replace},
	{"restart", 0, "POLICY", "no, on-failure[:N], always, unless-stopped", set_restart},
	{"sdnotify", 0, "MODE",
		"who tells systemd that it is ready: container, conmon, healthy, ignore",
		set_sdnotify},
	{"secret", 0, "NAME[,OPTIONS]",
		"a secret as a file in /run/secrets, or with type=env as a variable", set_secret},
	{"security-opt", 0, "OPTION",
		"seccomp=FILE|unconfined, no-new-privileges, unmask=, mask=", set_security_opt},
	{"shm-size", 0, "SIZE", "size of /dev/shm (64m)", set_shm_size},
	{"stop-signal", 0, "SIGNAL", "what ends the program at stop and time-out (TERM)",
		set_stop_signal},
	{"stop-timeout", 0, "TIME", "wait this long before SIGKILL (10s)", set_stop_timeout},
	{"storage", 0, "DIR", "keep images in DIR (GUSCIO_STORAGE)", set_storage},
	{"sysctl", 0, "NAME=VALUE", "set a kernel parameter of the container", set_sysctl},
	{"systemd", 0, "WHEN", "a whole system: auto (when COMMAND is an init), always, false",
		set_systemd},
	{"time", 0, "MODE", "time namespace: host, private, container:NAME, ns:PATH", set_time},
	{"timeout", 0, "TIME", "end the container after this time", set_timeout},
	{"tls-verify", 0, NULL, "check the registry's certificate (true)", set_tls_verify},
	{"tmpfs", 0, "DST[:OPTIONS]", "an empty directory in memory", set_tmpfs},
	{"trace-start", 0, NULL, "print what each step of the start cost", set_trace},
	{"tty", 't', NULL, "give the program a terminal", set_tty},
	{"uidmap", 0, "IN:OUT[:N]", "map user ids by hand", set_uidmap},
	{"ulimit", 0, "NAME=SOFT[:HARD]", "a resource limit", set_ulimit},
	{"umask", 0, "OCTAL", "file mode mask of the program (0022)", set_umask},
	{"user", 'u', "USER[:GROUP]", "name or id, looked up in the container", set_user},
	{"userns", 0, "MODE", "auto, keep-id, single, container:NAME, ns:PATH", set_userns},
	{"uts", 0, "MODE", "UTS namespace: private, host, container:NAME, ns:PATH", set_uts},
	{"volume", 'v', "SRC:DST[:OPTIONS]", "show a directory, file or volume inside", set_volume},
	{"volumes-from", 0, "CONTAINER[:ro]", "the binds and volumes of a container that stays",
		set_volumes_from},
	{"workdir", 'w', "DIR", "working directory inside (made when missing)", set_workdir},
	{0},
};
