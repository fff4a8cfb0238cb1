/* SPDX-License-Identifier: Apache-2.0 */
/* json_stay.c - what a container that stays needs of its document, and OCI has no words for */
#include "base/text.h"
#include "spec/json_reader.h"
#include "spec/options.h"
#include "spec/secret_text.h"

#include <string.h>

static void put(
	json_t *annotations, struct arena *arena, const char *list, size_t i, const char *value)
{
	json_t *text = json_string(value);
	json_object_set_new(annotations, arena_printf(arena, "guscio.%s.%zu", list, i),
		text ? text : json_null());
}

void spec_stay_annotate(const struct spec *spec, json_t *annotations)
{
	struct arena *arena = spec->arena;
	for (size_t i = 0; i < spec->n_devices; i++)
		put(annotations, arena, "device", i,
			arena_printf(arena, "%s:%s", spec->devices[i].source,
				spec->devices[i].destination));
	for (size_t i = 0; i < spec->process.extra_groups.n; i++) {
		uint32_t id;
		/* Numbers have a place in the document. */
		if (!text_to_id(spec->process.extra_groups.v[i], &id))
			put(annotations, arena, "group-add", i, spec->process.extra_groups.v[i]);
	}
	for (size_t i = 0; i < spec->n_secrets; i++)
		put(annotations, arena, "secret", i, secret_to_text(&spec->secrets[i], arena));
	if (spec->process.keep_groups)
		put(annotations, arena, "group-add", spec->process.extra_groups.n, "keep-groups");
	if (spec->stop_timeout_ms != 10000)
		json_object_set_new(annotations, "guscio.stop-timeout-ms",
			json_string(arena_printf(
				arena, "%llu", (unsigned long long)spec->stop_timeout_ms)));
}

bool spec_stay_read(struct reader *r, const char *name, const char *value, bool *ret_is_known)
{
	*ret_is_known = true;
	if (text_starts(name, "guscio.device."))
		return spec_add_device(r->spec, value, r->e);
	if (text_starts(name, "guscio.secret."))
		return spec_add_secret(r->spec, value, r->e);
	if (text_starts(name, "guscio.group-add.")) {
		spec_add_group(r->spec, value);
		return true;
	}
	if (!strcmp(name, "guscio.stop-timeout-ms"))
		return text_to_u64(value, UINT32_MAX, &r->spec->stop_timeout_ms) ||
		       reader_refuse(r, "guscio.stop-timeout-ms is no number");
	*ret_is_known = false;
	return true;
}
