/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/container_command.h"
#include "base/own.h"
#include "cmd/adopt.h"
#include "cmd/foreground.h"
#include "spec/document.h"
#include "state/foreground.h"

#include <stdlib.h>
#include <string.h>

extern char **environ;

static void clean_command(struct container_command *c)
{
	clean_fd(&c->all_fd);
	clean_fd(&c->to.lease_fd);
	arena_done(&c->to.arena);
}

int container_command_run(const struct command *self, int argc, char **argv, struct notes *notes,
	int min, int max, enum container_arguments arguments, container_action *action,
	struct err *e)
{
	CLEAN(clean_command)
	struct container_command c = {.to = INVOCATION_INIT(notes, environ), .all_fd = -1};
	bool wants_help = false;
	int n = 0;
	if (!arena_init(&c.to.arena, e))
		return -1;
	spec_init(&c.to.spec, &c.to.arena);
	bool ok = arguments == ARGUMENTS_MIXED
			  ? options_parse_mixed(self, &argc, argv, &c.to, &wants_help, e)
			  : options_parse(self, argc, argv, &c.to, &n, &wants_help, e);
	if (!ok)
		return -1;
	if (wants_help)
		return print_out(options_help(self, &c.to.arena), e) ? 0 : -1;
	c.argc = argc - n;
	c.argv = argv + n;
	/* Those that choose by an option need no argument. */
	bool chooses = c.to.all || c.to.is_latest || c.to.filters.n;
	if ((c.argc < min && !chooses) || (max >= 0 && c.argc > max)) {
		err_what(e, ERR_USAGE, "guscio %s %s", self->name,
			c.argc < min ? "needs more arguments" : "has too many arguments");
		err_hint(e, "guscio %s %s", self->name, self->arguments);
		return -1;
	}
	if (!host_probe(0, &c.to.arena, &c.host, e) ||
		!containers_open(c.host.data_dir, false, &c.all_fd, e) || !action(&c, e))
		return -1;
	return c.status;
}

bool container_get(
	struct container_command *c, const char *text, struct container *ret, struct err *e)
{
	if (!containers_find(c->all_fd, c->host.runtime_dir, text, &c->to.arena, ret, e) ||
		!container_repair(c->all_fd, ret, &c->to.arena, e))
		return false;
	if (container_is_unwatched(ret))
		container_adopt(c, ret);
	return true;
}

bool container_get_kept(struct container_command *c, const char *text, const char *what,
	const char *why, struct container *ret, struct err *e)
{
	return container_get(c, text, ret, e) &&
	       (!ret->is_foreground || foreground_refuse(ret, what, why, e));
}

static int newest_first(const void *a, const void *b)
{
	int64_t x = ((const struct container *)a)->created_ns,
		y = ((const struct container *)b)->created_ns;
	return x < y ? 1 : x > y ? -1 : 0;
}

bool container_get_all(
	struct container_command *c, struct container **ret, size_t *ret_n, struct err *e)
{
	struct strv ids = {0};
	size_t n = 0;
	char boot_id[64];
	boot_id_now(boot_id);
	if (!container_list_unread(c->all_fd, &c->to.arena, &ids, e))
		return false;
	struct container *others;
	size_t n_others;
	strv_sort(&ids);
	foreground_list(c->host.runtime_dir, &ids, &c->to.arena, &others, &n_others);
	struct container *all = arena_array(&c->to.arena, ids.n + n_others + 1, sizeof(*all));
	for (size_t i = 0; i < ids.n; i++) {
		struct err own = ERR_INIT;
		bool is_read = container_read(c->all_fd, ids.v[i], &c->to.arena, &all[n], &own);
		if (is_read)
			container_look(&all[n], boot_id);
		if (is_read && container_repair(c->all_fd, &all[n], &c->to.arena, &own)) {
			if (container_is_unwatched(&all[n]))
				container_adopt(c, &all[n]);
			n++;
		} else if (container_is_missing(&own))
			container_pass_over(c->all_fd, ids.v[i]);
		else
			notes_add(c->to.notes, "%s: %s", own.what, own.cause);
	}
	for (size_t i = 0; i < n_others; i++)
		all[n++] = others[i];
	qsort(all, n, sizeof(*all), newest_first);
	*ret = all;
	*ret_n = n;
	return true;
}

bool container_each(struct container_command *c,
	bool (*act)(struct container_command *c, const char *text, struct err *e), struct err *e)
{
	struct err first = ERR_INIT;
	bool ok = true;
	for (int i = 0; i < c->argc; i++) {
		struct err own = ERR_INIT;
		if (act(c, c->argv[i], &own))
			continue;
		if (ok)
			first = own;
		else
			notes_add(c->to.notes, "%s%s%s", own.what, own.cause[0] ? ": " : "",
				own.cause);
		ok = false;
	}
	if (!ok)
		*e = first;
	return ok;
}

bool container_is_named(const char *name)
{
	CLEAN(clean_fd) int all_fd = -1;
	struct arena arena = {0};
	struct host host;
	struct container found;
	struct err ignored = ERR_INIT;
	if (!arena_init(&arena, &ignored))
		return false;
	bool is = host_probe(0, &arena, &host, &ignored) &&
		  containers_open(host.data_dir, false, &all_fd, &ignored) &&
		  containers_find(all_fd, host.runtime_dir, name, &arena, &found, &ignored);
	arena_done(&arena);
	return is;
}
