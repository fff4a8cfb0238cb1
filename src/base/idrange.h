/* SPDX-License-Identifier: Apache-2.0 */
/* idrange.h - arithmetic of id maps: ranges inside a user namespace and outside */
#ifndef BASE_IDRANGE_H
#define BASE_IDRANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct id_range {
	uint32_t inside;
	uint32_t outside;
	uint32_t count;
};

/* The kernel takes 340 lines of map since 4.15 [user_namespaces(7)]. */
#define ID_MAP_MAX 340

struct id_map {
	struct id_range *v; /* borrowed: lives where the map was made */
	size_t n;
};

/* Outside id of @inside, or false when the map has none. */
bool id_map_out(const struct id_map *map, uint32_t inside, uint32_t *ret_outside);
/* Inside id of @outside, or false. */
bool id_map_in(const struct id_map *map, uint32_t outside, uint32_t *ret_inside);
/* How many ids the map covers. */
uint64_t id_map_size(const struct id_map *map);
/* True when no two ranges overlap, inside or outside, and none wraps or is empty. */
bool id_map_valid(const struct id_map *map);

#endif
