/* SPDX-License-Identifier: Apache-2.0 */
/* run_options.h - the options of "guscio run" and "guscio spec" */
#ifndef CMD_RUN_OPTIONS_H
#define CMD_RUN_OPTIONS_H

#include "cmd/options.h"
#include "image/remote.h"
#include "net/record.h"
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

struct invocation {
	struct spec spec;
	struct arena arena;
	struct notes *notes;
	char *const *environment;
	const char *entrypoint; /* NULL: not given */
	const char *bundle;	/* NULL: not given */
	bool explain;
	bool trace;
	bool wants_tty_set; /* -t was said, either way */
	bool has_workdir, has_stop_signal;
	const char *image_digest; /* which image the name stood for; NULL: not looked up */
	bool has_command;	  /* words after ROOT */
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
	struct net_record network; /* of network create */
	bool wants_ipv6;
	bool all, force, is_plain, has_no_header, is_whole, from_stdin, has_digests;
};

/* Zero but for what must not be. */
#define INVOCATION_INIT(notes_, environment_)                                                      \
	{                                                                                          \
		.notes = (notes_), .environment = (environment_), .flat_fd = -1, .lease_fd = -1    \
	}

extern const struct option_def run_options[];

/* Setters that several commands have. */
option_setter set_storage, set_additional_store, set_pull, set_platform, set_authfile, set_creds,
	set_cert_dir, set_tls_verify, set_quiet, set_format, set_filter, set_all, set_force,
	set_output, set_input, set_no_trunc, set_noheading, set_change, set_message, set_userns,
	set_digests;

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

/* 64 random hex digits. */
const char *invocation_new_id(struct arena *arena);

/*
 * invocation_read() - a command line to a spec that is complete but not frozen
 * Sets the root, the program, and the defaults that depend on the root.
 */
bool invocation_read(struct invocation *to, const struct command *command, int argc, char **argv,
	bool *ret_help, struct err *e);

#endif
