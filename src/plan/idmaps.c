/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/idmaps.h"
#include "base/text.h"

#include <string.h>

/* Below this, images that use nobody (65534) or high system ids meet unmapped ones. */
#define COMFORTABLE_COUNT 65536

/* One of the two: uids or gids. */
struct side {
	const char *word; /* "user" or "group" */
	uint32_t own;
	const struct id_range *ranges;
	size_t n_ranges;
};

static void append(
	struct arena *a, struct id_map *map, uint32_t inside, uint32_t outside, uint32_t count)
{
	if (!count || map->n == ID_MAP_MAX)
		return;
	*ARENA_APPEND(a, map->v, map->n) = (struct id_range){inside, outside, count};
}

/* A range may hold the own id: it is mapped by itself, so the range is cut around it. */
static size_t cut_own(const struct id_range *range, uint32_t own, struct id_range parts[2])
{
	uint64_t end = (uint64_t)range->outside + range->count;
	if (own < range->outside || own >= end) {
		parts[0] = *range;
		return 1;
	}
	parts[0] = (struct id_range){.outside = range->outside, .count = own - range->outside};
	parts[1] = (struct id_range){.outside = own + 1, .count = (uint32_t)(end - own - 1)};
	return 2;
}

/* Gives the ranges, in their order, the inside ids from @next up, leaving out @skip. */
static void append_ranges(
	struct arena *a, struct id_map *map, const struct side *side, uint32_t next, uint32_t skip)
{
	for (size_t i = 0; i < side->n_ranges; i++) {
		struct id_range parts[2];
		size_t n = cut_own(&side->ranges[i], side->own, parts);
		for (size_t j = 0; j < n; j++) {
			uint32_t outside = parts[j].outside, left = parts[j].count;
			if ((uint64_t)next + left > UINT32_MAX - 1)
				left = UINT32_MAX - 1 - next;
			if (next < skip && left > skip - next) {
				uint32_t first = skip - next;
				append(a, map, next, outside, first);
				outside += first;
				left -= first;
				next = skip + 1;
			} else if (next == skip) {
				next++;
			}
			append(a, map, next, outside, left);
			next += left;
			if (next == skip)
				next++;
		}
	}
}

static struct id_map map_auto(struct arena *a, const struct side *side)
{
	struct id_map map = {0};
	append(a, &map, 0, side->own, 1);
	append_ranges(a, &map, side, 1, UINT32_MAX);
	return map;
}

static struct id_map map_keep(struct arena *a, const struct side *side)
{
	struct id_map map = {0};
	append_ranges(a, &map, side, 0, side->own);
	append(a, &map, side->own, side->own, 1);
	return map;
}

static struct id_map map_one(struct arena *a, uint32_t inside, uint32_t own)
{
	struct id_map map = {0};
	append(a, &map, inside, own, 1);
	return map;
}

static bool is_granted(const struct side *side, const struct id_range *wish)
{
	if (wish->count == 1 && wish->outside == side->own)
		return true;
	for (size_t i = 0; i < side->n_ranges; i++) {
		const struct id_range *r = &side->ranges[i];
		if (wish->outside >= r->outside &&
			(uint64_t)wish->outside + wish->count <= (uint64_t)r->outside + r->count)
			return true;
	}
	return false;
}

static bool check_manual(const struct id_map *map, const struct side *side, struct err *e)
{
	if (!id_map_valid(map))
		return err_what(
			e, ERR_USAGE, "the %s id map has ranges that overlap or wrap", side->word);
	for (size_t i = 0; i < map->n; i++) {
		const struct id_range *wish = &map->v[i];
		if (is_granted(side, wish))
			continue;
		err_what(e, ERR_HOST, "%s ids %u to %u are not yours to map", side->word,
			wish->outside, wish->outside + wish->count - 1);
		if (side->n_ranges)
			return err_hint(e, "yours are %u, and %u to %u", side->own,
				side->ranges[0].outside,
				side->ranges[0].outside + side->ranges[0].count - 1);
		return err_hint(e, "yours is %u alone: guscio doctor tells why", side->own);
	}
	return true;
}

