/* SPDX-License-Identifier: Apache-2.0 */
#include "state/foreground.h"
#include "base/own.h"
#include "state/container_text.h"
#include "state/record.h"

#include <stdlib.h>
#include <string.h>

char *foreground_text(const struct container *c, const char *document)
{
	CLEAN(clean_free) char *head = container_to_text(c);
	size_t head_len = head ? strlen(head) : 0, len = strlen(document);
	/* Commands read no more of the first part. */
	if (!head || head_len > CONTAINER_TEXT_MAX)
		return NULL;
	char *text = realloc(TAKE_PTR(head), head_len + 1 + len + 1);
	if (!text)
		return NULL;
	text[head_len] = '\n';
	memcpy(text + head_len + 1, document, len + 1);
	return text;
}

/* A container that stays has such a record too, with nothing behind it. */
static bool take(const char *runtime_dir, const struct state_record *record, struct arena *arena,
	struct container *ret)
{
	struct container c;
	struct err ignored = ERR_INIT;
	char boot_id[64];
	CLEAN(clean_free)
	char *text = state_read_more(runtime_dir, record->id, 2 * CONTAINER_TEXT_MAX);
	char *end = text ? strstr(text, "\n\n") : NULL;
	container_init(&c);
	/* Not the document: hundreds of them pass through one arena. */
	if (!end || !container_from_text(arena_strndup(arena, text, (size_t)(end + 1 - text)),
			    arena, &c, &ignored))
		return false;
	c.id = arena_strdup(arena, record->id);
	c.name = record->name[0] ? arena_strdup(arena, record->name)
				 : arena_strndup(arena, record->id, 12);
	c.is_foreground = true;
	c.cgroup = arena_strdup(arena, record->cgroup);
	c.phase = CONTAINER_RUNNING;
	c.started_ns = c.created_ns;
	c.boot_id = arena_strdup(arena, boot_id_now(boot_id));
	c.first = (struct live_process){record->pid, record->start_time};
	c.monitor.pid = state_parent(record->pid);
	if (!state_start_time(c.monitor.pid, &c.monitor.start_time))
		c.monitor.pid = 0;
	*ret = c;
	return true;
}

bool foreground_find(const char *runtime_dir, const char *text, struct arena *arena,
	struct container *ret, struct err *e)
{
	struct state_record record;
	if (!state_find(runtime_dir, text, &record, e))
		return false;
	return take(runtime_dir, &record, arena, ret) ||
	       err_what(e, ERR_STATE, "no container '%s'", text);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void foreground_list(const char *runtime_dir, const struct strv *known, struct arena *arena,
	struct container **ret, size_t *ret_n)
{
	struct strv ids = {0};
	struct container *all = NULL;
	size_t n = 0;
	state_list(runtime_dir, arena, &ids);
	for (size_t i = 0; i < ids.n; i++) {
		struct container one;
		struct err ignored = ERR_INIT;
		if ((!known->n ||
			    !bsearch(&ids.v[i], known->v, known->n, sizeof(*known->v), by_text)) &&
			foreground_find(runtime_dir, ids.v[i], arena, &one, &ignored))
			*ARENA_APPEND(arena, all, n) = one;
	}
	*ret = all;
	*ret_n = n;
}

char *foreground_document(
	const char *runtime_dir, const char *id, struct arena *arena, struct err *e)
{
	CLEAN(clean_free) char *text = state_read_more(runtime_dir, id, ARENA_INPUT_MAX);
	char *document = text ? strstr(text, "\n\n") : NULL;
	if (!document)
		err_what(e, ERR_STATE, "container %.12s has ended", id);
	return document ? arena_strdup(arena, document + 2) : NULL;
}

/* The beginning of an id that is meant by nobody's name. */
static bool is_prefix(const char *text, const struct container *c)
{
	return strcmp(text, c->name) && strcmp(text, c->id);
}

bool containers_find(int all_fd, const char *runtime_dir, const char *text, struct arena *arena,
	struct container *ret, struct err *e)
{
	const char *id;
	struct container kept, other;
	struct err unknown = ERR_INIT;
	bool is_kept = container_find(all_fd, text, arena, &id, e);
	/* Ambiguous, or no name at all. */
	if (!is_kept && !container_is_missing(e))
		return false;
	if (is_kept && !container_read(all_fd, id, arena, &kept, e))
		return false;
	if (is_kept && !is_prefix(text, &kept)) {
		*ret = kept;
		return true;
	}
	bool is_foreground = foreground_find(runtime_dir, text, arena, &other, &unknown);
	if (is_kept && is_foreground && strcmp(kept.id, other.id) && is_prefix(text, &other))
		return err_what(e, ERR_STATE, "'%s' is the beginning of 2 containers' ids", text);
	if (!is_kept && !is_foreground)
		return container_is_missing(&unknown) || strstr(unknown.what, "does not run")
			       ? false
			       : (*e = unknown, false);
	*ret = is_foreground && (!is_kept || !is_prefix(text, &other)) ? other : kept;
	return true;
}
