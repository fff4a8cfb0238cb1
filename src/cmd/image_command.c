/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_command.h"
#include "base/own.h"
#include "image/inside.h"
#include "spec/document.h"

#include <string.h>

extern char **environ;

static void clean_command(struct image_command *c)
{
	store_close(&c->store);
	clean_fd(&c->to.lease_fd);
	arena_done(&c->to.arena);
}

int image_command_run(const struct command *self, int argc, char **argv, struct notes *notes,
	int min, int max, enum image_wants wants, image_action *action, struct err *e)
{
	CLEAN(clean_command)
	struct image_command c = {.to = INVOCATION_INIT(notes, environ), .store = STORE_INIT};
	bool wants_help = false;
	if (!arena_init(&c.to.arena, e))
		return -1;
	spec_init(&c.to.spec, &c.to.arena);
	if (!options_parse_mixed(self, &argc, argv, &c.to, &wants_help, e))
		return -1;
	if (wants_help)
		return print_out(options_help(self, &c.to.arena), e) ? 0 : -1;
	if (argc < min || (max >= 0 && argc > max)) {
		err_what(e, ERR_USAGE, "guscio %s %s", self->name,
			argc < min ? "needs more arguments" : "has too many arguments");
		err_hint(e, "guscio %s %s", self->name, self->arguments);
		return -1;
	}
	c.argc = argc;
	c.argv = argv;
	if (!host_probe(HOST_WANT_RANGES, &c.to.arena, &c.host, e) ||
		!source_open(&c.to, &c.host, wants == IMAGE_WRITES, &c.store, e) || !action(&c, e))
		return -1;
	return 0;
}

struct inside image_inside(struct image_command *c)
{
	return inside_of(&c->to.spec, &c->host, c->to.notes);
}
