/* SPDX-License-Identifier: Apache-2.0 */
#include "image/inside.h"
#include "spec/document.h"

struct inside inside_of(const struct spec *spec, const struct host *host, struct notes *notes)
{
	return (struct inside){.host = host,
		.arena = spec->arena,
		.notes = notes,
		.userns = spec->userns,
		.uid_map = spec->uid_map,
		.gid_map = spec->gid_map};
}

static struct spec *new_spec(const struct inside *in)
{
	struct spec *spec = arena_alloc(in->arena, sizeof(*spec));
	spec_init(spec, in->arena);
	spec->id = "";
	spec->init = false;
	spec->userns = in->userns;
	spec->uid_map = in->uid_map;
	spec->gid_map = in->gid_map;
	return spec;
}

bool inside_map(const struct inside *in, const char **ret, struct err *e)
{
	struct idmaps ids;
	struct notes said_again = {0};
	uint64_t hash = 14695981039346656037ull;
	if (in->userns == USERNS_JOIN) {
		err_msg(e, ERR_USAGE, "a joined user namespace has ids that are not known here");
		return err_hint(e, "unpack it first, and use the directory");
	}
	if (!idmaps_plan(new_spec(in), in->host, in->arena, &ids, &said_again, e))
		return false;
	*ret = "single";
	if (ids.rung == MAP_SINGLE)
		return true;
	const struct id_map *maps[] = {&ids.uid, &ids.gid};
	for (size_t m = 0; m < 2; m++)
		for (size_t i = 0; i < maps[m]->n; i++) {
			const uint32_t values[] = {
				maps[m]->v[i].inside, maps[m]->v[i].outside, maps[m]->v[i].count};
			for (size_t j = 0; j < 3; j++)
				hash = (hash ^ values[j]) * 1099511628211ull;
		}
	*ret = arena_printf(in->arena, "%016llx", (unsigned long long)hash);
	return true;
}

bool inside_start(const struct inside *in, const struct strv *args, const int *fds, size_t n_fds,
	struct plan *plan, struct proc *ret, struct err *e)
{
	struct notes said_again = {0};
	struct spec *spec = new_spec(in);
	spec->process.args = *args;
	spec->process.interactive = true;
	/* Without a root inside, exec would take the capabilities: then one id serves as well. */
	if (spec->userns == USERNS_KEEP_ID && in->host->rung == MAP_SINGLE)
		spec->userns = USERNS_SINGLE;
	if (!plan_build_unshare(spec, in->host, plan, &said_again, e))
		return false;
	for (size_t i = 0; i < n_fds; i++)
		plan->keep_fds[plan->n_keep_fds++] = fds[i];
	return start(plan, ret, in->notes, e);
}
