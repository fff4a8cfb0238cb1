/* SPDX-License-Identifier: Apache-2.0 */
#include "store/secret.h"
#include "base/own.h"
#include "base/text.h"
#include "sys/files.h"

#include <bsd/stdlib.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MAGIC	 "guscio-secret 1"
#define HEAD_MAX ((size_t)65536)

static bool open_all(const char *data_dir, bool may_create, int *ret_fd, struct err *e)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/secrets", data_dir);
	if (may_create && !files_make_path(path, 0700, e))
		return err_what(e, ERR_HOST, "cannot keep secrets");
	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd >= 0 || (errno == ENOENT && !may_create))
		return true;
	err_sys(e, "open '%s'", path);
	return err_what(e, ERR_HOST, "cannot look at the secrets");
}

/* What a writer that was killed has left; who writes now is done within the minute. */
static void sweep(int all_fd)
{
	int copy_fd = openat(all_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_dir) DIR *dir = copy_fd < 0 ? NULL : fdopendir(copy_fd);
	struct dirent *entry;
	struct stat st;
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] == '.' &&
			fstatat(all_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(st.st_mode) && time(NULL) - st.st_mtim.tv_sec > 60)
			unlinkat(all_fd, entry->d_name, 0);
}

static bool refuse_missing(const char *name, struct err *e)
{
	err_what(e, ERR_STATE, "no secret '%s'", name);
	return err_hint(e, "make it with: guscio secret create %s FILE", name);
}

static bool take_line(struct secret *s, char *line, struct arena *arena, uint64_t *size)
{
	char *value = line + strcspn(line, " ");
	uint64_t number = 0;
	if (!*value)
		return false;
	*value++ = '\0';
	if (!strcmp(line, "id")) {
		s->id = arena_strdup(arena, value);
		return strlen(value) == SECRET_ID_SIZE - 1;
	}
	if (!strcmp(line, "label")) {
		strv_add(arena, &s->labels, value);
		return true;
	}
	if (!text_to_u64(value, INT64_MAX, &number))
		return false;
	if (!strcmp(line, "created"))
		s->created_ns = (int64_t)number;
	else if (!strcmp(line, "updated"))
		s->updated_ns = (int64_t)number;
	else if (!strcmp(line, "data"))
		*size = number;
	return true;
}

bool secret_from_text(char *text, size_t size, bool wants_data, struct arena *arena,
	struct secret *ret, struct err *e)
{
	struct secret s = {.name = "", .id = ""};
	uint64_t announced = UINT64_MAX;
	size_t at = 0;
	bool is_first = true;
	while (announced == UINT64_MAX) {
		char *end = memchr(text + at, '\n', size - at);
		if (!end || at > HEAD_MAX)
			return err_msg(e, ERR_INPUT, "its head has no end");
		*end = '\0';
		if (is_first ? strcmp(text, MAGIC) != 0
			     : !take_line(&s, text + at, arena, &announced))
			return err_msg(e, ERR_INPUT, "it is no secret of this guscio");
		at = (size_t)(end - text) + 1;
		is_first = false;
	}
	if (announced != size - at || announced >= SECRET_SIZE_LIMIT || !s.id[0])
		return err_msg(e, ERR_INPUT, "it is not whole");
	s.size = size - at;
	if (wants_data) {
		char *data = arena_alloc(arena, s.size + 1);
		memcpy(data, text + at, s.size);
		s.data = data;
	}
	*ret = s;
	return true;
}

static bool read_one(int all_fd, const char *name, bool wants_data, struct arena *arena,
	struct secret *ret, struct err *e)
{
	CLEAN(clean_free) char *text = NULL;
	size_t size;
	struct err why = ERR_INIT;
	if (all_fd < 0 ||
		!files_read(all_fd, name, HEAD_MAX + SECRET_SIZE_LIMIT, &text, &size, &why)) {
		if (all_fd < 0 || why.sys == ENOENT)
			return refuse_missing(name, e);
		*e = why;
		return err_what(e, ERR_HOST, "cannot read secret '%s'", name);
	}
	bool ok = secret_from_text(text, size, wants_data, arena, ret, e);
	explicit_bzero(text, size);
	if (!ok)
		return err_what(e, ERR_INPUT, "secret '%s' is spoilt", name);
	ret->name = arena_strdup(arena, name);
	return true;
}

bool secret_read(const char *data_dir, const char *name, bool wants_data, struct arena *arena,
	struct secret *ret, struct err *e)
{
	CLEAN(clean_fd) int all_fd = -1;
	return open_all(data_dir, false, &all_fd, e) &&
	       read_one(all_fd, name, wants_data, arena, ret, e);
}

