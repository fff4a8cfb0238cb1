/* SPDX-License-Identifier: Apache-2.0 */
#include "generator/sources.h"
#include "base/own.h"
#include "base/text.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX   4
#define DIRS_MAX    64
#define SOURCES_MAX 512
#define NAMES_MAX   1024
#define FILE_MAX    ((off_t)64 << 10)

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What a directory holds, sorted: the same every time. */
static struct strv names_in(struct sources *s, const char *dir)
{
	struct strv names = {0};
	struct err e = ERR_INIT;
	struct dirent *entry;
	CLEAN(clean_dir) DIR *handle = opendir(dir);
	while (handle && names.n <= NAMES_MAX && (entry = readdir(handle)))
		if (entry->d_name[0] != '.')
			strv_add(s->arena, &names, arena_strdup(s->arena, entry->d_name));
	if (names.n > NAMES_MAX) {
		err_msg(&e, ERR_INPUT, "it has more than %d files: the rest is left out",
			NAMES_MAX);
		err_what(&e, ERR_INPUT, "%s", dir);
		s->complain(&e);
	}
	if (names.n)
		qsort(names.v, names.n, sizeof(*names.v), by_name);
	return names;
}

static bool is_directory(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void add_dir(struct sources *s, const char *dir, int depth)
{
	if (!is_directory(dir) || strv_has(&s->dirs, dir) || s->dirs.n == DIRS_MAX)
		return;
	strv_add(s->arena, &s->dirs, dir);
	struct strv names = names_in(s, dir);
	for (size_t i = 0; i < names.n && depth < DEPTH_MAX; i++)
		if (!text_ends(names.v[i], ".d"))
			add_dir(s, arena_printf(s->arena, "%s/%s", dir, names.v[i]), depth + 1);
}

static bool read_one(struct sources *s, struct quadlet_source *to, const char *path, struct err *e)
{
	struct stat st;
	size_t size;
	/* A pipe would be waited for, and with it the whole manager. */
	CLEAN(clean_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open it"), err_what(e, ERR_INPUT, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return err_msg(e, ERR_INPUT, "it is no regular file of at most 64 KiB"),
		       err_what(e, ERR_INPUT, "%s", path);
	const char *text = arena_read_fd(s->arena, fd, path, &size, e);
	if (!text)
		return err_what(e, ERR_INPUT, "%s", path);
	return unit_file_parse(&to->file, path, text, size, s->arena, e);
}

/* web.container.d/10-more.conf in any of the directories: by name, the first of each counts. */
static bool read_drop_ins(struct sources *s, struct quadlet_source *to, struct err *e)
{
	struct strv found = {0};
	for (size_t i = 0; i < s->dirs.n; i++) {
		const char *dir = arena_printf(s->arena, "%s/%s.d", s->dirs.v[i], to->name);
		struct strv names = names_in(s, dir);
		for (size_t k = 0; k < names.n; k++) {
			const char *path = arena_printf(s->arena, "%s/%s", dir, names.v[k]);
			/* By the name first, so that sorting does it. */
			const char *entry = arena_printf(s->arena, "%s=", names.v[k]);
			char *key = arena_strndup(s->arena, names.v[k], strlen(names.v[k]));
			if (text_ends(key, ".conf") && !strv_env(&found, key))
				strv_add(s->arena, &found,
					arena_printf(s->arena, "%s%s", entry, path));
		}
	}
	if (found.n)
		qsort(found.v, found.n, sizeof(*found.v), by_name);
	for (size_t i = 0; i < found.n; i++)
		if (!read_one(s, to, strchr(found.v[i], '=') + 1, e))
			return false;
	return true;
}

static bool is_known(const struct sources *s, const char *name)
{
	for (size_t i = 0; i < s->set.n; i++)
		if (!strcmp(s->set.v[i].name, name))
			return true;
	return false;
}

/* podman's other kinds: who has written one waits for its unit. */
static void refuse_kind(struct sources *s, const char *path)
{
	static const char *const kinds[][2] = {
		{".pod", "there are no pods: a .network joins containers"},
		{".kube", "write a .container for each container"},
		{".image", "Image= of a .container is pulled when it is missing"},
		{".build", "guscio builds no images: Image= of a .container names one"}};
	struct err e = ERR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!text_ends(path, kinds[i][0]))
			continue;
		err_msg(&e, ERR_INPUT, "files of this kind are refused");
		err_what(&e, ERR_INPUT, "%s", path);
		err_hint(&e, "%s", kinds[i][1]);
		s->complain(&e);
	}
}

static void add_source(struct sources *s, const char *dir, const char *name)
{
	struct err e = ERR_INIT;
	struct quadlet_source source = {.name = name, .dir = dir};
	source.path = arena_printf(s->arena, "%s/%s", dir, name);
	if (!quadlet_kind_of(name, &source.kind)) {
		refuse_kind(s, source.path);
		return;
	}
	if (is_known(s, name))
		return;
	if (is_directory(source.path))
		return;
	if (s->set.n == SOURCES_MAX) {
		err_msg(&e, ERR_INPUT, "there are more than %d files", SOURCES_MAX);
		err_what(&e, ERR_INPUT, "%s", source.path);
		s->complain(&e);
		return;
	}
	if (!read_one(s, &source, source.path, &e) || !read_drop_ins(s, &source, &e)) {
		source.is_refused = true;
		s->complain(&e);
	}
	*ARENA_APPEND(s->arena, s->set.v, s->set.n) = source;
}

static const char *podmans_generator(void)
{
	static const char *const places[] = {
		"/usr/lib/systemd/user-generators/podman-user-generator",
		"/usr/local/lib/systemd/user-generators/podman-user-generator",
		"/etc/systemd/user-generators/podman-user-generator",
		"/run/systemd/user-generators/podman-user-generator"};
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

void sources_read(struct sources *s)
{
	const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
	if (!config || config[0] != '/')
		config = home && home[0] == '/' ? arena_printf(s->arena, "%s/.config", home) : NULL;
	s->left_to = podmans_generator();
	if (config)
		add_dir(s, arena_printf(s->arena, "%s/guscio/systemd", config), 0);
	if (!s->left_to && config)
		add_dir(s, arena_printf(s->arena, "%s/containers/systemd", config), 0);
	if (!s->left_to)
		add_dir(s,
			arena_printf(
				s->arena, "/etc/containers/systemd/users/%u", (unsigned)getuid()),
			0);
	/* Only its own files: its subdirectories are of one user each. */
	if (!s->left_to)
		add_dir(s, "/etc/containers/systemd/users", DEPTH_MAX);
	for (size_t i = 0; i < s->dirs.n; i++) {
		struct strv names = names_in(s, s->dirs.v[i]);
		for (size_t k = 0; k < names.n; k++)
			add_source(s, s->dirs.v[i], names.v[k]);
	}
}
