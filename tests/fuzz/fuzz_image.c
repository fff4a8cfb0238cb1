/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests, indexes and configs; what comes out must be what the parser promises. */
#include "fuzz.h"

#include "store/image.h"
#include "store/reference.h"

#include <string.h>

static void check_descriptor(const struct descriptor *d)
{
	if (!reference_is_digest(d->digest) || d->size < 0 || d->size > IMAGE_BLOB_MAX)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct err e = ERR_INIT;
	struct manifest m;
	struct image_config c;
	struct platform p;
	const char *text = (const char *)data;
	if (!arena_init(&arena, &e))
		return 0;
	if (manifest_parse(&arena, text, size, NULL, &m, &e)) {
		for (size_t i = 0; i < m.n_layers; i++)
			check_descriptor(&m.layers[i]);
		for (size_t i = 0; i < m.n_choices; i++)
			check_descriptor(&m.choices[i].descriptor);
		if (!m.is_index)
			check_descriptor(&m.config);
		else if (platform_parse(&arena, "linux/arm64/v8", &p, &e))
			(void)manifest_choose(&arena, &m, &p, &e);
	}
	if (image_config_parse(&arena, text, size, &c, &e))
		for (size_t i = 0; i < c.diff_ids.n; i++)
			if (!reference_is_digest(c.diff_ids.v[i]))
				__builtin_trap();
	arena_done(&arena);
	return 0;
}
