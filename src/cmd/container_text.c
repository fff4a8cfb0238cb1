/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/container_text.h"
#include "base/own.h"
#include "base/text.h"
#include "cmd/progress.h"
#include "sys/cgroup.h"
#include "sys/files.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

bool container_is_paused(const struct container *c)
{
	CLEAN(clean_fd) int fd = -1;
	struct err ignored;
	return c->cgroup[0] && container_is_up(c) && cgroup_open(c->cgroup, &fd, &ignored) &&
	       cgroup_number(fd, "cgroup.freeze", 0) == 1;
}

const char *container_state_word(const struct container *c)
{
	if (!container_is_up(c))
		return c->phase == CONTAINER_CREATED ? "created" : "exited";
	if (container_is_paused(c))
		return "paused";
	return c->phase == CONTAINER_RESTARTING ? "restarting" : "running";
}

const char *container_duration(struct arena *arena, int64_t since_ns)
{
	int64_t seconds = (int64_t)time(NULL) - since_ns / 1000000000;
	int64_t minutes = seconds / 60, hours = (minutes + 30) / 60;
	if (seconds < 1)
		return "Less than a second";
	if (seconds == 1)
		return "1 second";
	if (seconds < 60)
		return arena_printf(arena, "%lld seconds", (long long)seconds);
	if (minutes == 1)
		return "About a minute";
	if (minutes < 60)
		return arena_printf(arena, "%lld minutes", (long long)minutes);
	if (hours == 1)
		return "About an hour";
	if (hours < 48)
		return arena_printf(arena, "%lld hours", (long long)hours);
	if (hours < 24 * 7 * 2)
		return arena_printf(arena, "%lld days", (long long)hours / 24);
	if (hours < 24 * 30 * 2)
		return arena_printf(arena, "%lld weeks", (long long)hours / 24 / 7);
	if (hours < 24 * 365 * 2)
		return arena_printf(arena, "%lld months", (long long)hours / 24 / 30);
	return arena_printf(arena, "%lld years", (long long)hours / 24 / 365);
}

const char *container_status(struct arena *arena, const struct container *c)
{
	if (container_is_up(c) && c->phase == CONTAINER_RESTARTING)
		return arena_printf(arena, "Restarting (%d) %s ago", c->exit_code,
			container_duration(arena, c->finished_ns));
	if (container_is_paused(c))
		return arena_printf(
			arena, "Up %s (Paused)", container_duration(arena, c->started_ns));
	if (container_is_up(c) && c->health[0])
		return arena_printf(arena, "Up %s (%s%s)", container_duration(arena, c->started_ns),
			strcmp(c->health, "starting") ? "" : "health: ", c->health);
	if (container_is_up(c))
		return arena_printf(arena, "Up %s", container_duration(arena, c->started_ns));
	if (c->phase == CONTAINER_CREATED)
		return "Created";
	return arena_printf(arena, "Exited (%d) %s ago", c->exit_code,
		container_duration(arena, c->finished_ns));
}

const char *container_time(struct arena *arena, int64_t ns)
{
	char text[32];
	struct tm tm;
	time_t seconds = (time_t)(ns / 1000000000);
	if (!ns)
		return "0001-01-01T00:00:00Z";
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	return arena_printf(arena, "%s.%09lldZ", text, (long long)(ns % 1000000000));
}

bool container_time_parse(const char *text, int64_t *ret, struct err *e)
{
	struct tm tm = {0};
	uint64_t ms, seconds;
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!rest) {
		tm = (struct tm){0};
		rest = strptime(text, "%Y-%m-%d", &tm);
	}
	if (rest) {
		int64_t ns = (int64_t)timegm(&tm) * 1000000000, unit = 100000000;
		if (*rest == '.')
			for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
				ns += (*rest - '0') * unit;
		int hours, minutes;
		if ((*rest == '+' || *rest == '-') &&
			sscanf(rest + 1, "%2d:%2d", &hours, &minutes) == 2)
			ns -= (*rest == '-' ? -1 : 1) * (hours * 60 + minutes) *
			      (int64_t)60000000000;
		else if (*rest && strcmp(rest, "Z"))
			return err_what(e, ERR_USAGE, "'%s' is no time", text);
		*ret = ns;
		return true;
	}
	if (text_to_u64(text, INT32_MAX * 4ull, &seconds) && seconds > 100000000) {
		*ret = (int64_t)seconds * 1000000000;
		return true;
	}
	if (!text_to_ms(text, &ms)) {
		err_what(e, ERR_USAGE, "'%s' is no time", text);
		return err_hint(
			e, "2026-01-31T12:00:00, seconds since 1970, or 10m for ten minutes ago");
	}
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	*ret = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - (int64_t)ms * 1000000;
	return true;
}

const char *container_time_local(struct arena *arena, int64_t ns)
{
	char text[64];
	struct tm tm;
	time_t seconds = (time_t)(ns / 1000000000);
	localtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z %Z", &tm);
	return arena_strdup(arena, text);
}

const char *container_size(struct arena *arena, const char *data_dir, const char *id)
{
	char text[16];
	const char *path = arena_printf(arena, "%s/containers/%s/overlay/upper", data_dir, id);
	int64_t bytes;
	/* What cannot be looked into is not counted: guscio df -v does. */
	(void)!files_tree_size(AT_FDCWD, path, &bytes);
	progress_size(bytes, text, sizeof(text));
	return arena_strdup(arena, text);
}
