/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generator.c - guscio-user-generator: units from files that describe containers
 *
 * usage: guscio-user-generator NORMAL-DIRECTORY [EARLY-DIRECTORY LATE-DIRECTORY]
 *        guscio-user-generator --update DIRECTORY
 *        guscio-user-generator --dryrun
 *
 * systemd runs it when a user's manager starts, and at daemon-reload, and waits for it
 * [systemd.generator(7)]. So it asks nobody, starts nothing and writes only below
 * NORMAL-DIRECTORY. What is wrong with one file is said on standard error, which is the journal
 * then, and keeps no other file from its unit; the exit status is 0 all the same, but
 * for --dryrun.
 *
 * --update is for who has nobody to put a link into systemd's directories of generators: it
 * takes away what it has made in DIRECTORY before, which systemd does for generators.
 */
#include "base/own.h"
#include "generator/previous.h"
#include "generator/sources.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static bool complained;

static void complain(const struct err *e)
{
	char line[4 * sizeof(e->what)];
	err_format(e, line, sizeof(line));
	fprintf(stderr, "guscio-user-generator: %s\n", line);
	if (e->hint[0])
		fprintf(stderr, "guscio-user-generator: hint: %s\n", e->hint);
	complained = true;
}

/* The build tree has us in helpers/ beside guscio; installed, both are in directories of their own.
 */
static const char *find_guscio(struct arena *arena)
{
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(exe, '/');
	if (slash)
		*slash = '\0';
	char *beside = arena_strdup(arena, exe);
	slash = strrchr(beside, '/');
	if (slash)
		strcpy(slash + 1, "guscio");
	if (access(beside, X_OK) == 0 && !strcmp(exe + strlen(exe) - 8, "/helpers"))
		return beside;
	return GUSCIO_BINDIR "/guscio";
}

static bool write_file(int dir_fd, const struct quadlet_unit *unit, struct err *e)
{
	size_t n = strlen(unit->text);
	CLEAN(clean_fd)
	int fd = openat(
		dir_fd, unit->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd >= 0 && write(fd, unit->text, n) == (ssize_t)n)
		return true;
	err_sys(e, "write it");
	return err_what(e, ERR_HOST, "cannot make the unit '%s'", unit->name);
}

static bool make_link(int dir_fd, const struct quadlet_link *link, struct err *e)
{
	char dir[256];
	const char *slash = strchr(link->path, '/');
	if (slash) {
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - link->path), link->path);
		mkdirat(dir_fd, dir, 0755);
	}
	if (symlinkat(link->target, dir_fd, link->path) == 0 || errno == EEXIST)
		return true;
	err_sys(e, "link '%s'", link->path);
	return err_what(e, ERR_HOST, "cannot enable the unit");
}

static void print_unit(const struct quadlet_unit *unit)
{
	printf("---%s---\n%s\n", unit->name, unit->text);
	for (size_t i = 0; i < unit->n_links; i++)
		printf("# %s -> %s\n", unit->links[i].path, unit->links[i].target);
}

/* @dir_fd: -1 to print it. */
static void make_unit(const struct sources *s, const struct quadlet_source *source,
	const char *guscio, int dir_fd)
{
	struct quadlet_unit unit;
	struct err e = ERR_INIT;
	bool ok = quadlet_translate(&s->set, source, guscio, s->arena, &unit, &e);
	if (ok && dir_fd < 0)
		print_unit(&unit);
	else if (ok)
		ok = write_file(dir_fd, &unit, &e);
	for (size_t i = 0; ok && dir_fd >= 0 && i < unit.n_links; i++)
		ok = make_link(dir_fd, &unit.links[i], &e);
	if (!ok)
		complain(&e);
}

static int usage(void)
{
	fputs("usage: guscio-user-generator NORMAL-DIRECTORY [EARLY LATE]\n"
	      "       guscio-user-generator --update DIRECTORY | --dryrun\n",
		stderr);
	return 125;
}

static int open_output(const char *path)
{
	struct err e = ERR_INIT;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	err_sys(&e, "open it");
	err_what(&e, ERR_HOST, "cannot write to '%s'", path);
	complain(&e);
	return -1;
}

static void make_units(struct sources *s, int dir_fd)
{
	s->arena->input_left = QUADLET_INPUT_MAX;
	sources_read(s);
	const char *guscio = find_guscio(s->arena);
	for (size_t i = 0; i < s->set.n; i++)
		if (!s->set.v[i].is_refused)
			make_unit(s, &s->set.v[i], guscio, dir_fd);
	if (s->left_to && dir_fd < 0)
		fprintf(stderr, "guscio-user-generator: containers/systemd is left to %s\n",
			s->left_to);
}

int main(int argc, char **argv)
{
	struct arena arena = {0};
	struct err e = ERR_INIT;
	struct sources s = {.arena = &arena, .complain = complain};
	bool is_dry = argc == 2 && !strcmp(argv[1], "--dryrun");
	bool updates = argc == 3 && !strcmp(argv[1], "--update");
	CLEAN(clean_fd) int dir_fd = -1;
	if (argc < 2 || (argv[1][0] == '-' && !is_dry && !updates))
		return usage();
	if (!is_dry && (dir_fd = open_output(argv[1 + updates])) < 0)
		return updates;
	if (!arena_init(&arena, &e)) {
		complain(&e);
		return is_dry || updates;
	}
	if (updates)
		previous_remove(dir_fd);
	make_units(&s, dir_fd);
	arena_done(&arena);
	return is_dry && complained;
}