static bool add_labels(char *head, size_t *n, const struct strv *labels, struct err *e)
{
	for (size_t i = 0; i < labels->n; i++) {
		if (strchr(labels->v[i], '\n'))
			return err_what(e, ERR_USAGE, "a secret's label cannot have two lines");
		*n += (size_t)snprintf(head + *n, HEAD_MAX - *n, "label %s\n", labels->v[i]);
		if (*n >= HEAD_MAX - 64)
			return err_what(e, ERR_USAGE, "the secret's labels are too long");
	}
	return true;
}

static bool put(int all_fd, const struct secret *s, bool replaces, struct err *e)
{
	CLEAN(clean_free) char *text = malloc(HEAD_MAX + s->size);
	if (!text)
		return err_sys(e, "have memory for it");
	size_t n = (size_t)snprintf(text, HEAD_MAX, MAGIC "\nid %s\ncreated %lld\nupdated %lld\n",
		s->id, (long long)s->created_ns, (long long)s->updated_ns);
	if (!add_labels(text, &n, &s->labels, e))
		return false;
	n += (size_t)snprintf(text + n, HEAD_MAX - n, "data %zu\n", s->size);
	memcpy(text + n, s->data, s->size);
	bool ok = files_write_private(all_fd, s->name, text, n + s->size, replaces, e);
	explicit_bzero(text, n + s->size);
	if (ok || e->sys != EEXIST)
		return ok;
	err_msg(e, ERR_STATE, "it is there already");
	err_what(e, ERR_STATE, "cannot make secret '%s'", s->name);
	return err_hint(e, "--replace puts this one in its place");
}

bool secret_write(const char *data_dir, struct secret *secret, bool replaces, struct arena *arena,
	struct err *e)
{
	CLEAN(clean_fd) int all_fd = -1;
	struct secret before;
	struct err none = ERR_INIT;
	struct timespec now;
	char id[SECRET_ID_SIZE];
	if (!secret->size || secret->size >= SECRET_SIZE_LIMIT) {
		err_msg(e, ERR_USAGE, "it must have 1 to %zu bytes", SECRET_SIZE_LIMIT - 1);
		return err_what(e, ERR_USAGE, "cannot make secret '%s'", secret->name);
	}
	if (!open_all(data_dir, true, &all_fd, e))
		return false;
	sweep(all_fd);
	for (size_t i = 0; i < sizeof(id); i++)
		id[i] = "0123456789abcdef"[arc4random_uniform(16)];
	id[sizeof(id) - 1] = '\0';
	clock_gettime(CLOCK_REALTIME, &now);
	secret->id = arena_strdup(arena, id);
	secret->updated_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	secret->created_ns = secret->updated_ns;
	if (replaces && read_one(all_fd, secret->name, false, arena, &before, &none))
		secret->created_ns = before.created_ns;
	if (put(all_fd, secret, replaces, e))
		return true;
	return e->kind == ERR_INTERNAL
		       ? err_what(e, ERR_HOST, "cannot make secret '%s'", secret->name)
		       : false;
}

bool secret_list(const char *data_dir, struct arena *arena, struct strv *ret, struct err *e)
{
	int all_fd = -1;
	if (!open_all(data_dir, false, &all_fd, e))
		return false;
	files_list(all_fd, arena, ret);
	return true;
}

bool secret_find(const char *data_dir, const char *text, struct arena *arena, const char **ret_name,
	struct err *e)
{
	struct strv names = {0};
	struct secret s;
	const char *found = NULL;
	if (!secret_list(data_dir, arena, &names, e))
		return false;
	if (strv_has(&names, text)) {
		*ret_name = text;
		return true;
	}
	for (size_t i = 0; text[0] && i < names.n; i++) {
		struct err spoilt = ERR_INIT;
		if (!secret_read(data_dir, names.v[i], false, arena, &s, &spoilt) ||
			!text_starts(s.id, text))
			continue;
		if (found)
			return err_what(e, ERR_STATE,
				"'%s' is the beginning of more than one secret's id", text);
		found = names.v[i];
	}
	if (!found)
		return refuse_missing(text, e);
	*ret_name = found;
	return true;
}

bool secret_remove(const char *data_dir, const char *name, struct err *e)
{
	CLEAN(clean_fd) int all_fd = -1;
	if (!open_all(data_dir, false, &all_fd, e))
		return false;
	if (all_fd >= 0)
		sweep(all_fd);
	if (all_fd >= 0 && unlinkat(all_fd, name, 0) == 0)
		return true;
	if (all_fd < 0 || errno == ENOENT)
		return refuse_missing(name, e);
	err_sys(e, "remove its file");
	return err_what(e, ERR_HOST, "cannot remove secret '%s'", name);
}
