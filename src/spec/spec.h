/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec.h - what the user wants, as one document
 *
 * The shape is the OCI runtime spec's [runtime-spec config.md, config-linux.md]
 * with the few things guscio adds; those travel in a config.json as
 * annotations "guscio.*". Options, images and bundles all become this. Pure:
 * nothing here looks at the machine. Every string lives in the arena.
 */
#ifndef SPEC_SPEC_H
#define SPEC_SPEC_H

#include "base/arena.h"
#include "base/idrange.h"
#include "spec/limits.h"
#include "spec/system.h"
#include "spec/network.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

enum ns_kind {
	NS_USER,
	NS_MOUNT,
	NS_PID,
	NS_UTS,
	NS_IPC,
	NS_NET,
	NS_CGROUP,
	NS_TIME,
	NS_KINDS,
};

enum ns_mode {
	NS_PRIVATE,
	NS_HOST,
	NS_JOIN_PATH,	   /* from: path of a namespace file */
	NS_JOIN_CONTAINER, /* from: name or id of a running container */
};

struct ns_spec {
	enum ns_mode mode;
	const char *from;
};

enum userns_mode {
	USERNS_AUTO,	/* container root is the caller, the rest subordinate ids */
	USERNS_KEEP_ID, /* the caller keeps the own id, root is a subordinate id */
	USERNS_SINGLE,	/* one id, the caller's */
	USERNS_MANUAL,	/* uid_map and gid_map as given */
	USERNS_JOIN,	/* namespaces[NS_USER] says whose */
};

enum root_kind {
	ROOT_HOST,    /* @host: the host's programs read-only, everything else fresh */
	ROOT_DIR,     /* a directory, entered in place */
	ROOT_TARBALL, /* unpacked once into the cache; the plan sees a directory */
	ROOT_IMAGE,   /* path is its name; layers are what the store has unpacked for it */
};

enum overlay_kind {
	OVERLAY_NONE,
	OVERLAY_THROWAWAY, /* changes live in memory and end with the container */
	OVERLAY_KEPT,	   /* changes are kept under overlay_name */
};

struct root_spec {
	enum root_kind kind;
	const char *path;
	struct strv layers; /* ROOT_IMAGE: directories, uppermost first */
	bool readonly;
	enum overlay_kind overlay;
	const char *overlay_name; /* a name, or a directory when it contains '/' */
};

/* An OCI mount; option words are those of mount(8), podman-run(1) and the OCI spec. */
struct mount_spec {
	const char *destination;
	const char *type; /* bind tmpfs overlay mqueue devpts proc sysfs cgroup */
	const char *source;
	struct strv options;
};

struct device_spec {
	const char *source;	 /* on the host */
	const char *destination; /* in the container */
};

struct rlimit_spec {
	int resource; /* RLIMIT_* */
	struct rlimit limit;
};

struct sysctl_spec {
	const char *name; /* net.ipv4.ip_forward */
	const char *value;
};

enum port_protocol { PORT_TCP, PORT_UDP };

/* A secret of the store that the container gets. What is in it is never in a document. */
struct secret_spec {
	const char *name;
	bool is_env;
	const char *target; /* a path in the container, or a variable */
	uint32_t uid, gid;  /* of a file, as the container counts */
	mode_t mode;
	const char *data; /* NULL: not read */
	size_t size;
};

/* A port of the host that leads into the container, or a run of them. */
struct port_spec {
	enum port_protocol protocol;
	const char *address;	 /* of the host; NULL: any, of both families */
	uint16_t host_port;	 /* 0: the kernel chooses */
	uint16_t host_last;	 /* above host_port with a count of 1: the first that is free */
	uint16_t container_port; /* the first */
	uint16_t count;
	int fd; /* an inherited socket that serves it; -1: none */
};

/* Bit N is capability N [linux/capability.h]. */
struct caps_spec {
	uint64_t bounding;
	uint64_t ambient; /* for a program that is not container root */
};

enum seccomp_kind {
	SECCOMP_DEFAULT,
	SECCOMP_UNCONFINED,
	SECCOMP_PROFILE,
};

struct seccomp_spec {
	enum seccomp_kind kind;
	const char *path; /* of the profile, for messages and printing */
	const char *json; /* the profile's text */
};

struct process_spec {
	bool terminal;	  /* -t */
	bool interactive; /* -i: standard input stays open */
	bool is_login;	  /* a login of the user; args: nothing, or one text for the shell */
	struct strv args;
	struct strv env;
	const char *cwd;
	const char *user;	  /* "", "name", "7", "name:group", "7:8" */
	struct strv extra_groups; /* names or ids */
	bool keep_groups;	  /* --group-add keep-groups, said aloud */
	struct caps_spec caps;
	struct rlimit_spec *rlimits;
	size_t n_rlimits;
	bool no_new_privileges;
	struct seccomp_spec seccomp;
	uint32_t preserve_fds; /* how many after standard error reach the program */
	mode_t umask;
};

struct spec {
	struct arena *arena;
	const char *id;	  /* 64 hex digits */
	const char *name; /* NULL: none */
	const char *hostname;
	const char *domainname;
	struct root_spec root;
	struct process_spec process;
	struct mount_spec *mounts; /* in the order they are made */
	size_t n_mounts;
	struct device_spec *devices;
	size_t n_devices;
	struct secret_spec *secrets;
	size_t n_secrets;
	struct strv masked_paths;
	struct strv readonly_paths;
	struct sysctl_spec *sysctls;
	size_t n_sysctls;
	struct ns_spec namespaces[NS_KINDS];
	struct net_spec net;	 /* with namespaces[NS_NET] NS_PRIVATE */
	struct port_spec *ports; /* published */
	size_t n_ports;
	struct port_spec *exposed; /* what publish_all publishes */
	size_t n_exposed;
	bool publish_all;
	uint32_t listen_given;	  /* sockets from 3 on that came with LISTEN_FDS */
	uint32_t listen_fds;	  /* those of them that the program gets */
	const char *listen_names; /* LISTEN_FDNAMES, or NULL */
	enum userns_mode userns;
	struct id_map uid_map; /* USERNS_MANUAL */
	struct id_map gid_map;
	bool has_time_offsets;
	int64_t monotonic_offset_s;
	int64_t boottime_offset_s;
	struct limits_spec limits;
	bool stays; /* a container on disk, with a record of its own */
	enum system_wish system;
	bool is_system;		 /* its program is a whole system's pid 1: spec_settle_system() */
	const char *notify_path; /* where its program says that it is ready; NULL: nowhere */
	bool hands_on_ready;	 /* to who started us */
	bool init;
	bool nest;
	int stop_signal;
	uint64_t stop_timeout_ms;
	uint64_t timeout_ms;	 /* 0: none */
	struct strv extra_hosts; /* "name:address" */
	struct strv annotations; /* "key=value", those not of guscio */
};

#endif
