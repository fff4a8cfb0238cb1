/* SPDX-License-Identifier: Apache-2.0 */
/* visit.h - something of ours, done in a container's root by a child that executes nothing */
#ifndef APPLY_VISIT_H
#define APPLY_VISIT_H

#include "apply/proc.h"

typedef bool visit_action(struct child *child, void *argument, struct err *e);

/*
 * visit_run() - carry out a plan of plan_build_visit()
 * @act: in the child; its memory is a copy of ours, its descriptors are ours
 * Who enters a container's user namespace cannot leave it: that is another process than the
 * caller, which has its own rights afterwards.
 */
bool visit_run(
	struct plan *plan, visit_action *act, void *argument, struct notes *notes, struct err *e);

#endif
