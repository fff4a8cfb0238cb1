/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/health.h"
#include "base/own.h"
#include "state/event.h"
#include "sys/spawn.h"
#include "wire/notify.h"

#include <string.h>

struct health {
	uint64_t next_ms;     /* the next check begins; 0: one runs */
	uint64_t deadline_ms; /* the one that runs takes too long */
	uint64_t grace_ms;    /* failures before this time do not count */
	uint64_t failures;    /* in a row */
	pid_t pid;
};

static struct health *health_of(void)
{
	static struct health health;
	return &health;
}

void health_start(struct monitor *m)
{
	if (!m->record.health_test[0])
		return;
	m->health = health_of();
	uint64_t now = monitor_now_ms();
	*m->health = (struct health){.next_ms = now + m->record.health_interval_ms,
		.grace_ms = now + m->record.health_start_ms};
}

uint64_t health_deadline(const struct monitor *m)
{
	if (!m->health || m->stage != STAGE_RUNS)
		return 0;
	return m->health->pid ? m->health->deadline_ms : m->health->next_ms;
}

static void write_health(struct monitor *m, const char *health)
{
	CLEAN(clean_fd) int fd = -1;
	struct container c;
	struct err ignored;
	if (!strcmp(m->record.health, health))
		return;
	m->record.health = health;
	memset(m->arena->base, 0, m->arena->used);
	m->arena->used = 0;
	if (!container_lock(m->all_fd, m->id, &fd, &ignored) ||
		!container_read(m->all_fd, m->id, m->arena, &c, &ignored) ||
		c.phase != CONTAINER_RUNNING)
		return;
	char action[64];
	c.health = health;
	container_write(fd, &c, false, &ignored);
	snprintf(action, sizeof(action), "health_status: %s", health);
	event_of_container(m->all_fd, &c, action, NULL);
}

static void begin_check(struct monitor *m)
{
	struct err ignored;
	const int none[3] = {-1, -1, -1};
	char *const argv[] = {(char *)m->guscio, (char *)"exec", (char *)m->id, (char *)"/bin/sh",
		(char *)"-c", (char *)m->record.health_test, NULL};
	m->health->next_ms = monitor_now_ms() + m->record.health_interval_ms;
	if (!spawn_program(argv, NULL, 0, none, &m->health->pid, &ignored))
		m->health->pid = 0;
	m->health->deadline_ms = monitor_now_ms() + m->record.health_timeout_ms;
}

void health_turn(struct monitor *m)
{
	struct health *h = m->health;
	uint64_t now;
	if (!h || m->stage != STAGE_RUNS)
		return;
	now = monitor_now_ms();
	if (h->pid && now >= h->deadline_ms) {
		/* Its end comes as a child's, and counts as a failure. */
		kill(h->pid, SIGKILL);
		h->deadline_ms = now + 1000;
	} else if (!h->pid && now >= h->next_ms) {
		begin_check(m);
	}
}

void health_take_child(struct monitor *m, pid_t pid, int status)
{
	struct health *h = m->health;
	if (!h || pid != h->pid)
		return;
	h->pid = 0;
	h->next_ms = monitor_now_ms() + m->record.health_interval_ms;
	if (status == 0) {
		h->failures = 0;
		if (!strcmp(m->record.sdnotify, "healthy") && strcmp(m->record.health, "healthy"))
			notify_send("READY=1");
		write_health(m, "healthy");
		return;
	}
	bool is_grace = monitor_now_ms() < h->grace_ms && strcmp(m->record.health, "healthy") != 0;
	if (!is_grace && ++h->failures >= m->record.health_retries)
		write_health(m, "unhealthy");
}

void health_stop(struct monitor *m)
{
	if (m->health && m->health->pid)
		kill(m->health->pid, SIGKILL);
	m->health = NULL;
}
