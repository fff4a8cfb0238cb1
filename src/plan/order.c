/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order.c - the order of a start, and its reasons
 *
 * Actors. The parent is the starter: an ordinary process of the caller, in the
 * host's namespaces, with no privilege at all. The child is born by one clone3
 * into all its namespaces, but for an empty network: that is made, and the old root detached, by
 * a second thread of its (sys/aside.h), beside the rest. It has every capability over
 * them and none over the host, and loses these before the program runs. Where namespaces are
 * joined, a go-between stands between them for the moment of the clone. What only the caller may do
 * (open files as the caller, run newuidmap) comes before the ids change; what
 * needs the old view (sources, the old /proc) comes before the pivot; what would
 * forbid later steps (read-only, capabilities, the filter) comes last.
 *
 * The enum in plan.h is the order; this table gives each step its actor, phase,
 * name and reason. Nothing else in the project knows the order.
 */
#include "plan/plan.h"

/* lint: table */
static const struct step_rule rules[STEP_KINDS] = {
	[STEP_CGROUP] = {ACTOR_PARENT, PHASE_PREPARE, "cgroup",
		"our own process goes into a leaf first: a cgroup with processes of its own has "
		"no controllers to give"},
	[STEP_LIMIT] = {ACTOR_PARENT, PHASE_PREPARE, "limit",
		"while nobody is in the cgroup: there is no moment without it"},
	[STEP_CREATE_SOURCE] = {ACTOR_PARENT, PHASE_PREPARE, "create source",
		"as the caller, so that it belongs to the caller"},
	[STEP_OVERLAY_DIRECTORY] = {ACTOR_PARENT, PHASE_PREPARE, "overlay directory",
		"locked before use: two containers over one upper directory would corrupt it"},
	[STEP_OPEN_PORTS] = {ACTOR_PARENT, PHASE_PREPARE, "open ports",
		"as the caller in the host's network; one that cannot be had ends the start before "
		"anything is made"},
	[STEP_NETWORK_HELPER] = {ACTOR_PARENT, PHASE_PREPARE, "network helper",
		"started first, so that it is ready when the container is"},
	[STEP_FILTER] = {ACTOR_PARENT, PHASE_PREPARE, "system call filter",
		"compiling allocates, and the child must not"},
	[STEP_BETWEEN] = {ACTOR_PARENT, PHASE_CLONE, "go-between",
		"who enters a namespace cannot come back, so a fork does it, clones the child and "
		"ends"},
	[STEP_NETWORK_ENTER] = {ACTOR_BETWEEN, PHASE_CLONE, "enter network",
		"the container's user namespace becomes one below the network's, so that devices "
		"can be laid between the two"},
	[STEP_JOIN] = {ACTOR_BETWEEN, PHASE_CLONE, "join namespace",
		"before the clone, so that the child and its namespaces belong to the joined "
		"user namespace"},
	[STEP_ENTER] = {ACTOR_PARENT, PHASE_CLONE, "enter container",
		"before the clone: a process cannot change its own pid namespace"},
	[STEP_CLONE] = {ACTOR_PARENT, PHASE_CLONE, "clone",
		"all namespaces in one call: the kernel makes the user namespace first and gives "
		"it the others"},
	[STEP_SCOPE] = {ACTOR_PARENT, PHASE_CLONE, "scope",
		"only systemd may move a process out of a login session; it does while ids are "
		"mapped, and the child waits for both"},
	[STEP_TIE] = {ACTOR_CHILD, PHASE_TIE, "tie to parent",
		"a container must not outlive a starter that is killed"},
	[STEP_NETWORK_BEGIN] = {ACTOR_CHILD, PHASE_TIE, "begin network",
		"an empty network takes the kernel as long as all the rest: by a second thread, "
		"beside it"},
	[STEP_OPEN_ROOT] = {ACTOR_CHILD, PHASE_SOURCES, "open root",
		"as the caller with the caller's groups, while the id helpers run"},
	[STEP_OPEN_SOURCE] = {ACTOR_CHILD, PHASE_SOURCES, "open source",
		"as the caller with the caller's groups, while the id helpers run"},
	[STEP_OPEN_INIT] = {ACTOR_CHILD, PHASE_SOURCES, "open init",
		"like the sources it is out of sight after the pivot"},
	[STEP_LOOPBACK] = {ACTOR_CHILD, PHASE_SOURCES, "loopback up",
		"needs no ids: done while the id helpers run"},
	[STEP_NETWORK_DEVICE] = {ACTOR_CHILD, PHASE_SOURCES, "network device",
		"made inside, where we may, and its other end handed to the helper outside; needs "
		"no ids"},
	[STEP_MAP_IDS] = {ACTOR_PARENT, PHASE_IDS, "map ids",
		"only a process outside may give a namespace more than one id"},
	[STEP_NETWORK_CABLE] = {ACTOR_BETWEEN, PHASE_IDS, "network cable",
		"from the bridge to the container, while the child opens its sources"},
	[STEP_HOLD_NETWORK] = {ACTOR_PARENT, PHASE_IDS, "hold network",
		"for who serves the ports; before the child has other ids, which hide it from us"},
	[STEP_SCOPE_CGROUP] = {ACTOR_PARENT, PHASE_IDS, "scope's cgroup",
		"before go: the child has done nothing yet that a limit could be for"},
	[STEP_SCOPE_LIMIT] = {ACTOR_PARENT, PHASE_IDS, "limit",
		"before go: there is no moment of the program without it"},
	[STEP_KEEP] = {ACTOR_PARENT, PHASE_IDS, "write down container",
		"before go: a container that outlives its starter must be on record"},
	[STEP_GO] = {ACTOR_PARENT, PHASE_IDS, "go",
		"before the maps are written every id inside reads 65534"},
	[STEP_NETWORK_BIND] = {ACTOR_PARENT, PHASE_IDS, "bind place",
		"from here on the place in the network is the container's, and ends with it"},
	[STEP_CLAIM] = {ACTOR_PARENT, PHASE_IDS, "claim name",
		"while the child builds its tree: nothing of it needs the name"},
	[STEP_SERVE_PORTS] = {ACTOR_PARENT, PHASE_IDS, "serve ports",
		"it joins the user namespace, which has its ids by now; while the child builds its "
		"tree"},
	[STEP_WRITE_FILES] = {ACTOR_PARENT, PHASE_IDS, "write files",
		"while the child builds its tree, which takes longer"},
	[STEP_PORTS_READY] = {ACTOR_PARENT, PHASE_IDS, "ports ready",
		"before the child is let go on: the program must not run when its ports cannot be "
		"served"},
	[STEP_FILES_READY] = {ACTOR_PARENT, PHASE_IDS, "files ready",
		"the child mounts them last in its tree, and waits for this"},
	[STEP_RECORD] = {ACTOR_PARENT, PHASE_IDS, "write record",
		"while the child builds its tree: others may find the container by its name; of "
		"one in the foreground when it has lived for a moment"},
	[STEP_AWAIT_GO] = {ACTOR_CHILD, PHASE_IDS, "wait for go",
		"before the maps are written every id inside reads 65534"},
	[STEP_NETWORK_BEGIN_LATE] = {ACTOR_CHILD, PHASE_IDS, "begin network",
		"by a second thread, beside the tree: until here the id helpers have the "
		"processors"},
	[STEP_CGROUP_NAMESPACE] = {ACTOR_CHILD, PHASE_IDS, "cgroup namespace",
		"now that it is in its cgroup, which becomes the namespace's root"},
	[STEP_BECOME_ROOT] = {ACTOR_CHILD, PHASE_BECOME_ROOT, "become root",
		"what is made from here on belongs to the container's root"},
	[STEP_BOUNDING] = {ACTOR_CHILD, PHASE_BECOME_ROOT, "bounding set",
		"takes nothing from us, only from what we execute: while others are waited for"},
	[STEP_ENTER_ROOT] = {ACTOR_CHILD, PHASE_TREE, "enter root",
		"by the child alone: its starter keeps the host's files in sight"},
	[STEP_ROOT_BIND] = {ACTOR_CHILD, PHASE_TREE, "root from directory",
		"the root comes first: every other target is resolved inside it"},
	[STEP_ROOT_OVERLAY] = {ACTOR_CHILD, PHASE_TREE, "root from overlay",
		"the root comes first: every other target is resolved inside it"},
	[STEP_ROOT_TMPFS] = {ACTOR_CHILD, PHASE_TREE, "root in memory",
		"the root comes first: every other target is resolved inside it"},
	[STEP_MIRROR_HOST] = {ACTOR_CHILD, PHASE_TREE, "mirror host",
		"while the host's own tree is still there to be opened"},
	[STEP_SKELETON] = {ACTOR_CHILD, PHASE_TREE, "skeleton",
		"after the host's directories, which it fills up"},
	[STEP_MOUNT] = {ACTOR_CHILD, PHASE_TREE, "mount",
		"in the user's order; a fresh /proc while the old one is still visible, since "
		"the kernel gives no new one to who sees none"},
	[STEP_MASK_EARLY] = {ACTOR_CHILD, PHASE_TREE, "mask paths",
		"in /proc, which is there, while the network is not yet"},
	[STEP_READONLY_EARLY] = {ACTOR_CHILD, PHASE_TREE, "read-only paths",
		"in /proc, but for what we still write to, while the network is not yet there"},
	[STEP_PIVOT_EARLY] = {ACTOR_CHILD, PHASE_TREE, "pivot",
		"everything from the host is open by now, and the network is not yet there; the "
		"old root stays, since the kernel gives no new /sys to who sees none"},
	[STEP_USER_EARLY] = {ACTOR_CHILD, PHASE_TREE, "look up user",
		"in the container's own passwd, which is there, while the network is not yet"},
	[STEP_TERMINAL_EARLY] = {ACTOR_CHILD, PHASE_TREE, "session and terminal",
		"a session of its own, in /dev, which is there, while the network is not yet"},
	[STEP_NETWORK_ADOPT] = {ACTOR_CHILD, PHASE_TREE, "adopt network",
		"as late as possible, but before /sys, which shows the network of who mounts it"},
	[STEP_MOUNT_LATE] = {ACTOR_CHILD, PHASE_TREE, "mount", "/sys, and what lies in it"},
	[STEP_OLD_ROOT] = {ACTOR_CHILD, PHASE_TREE, "detach old root",
		"as soon as there is a /sys: by the second thread, which waits for the kernel"},
	[STEP_MASK_SYS] = {ACTOR_CHILD, PHASE_TREE, "mask paths",
		"in /sys, while the second thread still writes the network's defaults"},
	[STEP_AWAIT_FILES] = {ACTOR_CHILD, PHASE_TREE, "wait for files",
		"the parent has written them meanwhile"},
	[STEP_MOUNT_FILES] = {ACTOR_CHILD, PHASE_TREE, "mount own file",
		"last in the tree, so that nobody waits for the parent to write it"},
	[STEP_SECRETS] = {ACTOR_CHILD, PHASE_TREE, "secrets",
		"after the mounts, some of which may bring the places of these files"},
	[STEP_PIVOT] = {ACTOR_CHILD, PHASE_PIVOT, "pivot",
		"everything from the host is open by now; afterwards none of it can be reached. "
		"A second thread detaches the old root, which waits for the kernel"},
	[STEP_TIME] = {ACTOR_CHILD, PHASE_VIEW, "clock offsets",
		"the kernel takes them only while nobody is in the time namespace"},
	[STEP_HOSTNAME] = {ACTOR_CHILD, PHASE_VIEW, "host name", "before the program reads it"},
	[STEP_DOMAINNAME] = {ACTOR_CHILD, PHASE_VIEW, "domain name", "before the program reads it"},
	[STEP_NETWORK_DEFAULTS] = {ACTOR_CHILD, PHASE_VIEW, "network defaults",
		"low ports and ping for everybody inside; before the sysctls that the user set"},
	[STEP_SYSCTL] = {ACTOR_CHILD, PHASE_VIEW, "sysctl",
		"through our own /proc by descriptor, before /proc/sys becomes read-only"},
	[STEP_MASK] = {ACTOR_CHILD, PHASE_VIEW, "mask paths",
		"after the mounts that bring these paths"},
	[STEP_READONLY_PATHS] = {ACTOR_CHILD, PHASE_VIEW, "read-only paths",
		"after the last write of ours to them"},
	[STEP_ROOT_READONLY] = {ACTOR_CHILD, PHASE_VIEW, "read-only root",
		"after the last mount target was made in it"},
	[STEP_USER] = {ACTOR_CHILD, PHASE_SESSION, "look up user",
		"in the container's own passwd, so after the pivot"},
	[STEP_TERMINAL] = {ACTOR_CHILD, PHASE_SESSION, "session and terminal",
		"a session of its own: nothing typed into the caller's terminal by the program"},
	[STEP_DIRECTORY] = {ACTOR_CHILD, PHASE_SESSION, "working directory",
		"after the pivot and not through /proc's links: it cannot lie outside"},
	[STEP_RLIMITS] = {ACTOR_CHILD, PHASE_SESSION, "resource limits",
		"after our own last open file"},
	[STEP_FALLBACK] = {ACTOR_CHILD, PHASE_SESSION, "stand-in limits",
		"after our own last open file; the program inherits them"},
	[STEP_OOM_SCORE] = {ACTOR_CHILD, PHASE_SESSION, "out-of-memory score",
		"through our own /proc, as the program's ids may not be allowed to"},
	[STEP_ASIDE_DONE] = {ACTOR_CHILD, PHASE_NET, "second thread is done",
		"loopback is up and the old root detached: the program must find the one and not "
		"the other"},
	[STEP_NETWORK_READY] = {ACTOR_CHILD, PHASE_NET, "network ready",
		"the program's first packet must find the helper; as late as possible, since the "
		"helper starts while the container is built"},
	[STEP_NETWORK_BRIDGE] = {ACTOR_CHILD, PHASE_NET, "network bridge",
		"the helper keeps these namespaces when we are gone"},
	[STEP_PROGRAM_IDS] = {ACTOR_CHILD, PHASE_DROP, "program's ids",
		"groups, then gid, then uid: each needs what the next one gives up"},
	[STEP_NO_NEW_PRIVS] = {ACTOR_CHILD, PHASE_DROP, "no new privileges",
		"after the ids, before the filter that may depend on it"},
	[STEP_INSTALL_FILTER] = {ACTOR_CHILD, PHASE_DROP, "install filter",
		"last, since it may forbid any call above"},
	[STEP_ASIDE_DONE_LATE] = {ACTOR_CHILD, PHASE_DROP, "second thread is done",
		"the kernel takes as long over our own filter, which lets us wait, as over the old "
		"root: beside each other"},
	[STEP_VISIT] = {ACTOR_CHILD, PHASE_EXEC, "visit",
		"in the root, with the container's ids and nothing of the container's beside us"},
	[STEP_EXEC] = {ACTOR_CHILD, PHASE_EXEC, "exec",
		"close-on-exec takes our descriptors away at the same moment"},
};

const struct step_rule *plan_rule(enum step_kind kind)
{
	return &rules[kind];
}

enum actor plan_actor(const struct plan *plan, enum step_kind kind)
{
	/* Where there is one, the clone and what follows at once is the go-between's. */
	bool is_moved = plan->has_between && (kind == STEP_CLONE || kind == STEP_MAP_IDS);
	return is_moved ? ACTOR_BETWEEN : rules[kind].actor;
}

const char *plan_actor_name(enum actor actor)
{
	static const char *const names[] = {"parent", "between", "child"};
	return names[actor];
}

const char *plan_phase_name(enum phase phase)
{
	static const char *const names[] = {"prepare", "clone", "tie", "sources", "ids",
		"become root", "tree", "pivot", "view", "session", "net", "drop", "exec"};
	return names[phase];
}
