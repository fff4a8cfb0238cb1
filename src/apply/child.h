/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child.h - the side of a start that runs in the new namespaces
 *
 * One file a family of steps. After clone nothing here allocates: strings are
 * the plan's, buffers are this struct's or were set aside by the parent.
 */
#ifndef APPLY_CHILD_H
#define APPLY_CHILD_H

#include "apply/proc.h"
#include "spec/passwd.h"
#include "sys/aside.h"
#include "sys/seccomp.h"

#include <signal.h>

/* What stands for a program when a user logs in. */
struct child_login {
	const char *path;
	char *argv[8];
	char name[sizeof("-") + 256]; /* of a login shell */
	char user[80], logname[80], shell[264];
};

struct child {
	const struct plan *plan;
	int wire_fd;
	int net_fd; /* shared with the parent: to the network's helper */
	struct progress *progress;
	sigset_t mask_before; /* the caller's signal mask, for the program */
	sigset_t ignored;     /* what the caller ignored; the program does not */
	struct winsize window;
	bool has_window;
	struct seccomp_filter filter;
	char *passwd_text; /* PASSWD_SIZE_MAX bytes each, set aside by the parent */
	char *group_text;
	struct aside aside;
	void *aside_stack; /* ASIDE_STACK_SIZE bytes, likewise */
	int *slots;	   /* descriptors of sources, plan->n_slots */
	char **envp;	   /* the program's: plan->envp, and what is found out here */
	int init_fd;
	int root_fd;
	int proc_fd;
	int sys_fd;
	int dev_fd;
	int pts_fd;
	int empty_fd; /* an empty directory of the container's /dev that a mount covers */
	struct user_id user;
	struct child_login login;
	char home[300];	 /* HOME=… */
	bool keeps_caps; /* the program's ids are others than root's: keep CAP_SYS_ADMIN */
};

/* Walks the child's steps; never returns. */
void child_main(struct child *child) __attribute__((noreturn));

/* Survivable: the parent adds it to its notes. */
void child_note(struct child *child, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Arms the death signal and makes sure that the parent is still there to fire it. */
bool child_tie_to_parent(struct child *child, struct err *e);

/* eth0 of the namespace we are in: addresses, routes. For the go-between too. */
bool network_set_up(const struct plan *plan, struct err *e);
/* What a container's device in a named network has, unless the user says another one. */
void network_mac(const struct plan *plan, uint8_t ret[6]);

/* As a cable would be called: what programs and people look for first. */
#define NETWORK_DEVICE "eth0"
/* In the namespace of a named network. */
#define NETWORK_BRIDGE "br0"

typedef bool child_step(struct child *child, const struct step *step, struct err *e);

child_step child_open_root; /* child_sources.c */
child_step child_open_source;
child_step child_open_init;
child_step child_network_begin; /* child_network.c */
child_step child_network_adopt;
child_step child_network_device;
child_step child_network_defaults;
child_step child_network_ready;
child_step child_network_bridge;
child_step child_enter_root; /* enter.c */
child_step child_root_bind;  /* child_root.c */
child_step child_root_overlay;
child_step child_root_tmpfs;
child_step child_mirror_host;
child_step child_skeleton;
child_step child_mount;	  /* child_mount.c */
child_step child_secrets; /* child_secrets.c */
child_step child_mask;	  /* child_view.c */
child_step child_readonly_paths;
child_step child_root_readonly;
child_step child_sysctl;
child_step child_time;
child_step child_cgroup_namespace; /* child_limits.c */
child_step child_fallback;
child_step child_oom_score;
child_step child_look_up_user; /* child_session.c */
child_step child_terminal;
/* Chooses login, su or the user's own shell, and changes the user when root is to start it. */
bool child_settle_login(struct child *child, struct err *e); /* child_login.c */
/* Into the user's home, or the root when that is not there. */
void child_login_directory(struct child *child);
child_step child_directory;
child_step child_rlimits;
child_step child_become_root; /* child_drop.c */
child_step child_bounding;
child_step child_program_ids;
child_step child_no_new_privs;
child_step child_install_filter;
child_step child_exec; /* child_exec.c */

/*
 * child_make_overlay() - a detached overlay
 * @lower: O_PATH descriptors, topmost first
 * @upper_fd, @work_fd: -1 for both: changes live in memory
 */
struct overlay_parts {
	const int *lower_fds;
	int n_lower;
	int upper_fd;
	int work_fd;
	bool is_volatile;
	bool is_image; /* the lower ones are an image's layers */
};
bool child_make_overlay(const struct overlay_parts *parts, int *ret_fd, struct err *e);

#endif
