/* SPDX-License-Identifier: Apache-2.0 */
/*
 * between.c - the go-between's steps for a container in a named network
 *
 * It enters the network's user namespace, where it has every capability over that and all
 * namespaces below it: those of the container, which it clones from there, and so it may write
 * the container's id maps and lay a cable between the two networks. It enters the network
 * namespaces only after the clone, one after the other, and ends in the container's.
 */
#include "apply/start.h"
#include "base/own.h"
#include "sys/idmap.h"
#include "sys/rtnl.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#define TRIES 4

bool between_network_enter(struct starter *s, const struct step *step, struct err *e)
{
	(void)step;
	if (setns(s->plan->net.lease->userns_fd, CLONE_NEWUSER) < 0) {
		err_sys(e, "enter its user namespace");
		return err_what(e, ERR_HOST, "cannot enter network '%s'", s->plan->spec->net.name);
	}
	/* New credentials have made us undumpable, and our child's id maps nobody's. */
	prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L);
	return true;
}

/* The map as it reads from inside @through, range by range. */
static bool translate(struct arena *arena, const struct id_map *map, const struct id_map *through,
	struct id_map *ret, struct err *e)
{
	for (size_t i = 0; i < map->n; i++) {
		struct id_range left = map->v[i];
		while (left.count) {
			const struct id_range *found = NULL;
			for (size_t j = 0; !found && j < through->n; j++)
				if (left.outside >= through->v[j].outside &&
					left.outside - through->v[j].outside < through->v[j].count)
					found = &through->v[j];
			if (!found || ret->n == ID_MAP_MAX)
				return err_msg(e, ERR_HOST,
					"id %u is none of the network's: all its containers must "
					"end "
					"before that changes",
					left.outside);
			uint32_t offset = left.outside - found->outside;
			uint32_t count = found->count - offset;
			if (count > left.count)
				count = left.count;
			*ARENA_APPEND(arena, ret->v, ret->n) =
				(struct id_range){left.inside, found->inside + offset, count};
			left.inside += count;
			left.outside += count;
			left.count -= count;
		}
	}
	return true;
}

static bool read_map(struct arena *arena, const char *path, struct id_map *ret, struct err *e)
{
	const char *text = arena_read_file(arena, AT_FDCWD, path, NULL, e);
	struct id_range range;
	int taken;
	if (!text)
		return false;
	for (; sscanf(text, "%u %u %u%n", &range.inside, &range.outside, &range.count, &taken) ==
			3 &&
		ret->n < ID_MAP_MAX;
		text += taken)
		*ARENA_APPEND(arena, ret->v, ret->n) = range;
	return true;
}

bool between_map_ids(struct starter *s, struct err *e)
{
	struct arena *arena = s->plan->spec->arena;
	const struct idmaps *ids = &s->plan->ids;
	struct id_map own_uids = {0}, own_gids = {0}, uids = {0}, gids = {0};
	struct idmap_write maps = {.uid = &uids, .gid = &gids};
	if (!read_map(arena, "/proc/self/uid_map", &own_uids, e) ||
		!read_map(arena, "/proc/self/gid_map", &own_gids, e) ||
		!translate(arena, &ids->uid, &own_uids, &uids, e) ||
		!translate(arena, &ids->gid, &own_gids, &gids, e))
		return err_what(e, ERR_HOST, "cannot map user ids");
	return idmap_write_from_parent(s->proc.pid, &maps, e);
}

/*
 * The container's last cable may be there still: the kernel takes a namespace apart some time after
 * its end, and another container that joined it keeps it.
 */
static bool make_cable(const char *cable, const uint8_t mac[6], int container_fd, struct err *e)
{
	for (int i = 0; i < TRIES; i++) {
		struct rtnl make = {.n = 0}, remove = {.n = 0};
		struct err ignored = ERR_INIT;
		int old;
		*e = ignored;
		rtnl_veth_add(&make, cable, NETWORK_DEVICE, mac, container_fd);
		if (rtnl_send(&make, e) || e->sys != EEXIST)
			break;
		if (!rtnl_find(cable, &old, &ignored))
			continue;
		rtnl_link_delete(&remove, old);
		rtnl_send(&remove, &ignored);
	}
	return e->kind == ERR_NONE;
}

static bool lay(const struct plan *plan, const char *cable, int container_fd, struct err *e)
{
	struct rtnl connect = {.n = 0};
	int bridge, index;
	uint8_t mac[6];
	network_mac(plan, mac);
	if (setns(plan->net.lease->netns_fd, CLONE_NEWNET) < 0)
		return err_sys(e, "enter its network namespace");
	if (!make_cable(cable, mac, container_fd, e) || !rtnl_find(NETWORK_BRIDGE, &bridge, e) ||
		!rtnl_find(cable, &index, e))
		return false;
	rtnl_link_set(&connect, index,
		&(struct rtnl_link){.mtu = plan->net.mtu,
			.master = bridge,
			.is_up = true,
			.no_link_local = true});
	/* Or a container could have the bridge believe that others' addresses are its own. */
	rtnl_port_fix(&connect, index, mac);
	return rtnl_send(&connect, e);
}

bool between_network_cable(struct starter *s, const struct step *step, struct err *e)
{
	const struct plan *plan = s->plan;
	char path[64], cable[16];
	(void)step;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)s->proc.pid);
	/* A device's name has 15 bytes; the two ends go together when either namespace ends. */
	snprintf(cable, sizeof(cable), "v%.12s", plan->spec->id);
	CLEAN(clean_fd) int container_fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = container_fd >= 0 || err_sys(e, "open '%s'", path);
	ok = ok && lay(plan, cable, container_fd, e);
	if (ok && setns(container_fd, CLONE_NEWNET) < 0)
		ok = err_sys(e, "enter the container's network namespace");
	ok = ok && network_set_up(plan, e);
	return ok || err_what(e, ERR_HOST, "cannot connect the container to network '%s'",
			     plan->spec->net.name);
}