static bool is_own_alone(const struct id_map *map, uint32_t own)
{
	return map->n == 1 && map->v[0].count == 1 && map->v[0].outside == own;
}

static bool map_manual(const struct spec *spec, const struct side *uid, const struct side *gid,
	struct idmaps *maps, struct err *e)
{
	maps->uid = spec->uid_map.n ? spec->uid_map : spec->gid_map;
	maps->gid = spec->gid_map.n ? spec->gid_map : spec->uid_map;
	if (!check_manual(&maps->uid, uid, e) || !check_manual(&maps->gid, gid, e))
		return false;
	if (is_own_alone(&maps->uid, uid->own) && is_own_alone(&maps->gid, gid->own))
		maps->rung = MAP_SINGLE;
	return true;
}

static void note_fallback(const struct host *host, struct notes *notes)
{
	notes_add(notes,
		"only your own id is mapped inside (%s): programs that change users or "
		"owners will fail; to mend it: %s",
		host->rung_reason ? host->rung_reason : "no subordinate ids",
		host->rung_hint ? host->rung_hint : "guscio doctor");
}

static void note_small(const struct idmaps *maps, struct notes *notes)
{
	uint64_t size = id_map_size(&maps->uid);
	if (id_map_size(&maps->gid) < size)
		size = id_map_size(&maps->gid);
	if (size < COMFORTABLE_COUNT)
		notes_add(notes,
			"%llu ids are mapped inside: files and users of higher ids, such "
			"as nobody (65534), cannot be had",
			(unsigned long long)size);
}

static void finish(const struct spec *spec, const struct side *uid, const struct side *gid,
	struct idmaps *maps)
{
	uint32_t outside;
	if (!id_map_in(&maps->uid, uid->own, &maps->caller_uid))
		maps->caller_uid = 65534;
	if (!id_map_in(&maps->gid, gid->own, &maps->caller_gid))
		maps->caller_gid = 65534;
	maps->root_mapped =
		id_map_out(&maps->uid, 0, &outside) && id_map_out(&maps->gid, 0, &outside);
	bool as_caller = spec->userns == USERNS_KEEP_ID ||
			 (spec->userns == USERNS_MANUAL && !maps->root_mapped);
	maps->default_uid = as_caller ? maps->caller_uid : 0;
	maps->default_gid = as_caller ? maps->caller_gid : 0;
}

bool idmaps_plan(const struct spec *spec, const struct host *host, struct arena *arena,
	struct idmaps *ret, struct notes *notes, struct err *e)
{
	struct idmaps maps = {.rung = host->rung};
	struct side uid = {"user", host->uid, host->subuids, host->n_subuids};
	struct side gid = {"group", host->gid, host->subgids, host->n_subgids};
	bool has_ranges = host->rung != MAP_SINGLE;
	switch (spec->userns) {
	case USERNS_JOIN:
		*ret = (struct idmaps){.root_mapped = true};
		return true;
	case USERNS_SINGLE:
		maps.rung = MAP_SINGLE;
		maps.uid = map_one(arena, 0, uid.own);
		maps.gid = map_one(arena, 0, gid.own);
		break;
	case USERNS_AUTO:
		maps.uid = has_ranges ? map_auto(arena, &uid) : map_one(arena, 0, uid.own);
		maps.gid = has_ranges ? map_auto(arena, &gid) : map_one(arena, 0, gid.own);
		break;
	case USERNS_KEEP_ID:
		maps.uid = has_ranges ? map_keep(arena, &uid) : map_one(arena, uid.own, uid.own);
		maps.gid = has_ranges ? map_keep(arena, &gid) : map_one(arena, gid.own, gid.own);
		break;
	case USERNS_MANUAL:
		if (!map_manual(spec, &uid, &gid, &maps, e))
			return false;
		break;
	}
	if (spec->userns == USERNS_AUTO || spec->userns == USERNS_KEEP_ID) {
		if (has_ranges)
			note_small(&maps, notes);
		else
			note_fallback(host, notes);
	}
	finish(spec, &uid, &gid, &maps);
	*ret = maps;
	return true;
}
