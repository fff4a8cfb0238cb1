/* SPDX-License-Identifier: Apache-2.0 */
#include "state/event.h"
#include "base/own.h"
#include "base/text.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define ATTRIBUTES_MAX 64

struct line {
	char *text;
	size_t n;
	bool is_full;
};

static void put_byte(struct line *l, char c)
{
	if (l->n + 2 < EVENT_LINE_MAX)
		l->text[l->n++] = c;
	else
		l->is_full = true;
}

/* Blanks part the words, '=' keys and values: in these all three are written as %XX. */
static void put_word(struct line *l, const char *word, size_t n)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)word[i];
		if (c > 0x20 && c != 0x7f && c != '%' && c != '=') {
			put_byte(l, (char)c);
			continue;
		}
		put_byte(l, '%');
		put_byte(l, digits[c >> 4]);
		put_byte(l, digits[c & 15]);
	}
}

static void put_attribute(struct line *l, const char *attribute)
{
	size_t before = l->n, key = strcspn(attribute, "=");
	put_byte(l, ' ');
	put_word(l, attribute, key);
	put_byte(l, '=');
	if (attribute[key])
		put_word(l, attribute + key + 1, strlen(attribute + key + 1));
	if (l->is_full)
		l->n = before;
	l->is_full = false;
}

size_t event_to_line(const struct event *event, char line[EVENT_LINE_MAX])
{
	struct line l = {.text = line};
	const char *const words[] = {event->type, event->action, event->id};
	l.n = (size_t)snprintf(line, EVENT_LINE_MAX, "%lld", (long long)event->ns);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		put_byte(&l, ' ');
		put_word(&l, words[i], strlen(words[i]));
	}
	if (l.is_full)
		return 0;
	for (size_t i = 0; i < event->attributes.n; i++)
		put_attribute(&l, event->attributes.v[i]);
	l.text[l.n++] = '\n';
	return l.n;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* In place; false for what put_word() does not write. */
static bool unescape(char *text)
{
	char *to = text;
	for (; *text; text++) {
		if (*text != '%') {
			*to++ = *text;
			continue;
		}
		int high = hex(text[1]), low = high < 0 ? -1 : hex(text[2]);
		if (low < 0 || (!high && !low))
			return false;
		*to++ = (char)(high * 16 + low);
		text += 2;
	}
	*to = '\0';
	return true;
}

static bool take_attribute(char *word, struct arena *arena, struct event *ret)
{
	char *value = strchr(word, '=');
	if (!value || ret->attributes.n == ATTRIBUTES_MAX)
		return false;
	*value++ = '\0';
	if (!word[0] || !unescape(word) || !unescape(value) || strchr(word, '='))
		return false;
	strv_add(arena, &ret->attributes, arena_printf(arena, "%s=%s", word, value));
	return true;
}

bool event_from_line(char *line, struct arena *arena, struct event *ret)
{
	struct event event = {0};
	uint64_t ns;
	const char *time = strsep(&line, " ");
	char *words[3];
	if (!text_to_u64(time, INT64_MAX, &ns))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		words[i] = strsep(&line, " ");
		if (!words[i] || !words[i][0] || !unescape(words[i]))
			return false;
	}
	for (char *word; (word = strsep(&line, " "));)
		if (!take_attribute(word, arena, &event))
			return false;
	event.ns = (int64_t)ns;
	event.type = words[0];
	event.action = words[1];
	event.id = words[2];
	*ret = event;
	return true;
}

/* Locked, and still under its name: nobody appends to one that has been put aside. */
static int open_log(int dir_fd)
{
	for (int tries = 0; tries < 8; tries++) {
		CLEAN(clean_fd)
		int fd = openat(dir_fd, "log",
			O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
		struct stat ours, named;
		if (fd < 0)
			return -1;
		while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
			;
		if (fstat(fd, &ours) == 0 && fstatat(dir_fd, "log", &named, 0) == 0 &&
			ours.st_ino == named.st_ino)
			return TAKE_FD(fd);
	}
	return -1;
}

static void append(int dir_fd, const struct event *event)
{
	char line[EVENT_LINE_MAX + 1];
	struct stat st;
	char last = '\n';
	size_t n = event_to_line(event, line + 1);
	CLEAN(clean_fd) int fd = n ? open_log(dir_fd) : -1;
	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	/* A line that was cut off must not swallow this one. */
	bool is_torn = st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
	line[0] = '\n';
	(void)!write(fd, line + !is_torn, n + is_torn);
	if (st.st_size + (int64_t)n >= EVENT_LOG_MAX)
		renameat(dir_fd, "log", dir_fd, "log.1");
}

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void write_below(int base_fd, const char *path, const struct event *event)
{
	struct event stamped = *event;
	int fd = openat(base_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && mkdirat(base_fd, path, 0700) == 0)
		fd = openat(base_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(clean_fd) int dir_fd = fd;
	if (dir_fd < 0)
		return;
	stamped.ns = stamped.ns ? stamped.ns : now_ns();
	append(dir_fd, &stamped);
}

void event_write(const char *data_dir, const struct event *event)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/events", data_dir);
	write_below(AT_FDCWD, path, event);
}

/* No memory of an arena: a monitor writes for months. */
void event_of_container(int all_fd, const struct container *c, const char *action, const char *more)
{
	char image[512], name[256];
	char *attributes[ATTRIBUTES_MAX];
	struct event event = {.type = "container", .action = action, .id = c->id};
	event.attributes.v = attributes;
	snprintf(image, sizeof(image), "image=%s", c->image);
	snprintf(name, sizeof(name), "name=%s", c->name);
	if (more)
		attributes[event.attributes.n++] = (char *)more;
	attributes[event.attributes.n++] = image;
	attributes[event.attributes.n++] = name;
	for (size_t i = 0; i < c->labels.n && event.attributes.n < ATTRIBUTES_MAX; i++)
		attributes[event.attributes.n++] = c->labels.v[i];
	if (all_fd >= 0)
		write_below(all_fd, "../events", &event);
}

void event_of(const char *data_dir, const char *type, const char *action, const char *id,
	const char *more)
{
	char *attributes[1] = {(char *)more};
	struct event event = {.type = type, .action = action, .id = id};
	event.attributes.v = attributes;
	event.attributes.n = more != NULL;
	event_write(data_dir, &event);
}

bool events_open(const char *data_dir, int *ret_fd, struct err *e)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/events", data_dir);
	if (mkdir(path, 0700) < 0 && errno != EEXIST) {
		err_sys(e, "make directory '%s'", path);
		return err_what(e, ERR_HOST, "cannot watch what happens");
	}
	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd >= 0)
		return true;
	err_sys(e, "open '%s'", path);
	return err_what(e, ERR_HOST, "cannot watch what happens");
}
