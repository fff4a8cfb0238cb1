/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.h - what this machine allows: facts, read-only
 *
 * host_probe() finds only what a start needs, cheaply, and only the parts
 * asked for; doctor looks at everything (host/check.h). Plans depend on this
 * struct and on nothing else of the machine, so a test can write one by hand.
 */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include "base/arena.h"
#include "base/err.h"
#include "base/idrange.h"
#include "base/notes.h"
#include "host/cgroups.h"

#include <sys/types.h>

/* How a range of ids can be mapped, best first: the ladder [pains.md 1, 3]. */
enum map_rung {
	MAP_DIRECT,  /* we hold CAP_SETUID over our namespace: write any map ourselves */
	MAP_HELPERS, /* newuidmap and newgidmap, for subordinate ranges */
	MAP_SINGLE,  /* only the own id */
};

struct net_lease;

struct host {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary, as getgroups(2) */
	size_t n_groups;
	bool in_user_namespace; /* not the initial one */
	int kernel_major, kernel_minor;
	int last_cap; /* highest capability the kernel knows */

	/* Only with HOST_WANT_USER. */
	const char *user_name; /* NULL when NSS knows none */
	const char *user_home;
	const char *user_shell;

	/* Only with HOST_WANT_RANGES. */
	enum map_rung rung;
	const char *rung_reason;  /* why not a better rung, in the user's words; NULL at the top */
	const char *rung_hint;	  /* what mends it; NULL at the top */
	struct id_range *subuids; /* outside: first id, count; inside unused */
	size_t n_subuids;
	struct id_range *subgids;
	size_t n_subgids;
	const char *newuidmap; /* absolute paths; NULL when not usable */
	const char *newgidmap;

	/* A place in the named network that the container wants; NULL: none was asked for yet. */
	const struct net_lease *lease;
	bool has_tun; /* only with HOST_WANT_NETWORK: /dev/net/tun can be opened */

	struct cgroup_facts cgroups; /* only after host_find_cgroups() */

	const char *helper_dir;	 /* where guscio's own helpers are: absolute */
	const char *data_dir;	 /* $XDG_DATA_HOME/guscio; not created */
	const char *cache_dir;	 /* $XDG_CACHE_HOME/guscio; not created */
	const char *runtime_dir; /* $XDG_RUNTIME_DIR/guscio, else a private directory in /tmp;
				    not created */
};

enum host_want {
	HOST_WANT_USER = 1,
	HOST_WANT_RANGES = 2,
	HOST_WANT_NETWORK = 4,
};

/*
 * host_probe() - look at this machine as the caller
 * @want:  HOST_WANT_* bits; what is not asked for stays zero
 * @arena: keeps the strings
 * @ret:   filled on success
 * Errors: ERR_HOST: real root in the initial namespace (refused), no /proc.
 */
bool host_probe(unsigned want, struct arena *arena, struct host *ret, struct err *e);

/*
 * host_find_cgroups() - whether and where cgroups can be had, if that @is_wanted;
 * @is_ours: the one we are in, though systemd has not marked it
 * Apart, since an image may say only late that it is a whole system. Always true.
 */
bool host_find_cgroups(struct host *host, bool is_wanted, bool is_ours, struct arena *arena);

#endif
