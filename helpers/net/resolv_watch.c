/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resolv_watch.h"
#include "base/own.h"
#include "base/text.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define RESOLV_CONF "/etc/resolv.conf"

struct watcher {
	int fd;
	resolv_changed changed;
	void *opaque;
	struct resolvers last;
};

static void add_directory(struct resolv_chain *chain, const char *path)
{
	const char *end = strrchr(path, '/');
	size_t length = end == path ? 1 : (size_t)(end - path);
	for (size_t i = 0; i < chain->n; i++)
		if (strlen(chain->directories[i]) == length &&
			!memcmp(chain->directories[i], path, length))
			return;
	if (chain->n == RESOLV_CHAIN_MAX)
		return;
	memcpy(chain->directories[chain->n], path, length);
	chain->directories[chain->n++][length] = '\0';
}

void resolv_chain_find(struct resolv_chain *ret)
{
	char path[RESOLV_PATH_SIZE] = RESOLV_CONF, target[RESOLV_PATH_SIZE];
	*ret = (struct resolv_chain){0};
	for (int links = 0; links < RESOLV_CHAIN_MAX; links++) {
		char next[2 * RESOLV_PATH_SIZE];
		add_directory(ret, path);
		ssize_t length = readlink(path, target, sizeof(target) - 1);
		if (length <= 0)
			return;
		target[length] = '\0';
		*strrchr(path, '/') = '\0';
		if (target[0] == '/')
			strcpy(next, target);
		else
			snprintf(next, sizeof(next), "%s/%s", path, target);
		if (!text_path_clean(next, path, sizeof(path)) || !strchr(path, '/'))
			return;
	}
}

void resolv_conf_read(struct resolvers *ret)
{
	struct stat st;
	ret->n = 0;
	/* A fifo must not make us wait. */
	CLEAN(clean_fd) int fd = open(RESOLV_CONF, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	CLEAN(clean_free) char *text = malloc(RESOLV_CONF_MAX);
	size_t size = 0;
	ssize_t got = 1;
	while (text && got > 0 && size < RESOLV_CONF_MAX) {
		got = read(fd, text + size, RESOLV_CONF_MAX - size);
		size += got > 0 ? (size_t)got : 0;
	}
	if (text)
		resolv_conf_parse(text, size, ret);
}

/* Every time anew: the links may lead elsewhere now. What is watched already stays so. */
static void watch_all(const struct watcher *w)
{
	struct resolv_chain chain;
	resolv_chain_find(&chain);
	for (size_t i = 0; i < chain.n; i++)
		inotify_add_watch(w->fd, chain.directories[i],
			IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE |
				IN_ONLYDIR);
	inotify_add_watch(w->fd, RESOLV_CONF, IN_CLOSE_WRITE | IN_MODIFY);
}

static void watcher_ready(void *opaque, int fd, uint32_t events)
{
	struct watcher *w = opaque;
	struct resolvers now;
	char buffer[4096] __attribute__((aligned(8)));
	(void)events;
	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	watch_all(w);
	resolv_conf_read(&now);
	if (now.n == w->last.n && !memcmp(now.at, w->last.at, now.n * sizeof(now.at[0])))
		return;
	w->last = now;
	w->changed(w->opaque, &now);
}

bool resolv_watch(struct loop *loop, resolv_changed changed, void *opaque, struct err *e)
{
	struct watcher *w = calloc(1, sizeof(*w));
	if (!w)
		return err_sys(e, "watch '%s'", RESOLV_CONF);
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	w->changed = changed;
	w->opaque = opaque;
	if (w->fd >= 0)
		watch_all(w);
	resolv_conf_read(&w->last);
	changed(opaque, &w->last);
	/* A user has a limited number of these: without one the file is read only once. */
	return w->fd < 0 || loop_add(loop, w->fd, EPOLLIN, watcher_ready, w) ||
	       err_sys(e, "watch '%s'", RESOLV_CONF);
}
