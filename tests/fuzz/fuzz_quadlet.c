/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A .container, .volume or .network file, and the unit that it becomes: of lines that are
 * systemd's to read, each is one.
 */
#include "fuzz.h"

#include "quadlet/quadlet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {
		"web.container", "web@.container", "data.volume", "front.network"};
	struct arena arena;
	struct err e = ERR_INIT;
	struct quadlet_unit unit;
	struct quadlet_source sources[] = {{.path = "/u/x", .dir = "/u"},
		{.name = "data.volume", .path = "/u/y", .dir = "/u"}};
	struct quadlet_set set = {sources, 2};
	if (!size || !arena_init(&arena, &e))
		return 0;
	sources[0].name = names[data[0] % 4];
	quadlet_kind_of(sources[0].name, &sources[0].kind);
	quadlet_kind_of(sources[1].name, &sources[1].kind);
	const char *text = arena_strndup(&arena, (const char *)data + 1, size - 1);
	if (unit_file_parse(&sources[0].file, "/u/x", text, size - 1, &arena, &e) &&
		quadlet_translate(&set, &sources[0], "/bin/guscio", &arena, &unit, &e)) {
		/* A link leaves the directory of units by no name. */
		for (size_t i = 0; i < unit.n_links; i++)
			if (unit.links[i].path[0] == '/' ||
				!strncmp(unit.links[i].path, "../", 3) ||
				strstr(unit.links[i].path, "/../"))
				abort();
		/* Our own line is there once, however the file is written. */
		const char *service = strstr(unit.text, "\n[Service]\n");
		const char *first = service ? strstr(service, "\nExecStart=/bin/guscio ") : NULL;
		const char *install = first ? strstr(first, "\n\n[Install]\n") : NULL;
		if (!install)
			abort();
	}
	arena_done(&arena);
	return 0;
}
