/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - a start, as ordered steps
 *
 * plan_build() is a pure function of what the user wants and what the machine
 * allows; the engine (apply/) carries the steps out, --explain prints them. Parent
 * and child walk the same array and skip each other's steps. A step's actor,
 * phase, name and reason belong to its kind (order.c); its arguments are here.
 * All strings live in the spec's arena: after clone the child allocates nothing.
 */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "base/notes.h"
#include "host/host.h"
#include "net/lease.h"
#include "plan/idmaps.h"
#include "spec/mount_options.h"
#include "spec/spec.h"
#include "state/container.h"

/*
 * The go-between is a short-lived fork of the parent: it enters namespaces that exist
 * already and starts the child from there, as the parent's child and not its own. So the parent
 * stays what it was, whatever it does afterwards.
 */
enum actor { ACTOR_PARENT, ACTOR_BETWEEN, ACTOR_CHILD };

enum phase {
	PHASE_PREPARE,
	PHASE_CLONE,
	PHASE_TIE,
	PHASE_SOURCES,
	PHASE_IDS,
	PHASE_BECOME_ROOT,
	PHASE_TREE,
	PHASE_PIVOT,
	PHASE_VIEW,
	PHASE_SESSION,
	PHASE_NET,
	PHASE_DROP,
	PHASE_EXEC,
};

/* In the order in which they are carried out; order.c says why. */
enum step_kind {
	STEP_CGROUP,
	STEP_LIMIT,
	STEP_CREATE_SOURCE,
	STEP_OVERLAY_DIRECTORY,
	STEP_OPEN_PORTS,
	STEP_NETWORK_HELPER,
	STEP_FILTER,
	STEP_BETWEEN,
	STEP_NETWORK_ENTER,
	STEP_JOIN,
	STEP_ENTER,
	STEP_CLONE,
	STEP_SCOPE,
	STEP_TIE,
	STEP_NETWORK_BEGIN,
	STEP_OPEN_ROOT,
	STEP_OPEN_SOURCE,
	STEP_OPEN_INIT,
	STEP_LOOPBACK,
	STEP_NETWORK_DEVICE,
	STEP_MAP_IDS,
	STEP_NETWORK_CABLE,
	STEP_HOLD_NETWORK,
	STEP_SCOPE_CGROUP,
	STEP_SCOPE_LIMIT,
	STEP_KEEP,
	STEP_GO,
	STEP_NETWORK_BIND,
	STEP_CLAIM,
	STEP_SERVE_PORTS,
	STEP_WRITE_FILES,
	STEP_PORTS_READY,
	STEP_FILES_READY,
	STEP_RECORD,
	STEP_AWAIT_GO,
	STEP_NETWORK_BEGIN_LATE,
	STEP_CGROUP_NAMESPACE,
	STEP_BECOME_ROOT,
	STEP_BOUNDING,
	STEP_ENTER_ROOT,
	STEP_ROOT_BIND,
	STEP_ROOT_OVERLAY,
	STEP_ROOT_TMPFS,
	STEP_MIRROR_HOST,
	STEP_SKELETON,
	STEP_MOUNT,
	STEP_MASK_EARLY,
	STEP_READONLY_EARLY,
	STEP_AWAIT_FILES,
	STEP_MOUNT_FILES,
	STEP_PIVOT_EARLY,
	STEP_USER_EARLY,
	STEP_TERMINAL_EARLY,
	STEP_NETWORK_ADOPT,
	STEP_MOUNT_LATE,
	STEP_OLD_ROOT,
	STEP_MASK_SYS,
	STEP_SECRETS,
	STEP_PIVOT,
	STEP_TIME,
	STEP_HOSTNAME,
	STEP_DOMAINNAME,
	STEP_NETWORK_DEFAULTS,
	STEP_SYSCTL,
	STEP_MASK,
	STEP_READONLY_PATHS,
	STEP_ROOT_READONLY,
	STEP_USER,
	STEP_TERMINAL,
	STEP_DIRECTORY,
	STEP_RLIMITS,
	STEP_FALLBACK,
	STEP_OOM_SCORE,
	STEP_ASIDE_DONE,
	STEP_NETWORK_READY,
	STEP_NETWORK_BRIDGE,
	STEP_PROGRAM_IDS,
	STEP_NO_NEW_PRIVS,
	STEP_INSTALL_FILTER,
	STEP_ASIDE_DONE_LATE,
	STEP_VISIT,
	STEP_EXEC,
	STEP_KINDS,
};

struct step_rule {
	enum actor actor;
	enum phase phase;
	const char *name; /* as errors and --trace-start say it */
	const char *why;  /* why it comes here */
};

/* Where the thing that gets mounted comes from. */
enum mount_from {
	MOUNT_FROM_SLOT, /* a bind source, opened before the ids changed */
	MOUNT_FROM_PATH, /* a bind source that everybody may read */
	MOUNT_FROM_FS,	 /* a new file system */
};

