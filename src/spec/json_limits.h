/* SPDX-License-Identifier: Apache-2.0 */
/* json_limits.h - "linux.resources" of a config.json */
#ifndef SPEC_JSON_LIMITS_H
#define SPEC_JSON_LIMITS_H

#include "spec/json_reader.h"

bool reader_resources(struct reader *r, json_t *object);
/* linux.cgroupsPath */
bool reader_cgroups_path(struct reader *r, json_t *value);
/* process.oomScoreAdj */
bool reader_oom_score(struct reader *r, json_t *value);
/* Annotations for which the document has no key; @ret_known: it was one of them. */
bool reader_limit_annotation(
	struct reader *r, const char *name, const char *value, bool *ret_known);

/* The "resources" object, empty when there is no limit; the rest goes into @annotations. */
json_t *limits_to_json(const struct limits_spec *limits, struct arena *a, json_t *annotations);

/*
 * limits_patch_json() - a config.json with other limits, and nothing else changed
 * @ret_text: from malloc
 */
bool limits_patch_json(const char *text, size_t size, const struct limits_spec *limits,
	struct arena *a, char **ret_text, struct err *e);

#endif
