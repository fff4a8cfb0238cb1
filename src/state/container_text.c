/* SPDX-License-Identifier: Apache-2.0 */
#include "state/container_text.h"
#include "base/own.h"
#include "base/text.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "guscio-container"

enum field_kind { FIELD_TEXT, FIELD_BOOL, FIELD_INT, FIELD_U64, FIELD_I64, FIELD_PHASE, FIELD_PID };

struct field {
	const char *key;
	enum field_kind kind;
	size_t offset;
};

#define FIELD(key, kind, member)                                                                   \
	{                                                                                          \
		key, kind, offsetof(struct container, member)                                      \
	}

/* lint: table */
static const struct field fields[] = {FIELD("name", FIELD_TEXT, name),
	FIELD("image", FIELD_TEXT, image), FIELD("image-id", FIELD_TEXT, image_id),
	FIELD("command", FIELD_TEXT, command), FIELD("network", FIELD_TEXT, network),
	FIELD("ports", FIELD_TEXT, ports), FIELD("mounts", FIELD_TEXT, mounts),
	FIELD("cgroup", FIELD_TEXT, cgroup), FIELD("phase", FIELD_PHASE, phase),
	FIELD("boot", FIELD_TEXT, boot_id), FIELD("pid", FIELD_PID, first.pid),
	FIELD("start", FIELD_U64, first.start_time), FIELD("monitor-pid", FIELD_PID, monitor.pid),
	FIELD("monitor-start", FIELD_U64, monitor.start_time),
	FIELD("created", FIELD_I64, created_ns), FIELD("started", FIELD_I64, started_ns),
	FIELD("finished", FIELD_I64, finished_ns), FIELD("exit-code", FIELD_INT, exit_code),
	FIELD("error", FIELD_TEXT, error), FIELD("stopped", FIELD_BOOL, was_stopped),
	FIELD("oom-killed", FIELD_BOOL, is_oom_killed),
	FIELD("auto-remove", FIELD_BOOL, is_auto_removed), FIELD("tty", FIELD_BOOL, has_terminal),
	FIELD("stdin", FIELD_BOOL, has_input), FIELD("restarts", FIELD_U64, restart_count),
	FIELD("restart", FIELD_TEXT, restart), FIELD("stop-signal", FIELD_INT, stop_signal),
	FIELD("stop-timeout-ms", FIELD_U64, stop_timeout_ms),
	FIELD("log-driver", FIELD_TEXT, log_driver), FIELD("log-size", FIELD_U64, log_max_size),
	FIELD("log-files", FIELD_U64, log_max_files), FIELD("health-test", FIELD_TEXT, health_test),
	FIELD("health-interval-ms", FIELD_U64, health_interval_ms),
	FIELD("health-timeout-ms", FIELD_U64, health_timeout_ms),
	FIELD("health-start-ms", FIELD_U64, health_start_ms),
	FIELD("health-retries", FIELD_U64, health_retries), FIELD("health", FIELD_TEXT, health),
	FIELD("limits-by", FIELD_TEXT, limits_by), FIELD("system", FIELD_BOOL, is_system),
	FIELD("output-pipe", FIELD_U64, output_pipe), FIELD("error-pipe", FIELD_U64, error_pipe),
	FIELD("memory-watched", FIELD_U64, memory_watched), FIELD("sdnotify", FIELD_TEXT, sdnotify),
	FIELD("log-tag", FIELD_TEXT, log_tag)};

static const char *const phases[CONTAINER_PHASES] = {
	"created", "starting", "running", "restarting", "exited"};

const char *container_phase_name(enum container_phase phase)
{
	return phases[phase];
}

void container_init(struct container *c)
{
	*c = (struct container){0};
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (fields[i].kind == FIELD_TEXT)
			*(const char **)((char *)c + fields[i].offset) = "";
	c->id = "";
	c->restart = "no";
	c->log_driver = "json-file";
	c->log_max_files = 1;
	c->stop_signal = 15;
	c->stop_timeout_ms = 10000;
}

/* Grows as it is filled; without memory it stays what it was. */
struct text {
	char *v;
	size_t n, size;
	bool is_short;
};

static void add_bytes(struct text *to, const char *bytes, size_t n)
{
	if (to->n + n + 1 > to->size) {
		size_t size = 2 * (to->n + n) + 1024;
		char *v = realloc(to->v, size);
		to->is_short |= !v;
		if (!v)
			return;
		to->v = v;
		to->size = size;
	}
	memcpy(to->v + to->n, bytes, n);
	to->n += n;
	to->v[to->n] = '\0';
}

static void add_word(struct text *to, const char *word)
{
	add_bytes(to, word, strlen(word));
}

static void add_text(struct text *to, const char *text)
{
	while (*text) {
		size_t n = 0;
		char escape[4];
		while ((unsigned char)text[n] >= 0x20 && text[n] != 0x7f && text[n] != '%')
			n++;
		add_bytes(to, text, n);
		text += n;
		if (!*text)
			return;
		snprintf(escape, sizeof(escape), "%%%02X", (unsigned char)*text++);
		add_bytes(to, escape, 3);
	}
}

