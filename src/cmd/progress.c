/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/progress.h"
#include "sys/tty.h"
#include "wire/notify.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ASK_EVERY_NS 20000000000ull

#define BAR_WIDTH 30

void progress_size(int64_t bytes, char *buf, size_t size)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	double value = (double)bytes;
	size_t unit = 0;
	while (value >= 1000 && unit < 4) {
		value /= 1000;
		unit++;
	}
	snprintf(buf, size,
		value < 10 && unit    ? "%.2f %s"
		: value < 100 && unit ? "%.1f %s"
				      : "%.0f %s",
		value, units[unit]);
}

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static const char *state_word(enum row_state state)
{
	static const char *const words[] = {[ROW_WAITING] = "waiting",
		[ROW_DOWNLOADING] = "downloading",
		[ROW_UNPACKING] = "unpacking",
		[ROW_DONE] = "done",
		[ROW_THERE] = "already here"};
	return words[state];
}

static void draw_bar(const struct layer_row *row)
{
	char bar[BAR_WIDTH + 1], done[16], size[16];
	int64_t whole = row->size > 0 ? row->size : 1;
	int64_t part = row->state >= ROW_DONE ? whole : row->done;
	size_t filled = (size_t)(part * BAR_WIDTH / whole);
	if (filled > BAR_WIDTH)
		filled = BAR_WIDTH;
	memset(bar, ' ', BAR_WIDTH);
	memset(bar, '=', filled);
	if (filled > 0 && filled < BAR_WIDTH)
		bar[filled - 1] = '>';
	bar[BAR_WIDTH] = '\0';
	progress_size(part, done, sizeof(done));
	progress_size(row->size, size, sizeof(size));
	fprintf(stderr, "\033[K%.12s [%s] %8s/%-8s %s\n", row->digest + 7, bar, done, size,
		state_word(row->state));
}

static void draw_sum(struct bars *p, const struct layer_row *rows, size_t n)
{
	int64_t bytes = 0;
	char rate[16];
	for (size_t i = 0; i < n; i++)
		if (rows[i].state != ROW_THERE)
			bytes += rows[i].done;
	if (!p->has_begun) {
		p->has_begun = true;
		p->begin_bytes = bytes;
		p->begin_ns = now_ns();
	}
	double seconds = (double)(now_ns() - p->begin_ns) / 1e9;
	if (seconds < 0.2)
		return;
	progress_size((int64_t)((double)(bytes - p->begin_bytes) / seconds), rate, sizeof(rate));
	fprintf(stderr, "\033[K%s/s\n", rate);
	p->lines++;
}

/* All of it is written anew where it stood before; more layers than lines: the last ones. */
static void draw_bars(struct bars *p, const struct layer_row *rows, size_t n, bool is_last)
{
	struct winsize window;
	size_t room =
		tty_size(STDERR_FILENO, &window) && window.ws_row > 3 ? window.ws_row - 2u : 20;
	size_t first = n > room ? n - room : 0;
	if (p->lines > 0)
		fprintf(stderr, "\033[%zuA", p->lines);
	p->lines = 0;
	for (size_t i = first; i < n; i++, p->lines++)
		draw_bar(&rows[i]);
	if (!is_last)
		draw_sum(p, rows, n);
	else
		fputs("\033[J", stderr);
	fflush(stderr);
}

static void draw_lines(struct bars *p, const struct layer_row *rows, size_t n)
{
	char size[16];
	for (size_t i = 0; i < n && i < IMAGE_LAYERS_MAX; i++) {
		if (p->said[i] || rows[i].state < ROW_DONE)
			continue;
		p->said[i] = true;
		progress_size(rows[i].size, size, sizeof(size));
		fprintf(stderr, "layer %.12s: %s, %s\n", rows[i].digest + 7, size,
			state_word(rows[i].state));
	}
}

/* systemd waits 90 seconds for a unit that starts; a pull that goes on may take longer. */
static void ask_for_time(struct bars *p)
{
	if (!p->is_waited_for || now_ns() < p->next_ask_ns)
		return;
	notify_send("EXTEND_TIMEOUT_USEC=120000000\nSTATUS=pulling the image");
	p->next_ask_ns = now_ns() + ASK_EVERY_NS;
}

static void draw(void *data, const struct layer_row *rows, size_t n, bool is_last)
{
	struct bars *p = data;
	ask_for_time(p);
	if (is_last && p->is_waited_for)
		notify_send("STATUS=");
	if (p->is_quiet)
		return;
	if (p->is_terminal)
		draw_bars(p, rows, n, is_last);
	else
		draw_lines(p, rows, n);
}

const struct watch *progress_watch(struct bars *p, bool is_quiet)
{
	*p = (struct bars){.is_terminal = isatty(STDERR_FILENO),
		.is_quiet = is_quiet,
		.is_waited_for = notify_is_wanted()};
	p->watch = (struct watch){draw, p};
	return is_quiet && !p->is_waited_for ? NULL : &p->watch;
}
