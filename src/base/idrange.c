/* SPDX-License-Identifier: Apache-2.0 */
#include "base/idrange.h"

bool id_map_out(const struct id_map *map, uint32_t inside, uint32_t *ret_outside)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct id_range *r = &map->v[i];
		if (inside >= r->inside && inside - r->inside < r->count) {
			*ret_outside = r->outside + (inside - r->inside);
			return true;
		}
	}
	return false;
}

bool id_map_in(const struct id_map *map, uint32_t outside, uint32_t *ret_inside)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct id_range *r = &map->v[i];
		if (outside >= r->outside && outside - r->outside < r->count) {
			*ret_inside = r->inside + (outside - r->outside);
			return true;
		}
	}
	return false;
}

uint64_t id_map_size(const struct id_map *map)
{
	uint64_t size = 0;
	for (size_t i = 0; i < map->n; i++)
		size += map->v[i].count;
	return size;
}

static bool overlaps(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count)
{
	return (uint64_t)a < (uint64_t)b + b_count && (uint64_t)b < (uint64_t)a + a_count;
}

bool id_map_valid(const struct id_map *map)
{
	if (map->n == 0 || map->n > ID_MAP_MAX)
		return false;
	for (size_t i = 0; i < map->n; i++) {
		const struct id_range *r = &map->v[i];
		/* 4294967295 is "no id": a range may reach up to it, not over it. */
		if (r->count == 0 || (uint64_t)r->inside + r->count > UINT32_MAX ||
			(uint64_t)r->outside + r->count > UINT32_MAX)
			return false;
		for (size_t j = 0; j < i; j++) {
			const struct id_range *s = &map->v[j];
			if (overlaps(r->inside, r->count, s->inside, s->count) ||
				overlaps(r->outside, r->count, s->outside, s->count))
				return false;
		}
	}
	return true;
}
