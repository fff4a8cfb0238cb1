/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/build.h"

/* Shown for peers that are this machine; with loopback only they are nobody's addresses. */
#define GATEWAY4 "10.0.2.2"
#define GATEWAY6 "fd00::2"

static const char *text_of(const struct plan *plan, const struct address *a)
{
	char buf[ADDRESS_TEXT_SIZE];
	return a->family ? arena_strdup(plan->spec->arena, address_print(a, buf)) : "none";
}

void plan_add_ports(struct plan *plan)
{
	const struct net_plan *net = &plan->net;
	if (!plan->spec->n_ports)
		return;
	plan_add(plan, STEP_OPEN_PORTS);
	plan_add(plan, STEP_HOLD_NETWORK);
	struct step *serve = plan_add(plan, STEP_SERVE_PORTS);
	serve->ports.guest4 = net->has_device ? text_of(plan, &net->guest4) : "127.0.0.1";
	serve->ports.guest6 = net->has_device ? text_of(plan, &net->guest6) : "::1";
	serve->ports.gateway4 = net->has_device ? text_of(plan, &net->gateway4) : GATEWAY4;
	serve->ports.gateway6 = net->has_device ? text_of(plan, &net->gateway6) : GATEWAY6;
	plan_add(plan, STEP_PORTS_READY);
}