/* Mounts that later steps need to find again, by descriptor. */
enum mount_role { ROLE_PLAIN, ROLE_PROC, ROLE_DEV, ROLE_SYS, ROLE_PTS };

struct mount_step {
	enum mount_from from;
	enum mount_role role;
	int slot;
	int n_lower; /* overlay: slots from @slot: lower directories, then upper and work */
	bool has_upper;
	const char *source; /* path, or file system type */
	const char *target;
	struct mount_flags flags;
	bool may_be_missing;   /* a kernel or host without it is no reason to fail */
	bool only_with_parent; /* not where the target's directory is missing */
};

struct skeleton_entry {
	enum { ENTRY_DIRECTORY, ENTRY_FILE, ENTRY_LINK } kind;
	unsigned mode;
	const char *path;
	const char *text;   /* content, or where a link points */
	bool owned_by_user; /* by whom the program runs as without -u */
};

struct step {
	enum step_kind kind;
	union {
		struct mount_step mount; /* STEP_MOUNT, STEP_MOUNT_FILES */
		struct {
			const char *path;
			int slot;
			bool clone; /* a detached copy of the mount; else only O_PATH */
			bool recursive;
		} source; /* STEP_OPEN_SOURCE, STEP_OPEN_ROOT, STEP_CREATE_SOURCE */
		struct {
			enum ns_kind ns;
			enum ns_mode mode;
			const char *from;
		} join; /* STEP_JOIN */
		struct {
			uint64_t flags; /* CLONE_NEW* of the namespaces that are not ours */
		} enter;		/* STEP_ENTER, STEP_ENTER_ROOT */
		struct {
			const char *directory; /* NULL: changes live in memory */
			int n_lower;	       /* slots from 0 on, uppermost first */
		} overlay;		       /* STEP_ROOT_OVERLAY, STEP_OVERLAY_DIRECTORY */
		struct {
			const struct skeleton_entry *v;
			size_t n;
		} skeleton;		  /* STEP_SKELETON */
		const struct strv *paths; /* STEP_MASK…, STEP_READONLY_…, STEP_MIRROR_HOST */
		const struct sysctl_spec *sysctl;
		struct {
			const char *guest4, *guest6;	 /* where the program listens */
			const char *gateway4, *gateway6; /* who local peers are shown as */
		} ports;				 /* STEP_SERVE_PORTS */
		const struct limit_file *limit;		 /* STEP_LIMIT, STEP_SCOPE_LIMIT */
		const char *text; /* STEP_HOSTNAME, STEP_DOMAINNAME, STEP_NETWORK_ADOPT,
				     STEP_NETWORK_DEFAULTS: the groups that may ping */
	};
};

#define PLAN_KEEP_FDS_MAX    4
#define PLAN_LISTEN_PID_SIZE 32
#define PLAN_LOGIN_ENV	     3 /* places in envp after HOME's: USER, LOGNAME, SHELL */

/* The container's network device and who is at its other end; family 0: no such address. */
struct net_plan {
	bool has_device;
	uint32_t mtu;
	struct address guest4, gateway4, dns4;
	struct address guest6, gateway6, dns6;
	unsigned prefix4, prefix6;
	char *const *helper_argv; /* guscio-net with its settings */
	int control_fd;		  /* of a named network's own start: what its helper listens on */
	int claim_fd;		  /* with it: what it keeps locked as long as it lives */
	const struct net_lease *lease; /* a place in a named network; borrowed */
	bool is_internal;	       /* nothing leads outside */
	bool has_host_loopback;
};

enum cgroup_kind {
	CGROUP_NOT,   /* no cgroup of its own */
	CGROUP_OWN,   /* below one that is ours to divide */
	CGROUP_SCOPE, /* in a scope that the user's systemd makes for it */
};

struct cgroup_plan {
	enum cgroup_kind kind;
	const char *base;   /* the container, as systemctl and systemd-cgls show it */
	const char *top;    /* CGROUP_OWN: what is ours to divide, as a path below the mount */
	const char *parent; /* CGROUP_OWN: at or below it; a scope's is found when it is there */
	const char *name;   /* of the cgroup below it */
	const char *controllers;
	const char *enable; /* "+cpu +memory" */
	struct strv ask;    /* guscio-scope: socket, unit, slice, description, properties */
};

/* What keeps limits where there is no cgroup; zero: nothing. */
struct fallback_plan {
	bool is_used;
	uint64_t memory; /* the starter looks at the tree's resident size */
	uint64_t nproc;
	const char *cpus; /* an affinity: this list … */
	unsigned n_cpus;  /* … or so many */
	const char *mems; /* a memory policy */
	int nice;
	int io_level;
};

struct child;