static void add_field(struct text *to, const struct container *c, const struct field *field)
{
	const void *at = (const char *)c + field->offset;
	char number[24] = "";
	add_word(to, field->key);
	add_word(to, " ");
	switch (field->kind) {
	case FIELD_TEXT:
		add_text(to, *(const char *const *)at);
		break;
	case FIELD_BOOL:
		add_word(to, *(const bool *)at ? "1" : "0");
		break;
	case FIELD_INT:
	case FIELD_PID:
		snprintf(number, sizeof(number), "%d", *(const int *)at);
		break;
	case FIELD_U64:
		snprintf(number, sizeof(number), "%llu", (unsigned long long)*(const uint64_t *)at);
		break;
	case FIELD_I64:
		snprintf(number, sizeof(number), "%lld", (long long)*(const int64_t *)at);
		break;
	case FIELD_PHASE:
		add_word(to, phases[*(const enum container_phase *)at]);
		break;
	}
	add_word(to, number);
	add_word(to, "\n");
}

char *container_to_text(const struct container *c)
{
	struct text to = {0};
	char head[48];
	snprintf(head, sizeof(head), MAGIC " %d\n", CONTAINER_VERSION);
	add_word(&to, head);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		add_field(&to, c, &fields[i]);
	for (size_t i = 0; i < c->labels.n; i++) {
		add_word(&to, "label ");
		add_text(&to, c->labels.v[i]);
		add_word(&to, "\n");
	}
	if (!to.is_short)
		return to.v;
	free(to.v);
	return NULL;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* In place: it only gets shorter. */
static void unescape(char *text)
{
	char *to = text;
	for (; *text; text++) {
		int high = *text == '%' ? hex(text[1]) : -1;
		int low = high >= 0 ? hex(text[2]) : -1;
		if (low >= 0 && (high || low)) {
			*to++ = (char)(high * 16 + low);
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

static bool take_phase(const char *value, enum container_phase *ret)
{
	for (int i = 0; i < CONTAINER_PHASES; i++)
		if (!strcmp(phases[i], value)) {
			*ret = (enum container_phase)i;
			return true;
		}
	return false;
}

static bool take_field(struct container *c, const struct field *field, char *value)
{
	void *at = (char *)c + field->offset;
	uint64_t number = 0;
	if (field->kind == FIELD_TEXT) {
		unescape(value);
		*(const char **)at = value;
		return true;
	}
	if (field->kind == FIELD_PHASE)
		return take_phase(value, at);
	if (!text_to_u64(value, field->kind == FIELD_U64 ? UINT64_MAX : INT64_MAX, &number))
		return false;
	if (field->kind == FIELD_BOOL)
		*(bool *)at = number != 0;
	else if (field->kind == FIELD_INT || field->kind == FIELD_PID)
		*(int *)at = number <= INT32_MAX ? (int)number : 0;
	else if (field->kind == FIELD_U64)
		*(uint64_t *)at = number;
	else
		*(int64_t *)at = (int64_t)number;
	return true;
}

/* From @next on and round: lines come in the table's order, and ps reads hundreds of records. */
static const struct field *find_field(const char *key, size_t *next)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		size_t at = (*next + i) % ARRAY_LEN(fields);
		if (!strcmp(fields[at].key, key)) {
			*next = at + 1;
			return &fields[at];
		}
	}
	return NULL;
}

bool container_from_text(char *text, struct arena *arena, struct container *c, struct err *e)
{
	char *line = strsep(&text, "\n");
	uint64_t version = 0;
	size_t next = 0;
	if (!text_starts(line, MAGIC " ") ||
		!text_to_u64(line + strlen(MAGIC) + 1, UINT32_MAX, &version) || !version)
		return err_msg(e, ERR_INPUT, "it does not begin as a record does");
	if (version > CONTAINER_VERSION)
		return err_msg(e, ERR_STATE, "its record is of version %llu, this guscio reads %d",
			(unsigned long long)version, CONTAINER_VERSION);
	while ((line = strsep(&text, "\n"))) {
		char *value = line + strcspn(line, " ");
		if (!*value)
			continue;
		*value++ = '\0';
		const struct field *field = find_field(line, &next);
		if (!strcmp(line, "label")) {
			unescape(value);
			strv_add(arena, &c->labels, value);
		} else if (field && !take_field(c, field, value)) {
			return err_msg(e, ERR_INPUT, "'%s' is not what '%s' can be", value, line);
		}
	}
	/* They end up in paths and in processes' hands. */
	if (strchr(c->name, '/') || c->stop_signal < 1 || c->stop_signal > 64)
		return err_msg(e, ERR_INPUT, "its name or stop signal is none");
	return true;
}
