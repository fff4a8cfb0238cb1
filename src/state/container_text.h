/* SPDX-License-Identifier: Apache-2.0 */
/* container_text.h - a container's record as text: a key and a value a line */
#ifndef STATE_CONTAINER_TEXT_H
#define STATE_CONTAINER_TEXT_H

#include "state/container.h"

/* Longer than what a command line and its labels can make of it. */
#define CONTAINER_TEXT_MAX 65536

/* From malloc; NULL when memory is short. Control bytes and '%' are written as %XX. */
char *container_to_text(const struct container *c);

/*
 * container_from_text() - @c as container_init() left it, plus what the text says
 * Unknown keys are passed over: a later guscio of the same version may have written them.
 * Errors: ERR_INPUT no record, or a number that is none; ERR_STATE one of a newer version.
 */
bool container_from_text(char *text, struct arena *arena, struct container *c, struct err *e);

#endif