struct plan {
	const struct spec *spec;
	const struct host *host;
	struct idmaps ids;
	struct net_plan net;
	struct cgroup_plan cgroup;
	struct fallback_plan fallback;
	const char *limits_by; /* for inspect: "cgroup", "--memory by a watcher"; NULL: no limits */
	bool has_between;      /* a go-between starts the child */
	bool pivots_early;     /* before the network of its own is there, see build.c */
	uint64_t clone_flags;  /* CLONE_NEW* */
	struct step *steps;
	size_t n_steps;
	size_t n_slots;
	struct strv candidates;	   /* paths to try for the program, in order */
	bool name_by_candidate;	   /* no command given: argv[0] is the shell that was found */
	char **envp;		   /* NULL-ended; HOME and what a login adds come behind it */
	size_t home_place;	   /* index of the first free place, HOME's */
	char *listen_pid;	   /* LISTEN_PID=… in envp, filled at exec; NULL: none */
	bool has_home;		   /* the user set HOME */
	const char *container_dir; /* <runtime_dir>/<id> */
	bool wants_files;	   /* hosts, hostname, resolv.conf are written there */
	bool shares_session; /* stays in the caller's session: the terminal signals it itself */
	int keep_fds[PLAN_KEEP_FDS_MAX]; /* descriptors a helper of ours gets, by number */
	size_t n_keep_fds;
	/* A child that does something in the root and executes nothing: STEP_VISIT. */
	bool (*visit)(struct child *child, void *argument, struct err *e);
	void *visit_argument;
	bool enters;		  /* a program in a container that runs */
	int enter_fd;		  /* pidfd of that container */
	bool is_detached;	  /* outlives its starter: a monitor takes its place, or nobody */
	struct container *record; /* of a container that stays: STEP_KEEP writes it */
	int record_fd;		  /* its directory, locked */
	const struct container *shown; /* of one in the foreground: what other commands see */
};

/*
 * plan_build() - the steps of a start
 * @spec: frozen; borrowed for as long as the plan lives, with its arena
 * @host: with ranges unless the spec needs none; borrowed
 * Errors: ERR_USAGE, ERR_HOST: what the spec wants cannot be had on this machine.
 */
bool plan_build(const struct spec *spec, const struct host *host, struct plan *ret,
	struct notes *notes, struct err *e);

/*
 * plan_build_unshare() - only a mapped user namespace with the host's own root
 *
 * For "guscio unshare" and for helpers that handle files of subordinate ids:
 * the spec's args run in the caller's directory, with every capability over the namespace.
 */
bool plan_build_unshare(const struct spec *spec, const struct host *host, struct plan *ret,
	struct notes *notes, struct err *e);

/*
 * plan_build_network() - what a named network runs on: two namespaces, a bridge, its helper
 * @spec: only its ids count
 * @control_fd: a listening socket, which the helper gets
 * The namespaces stay because the helper keeps descriptors of them; no process is in them.
 */
bool plan_build_network(const struct spec *spec, const struct host *host,
	const struct net_record *network, int control_fd, struct plan *ret, struct notes *notes,
	struct err *e);

/* The addresses of a network of its own: plan->net, from plan->spec alone. */
bool plan_set_addresses(struct plan *plan, struct err *e);

/*
 * plan_build_exec() - one more program in a container that runs
 * @spec:    the container's, with the program, user and directory of the new one
 * @pid_fd:  of the container; borrowed
 * @flags:   CLONE_NEW* of its namespaces that differ from the caller's
 * @ids:     its id maps as the kernel shows them
 */
void plan_build_exec(const struct spec *spec, const struct host *host, int pid_fd, uint64_t flags,
	const struct idmaps *ids, struct plan *ret);

/*
 * plan_build_visit() - a child in the container's root, with its ids, for STEP_VISIT
 * @pid_fd, @flags, @ids: as with plan_build_exec(); @pid_fd -1: the container does not run, and
 *                        only its root is made
 * Errors: ERR_USAGE its root is gone when it does not run.
 */
bool plan_build_visit(const struct spec *spec, const struct host *host, int pid_fd, uint64_t flags,
	const struct idmaps *ids, struct plan *ret, struct notes *notes, struct err *e);

const struct step_rule *plan_rule(enum step_kind kind);
/* Whose step it is in this plan. */
enum actor plan_actor(const struct plan *plan, enum step_kind kind);
/* May the child have a second thread (sys/aside.h)? */
bool plan_has_thread(const struct plan *plan);
/* "parent", "between", "child" */
const char *plan_actor_name(enum actor actor);
const char *plan_phase_name(enum phase phase);

/* One line that says what this step does with its arguments, in @buf. */
void plan_step_describe(const struct plan *plan, const struct step *step, char *buf, size_t size);

/* The whole plan as text for --explain, in the spec's arena. */
const char *plan_explain(const struct plan *plan);

#endif
