/* SPDX-License-Identifier: Apache-2.0 */
/* run_options.h - the options of "guscio run" and "guscio spec" */
#ifndef CMD_RUN_OPTIONS_H
#define CMD_RUN_OPTIONS_H

#include "cmd/options.h"
#include "image/remote.h"
#include "net/lease.h"
#include "plan/plan.h"
#include "spec/spec.h"

/* Where images come from and where they are kept. */
struct image_source {
	const char *storage;	/* NULL: the environment's, else the data directory */
	struct strv additional; /* stores that are only read */
	const char *pull;	/* always, missing, never, newer; NULL: missing */
	const char *platform;	/* "" for this machine's */
	struct remote_options remote;
	bool is_quiet;
};

/* What outlives its command: see life.h. */
struct life_options {
	bool is_detached, is_created, replaces;
	bool has_rm, rm;
	const char *cidfile, *pidfile;
	const char *restart, *log_driver, *log_tag, *health_test, *sdnotify; /* NULL: not given */
	uint64_t log_max_size, log_max_files;
	uint64_t health_interval_ms, health_timeout_ms, health_start_ms, health_retries;
	struct strv labels, volumes_from;
	struct strv unfilled; /* where volumes are mounted that nothing is copied into */
	int *volume_fds;      /* locks of volumes that are used */
	size_t n_volume_fds;
	struct strv own_volumes; /* without names, made here, of no container on record yet */
	const char *detach_keys;
	bool attaches, has_no_stdin, has_no_sig_proxy, shows_times, follows, shows_size;
	const char *since, *until, *tail, *signal;
	uint64_t wait_ms; /* UINT64_MAX: the container's own */
	uint64_t last;	  /* newest N of ps; 0: not given */
	bool with_volumes, is_privileged, keeps_owners;
};

/* Of generate systemd. */
struct unit_options {
	bool is_new, uses_name, to_files, has_no_header;
	const char *restart_policy, *prefix, *separator; /* NULL: not given */
	const char *restart_wait, *start_timeout;	 /* systemd's own times */
	struct strv after, requires, wants;
};

struct invocation {
	struct spec spec;
	struct life_options life;
	struct arena arena;
	struct notes *notes;
	char *const *environment;
	const char *entrypoint; /* NULL: not given */
	const char *bundle;	/* NULL: not given */
	bool explain;
	bool trace;
	bool wants_tty_set; /* -t was said, either way */
	bool has_root;	    /* ROOT was named */
	bool is_once;	    /* of stats */
	bool has_workdir, has_stop_signal, has_no_new_privs;
	const char *image_digest; /* which image the name stood for; NULL: not looked up */
	bool has_command;	  /* words after ROOT */
	const char *command_name; /* run, create, boot: and its words, as they were said */
	struct strv option_words, root_words;
	struct image_source source;
	const char *flat_path; /* a root of this container alone, to be removed; NULL: none */
	int flat_fd;	       /* its lock */
	int lease_fd;	       /* keeps the image while its container runs; -1 without one */
	/* Of the commands for images: */
	const char *format; /* NULL: a table */
	struct strv filters;
	const char *message; /* of import */
	const char *output, *input, *user_name, *password;
	struct strv changes;
	struct unit_options unit;
	struct net_record network; /* of network create; for a start the one that is wanted */
	struct net_lease place;	   /* in it */
	bool is_verbose;
	bool is_variable, shows_secret; /* of secret create and inspect */
	bool wants_ipv6;
	bool is_latest;
	bool all, force, is_plain, has_no_header, is_whole, from_stdin, has_digests;
};

/* Zero but for what must not be. */
#define INVOCATION_INIT(notes_, environment_)                                                      \
	{                                                                                          \
		.notes = (notes_), .environment = (environment_), .flat_fd = -1, .lease_fd = -1,   \
		.place = NET_LEASE_INIT, .life = {                                                 \
			.wait_ms = UINT64_MAX                                                      \
		}                                                                                  \
	}

extern const struct option_def run_options[];

/* Setters that several commands have. */
option_setter set_storage, set_additional_store, set_pull, set_platform, set_authfile, set_creds,
	set_cert_dir, set_tls_verify, set_quiet, set_format, set_filter, set_all, set_force,
	set_output, set_input, set_no_trunc, set_noheading, set_change, set_message, set_userns,
	set_digests;
/* Of containers that stay (life_options.c). */
option_setter set_detach, set_rm, set_restart, set_label, set_label_file, set_cidfile, set_pidfile,
	set_replace, set_log_driver, set_log_opt, set_health_cmd, set_health_interval,
	set_health_timeout, set_health_start_period, set_health_retries, set_no_healthcheck,
	set_detach_keys, set_attach, set_no_stdin, set_timestamps, set_follow, set_since, set_until,
	set_tail, set_signal, set_wait_time, set_last, set_latest, set_volumes, set_privileged,
	set_size, set_sig_proxy, set_volumes_from, set_archive, set_sdnotify;
/* Of a program (run_options.c), for exec too. */
option_setter set_interactive, set_tty, set_env, set_env_file, set_workdir, set_user;

/* Limits (limit_options.c): of run, boot and update. */
option_setter set_memory, set_memory_swap, set_memory_reservation, set_memory_high, set_oom_group,
	set_cpus, set_cpu_weight, set_cpu_shares, set_cpuset_cpus, set_cpuset_mems, set_pids_limit,
	set_io_weight, set_device_read_bps, set_device_write_bps, set_device_read_iops,
	set_device_write_iops, set_oom_score_adj, set_cgroup_conf, set_cgroup_parent,
	set_limit_mode, set_cgroups;

/* Rows of option tables that several commands have. */
#define OPTIONS_STORE                                                                              \
	{"storage", 0, "DIR", "keep images in DIR (GUSCIO_STORAGE)", set_storage},                 \
	{                                                                                          \
		"additional-store", 0, "DIR", "look for images in DIR too, which is only read",    \
			set_additional_store                                                       \
	}
#define OPTIONS_REMOTE                                                                             \
	{"authfile", 0, "FILE", "read credentials from FILE", set_authfile},                       \
		{"cert-dir", 0, "DIR", "CA (*.crt), certificate and key for the registry",         \
			set_cert_dir},                                                             \
		{"creds", 0, "USER:PASSWORD", "log in as USER", set_creds},                        \
	{                                                                                          \
		"tls-verify", 0, NULL, "check the registry's certificate (true)", set_tls_verify   \
	}

/* HOST_WANT_* bits: what a start of this spec needs to know of the machine. */
unsigned invocation_host_wants(const struct spec *spec);

/*
 * invocation_plan() - the plan of a start, with a place in the named network that is wanted
 * The place is only asked for where something is to start: --explain does without.
 */
bool invocation_plan(
	struct invocation *to, const struct host *host, struct plan *ret, struct err *e);

/* What the spec's limits need to know of this machine. */
bool invocation_find_cgroups(struct invocation *to, struct host *host);

/* Who started us waits for word, and --sdnotify says that it is @mode who tells. */
bool invocation_tells(const struct invocation *to, const char *mode);

/* 64 random hex digits. */
const char *invocation_new_id(struct arena *arena);

/*
 * invocation_read() - a command line to a spec that is complete but not frozen
 * Sets the root, the program, and the defaults that depend on the root.
 */
bool invocation_read(struct invocation *to, const struct command *command, int argc, char **argv,
	bool *ret_help, struct err *e);

#endif
